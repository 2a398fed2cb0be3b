import type { EnqueueOptions } from "../core/enqueue-options.ts";
import { PayloadError } from "../core/errors.ts";
import type { Serializer } from "../core/serializer.ts";
import { defineTask, type AnyTask, type JobRequest } from "../core/task.ts";
import { replayId } from "../core/uuid.ts";
import { validate } from "../core/validate.ts";
import type { Database, Queryable } from "../db/database.ts";
import {
  findReplayable,
  linkReplays,
  presentTime,
  type HistoryEntry,
  type PlacedEntry,
  type ReplayFilters,
} from "../store/history.ts";
import { describeJobs } from "../store/new-jobs.ts";
import { storeOn, type Store } from "../store/store.ts";
import { toAttempt, type HistoryAttempt } from "./history-attempt.ts";
import { cursorOf, timeOf } from "./position.ts";
import type { CheckedReplayOptions } from "./replay-options.ts";

/** What a replay did; in a dry run, what it would do. */
export interface ReplayResult {
  /** How many ended jobs it looked at. */
  readonly matched: number;
  /** How many new jobs there are. */
  readonly created: number;
  /** How many had been replayed before, or met a job with their unique key. */
  readonly skipped: number;
  /** Where another replay may go on; null when there is nothing left. */
  readonly next: string | null;
}

/** Enqueues jobs in a transaction, by the ways of the client. */
export type EnqueueReplays = (
  requests: readonly JobRequest[],
  db: object,
) => Promise<readonly { readonly job: { readonly id: string }; readonly outcome: string }[]>;

const batchRows = 500;
const batchBytes = 16_000_000;

/** Enqueues new jobs from the history, in batches, so that a million of them are never in memory at once. */
export class Replayer {
  readonly #store: Store<Database>;
  readonly #serializer: Serializer;
  readonly #tasks: ReadonlyMap<string, AnyTask>;
  readonly #enqueue: EnqueueReplays;

  constructor(
    store: Store<Database>,
    options: {
      readonly serializer: Serializer;
      readonly tasks: ReadonlyMap<string, AnyTask>;
      readonly enqueue: EnqueueReplays;
    },
  ) {
    this.#store = store;
    this.#serializer = options.serializer;
    this.#tasks = options.tasks;
    this.#enqueue = options.enqueue;
  }

  async replay(options: CheckedReplayOptions): Promise<ReplayResult> {
    const { db, limit } = options;
    const store = db === undefined ? this.#store : storeOn(this.#store, this.#store.db.join(db));
    const filters = await filtersOf(store, options);
    let { after } = options;
    let matched = 0;
    let created = 0;
    while (matched < limit) {
      const rows = Math.min(batchRows, limit - matched);
      const batch = await findReplayable(store, filters, {
        after,
        limit: rows,
        maxBytes: batchBytes,
      });
      const last = batch.at(-1);
      if (last === undefined) return { matched, created, skipped: matched - created, next: null };
      created += options.isDryRun
        ? await countNew(store, batch)
        : await this.#write(batch, options, db);
      matched += batch.length;
      after = last.position;
    }
    const rest = await findReplayable(store, filters, { after, limit: 1, maxBytes: 1 });
    const next = rest.length === 0 ? null : cursorOf(after);
    return { matched, created, skipped: matched - created, next };
  }

  /**
   * Enqueues new jobs from these ended ones, in a transaction of the caller's; one whose payload is not kept is left out.
   * Resolves with how many are new.
   */
  async replayEntries(entries: readonly HistoryEntry[], db: object): Promise<number> {
    const kept = entries.filter(({ payloadText }) => payloadText !== null);
    const jobs = await this.#jobsFor(kept, unchanged);
    return jobs.length === 0 ? 0 : this.#insert(jobs, db, this.#store.db.join(db));
  }

  async #write(
    batch: readonly PlacedEntry[],
    options: CheckedReplayOptions,
    db: object | undefined,
  ): Promise<number> {
    const entries = batch.map(({ entry }) => entry);
    const jobs = await this.#jobsFor(entries, options);
    if (db !== undefined) return this.#insert(jobs, db, this.#store.db.join(db));
    const tx = await this.#store.db.begin();
    try {
      const created = await this.#insert(jobs, tx.handle, tx);
      await tx.commit();
      return created;
    } catch (error) {
      await tx.rollback();
      throw error;
    }
  }

  async #insert(jobs: readonly Replay[], db: object, tx: Queryable): Promise<number> {
    const results = await this.#enqueue(
      jobs.map(({ request }) => request),
      db,
    );
    const created = jobs.filter(({ link }, place) => {
      const result = results[place];
      return result?.outcome === "created" && result.job.id === link.id;
    });
    const links = created.map(({ link }) => link);
    if (links.length > 0) await linkReplays(storeOn(this.#store, tx), links);
    return created.length;
  }

  async #jobsFor(entries: readonly HistoryEntry[], options: Changed): Promise<readonly Replay[]> {
    const jobs: Replay[] = [];
    for (const entry of entries) {
      const attempt = toAttempt(entry, this.#serializer);
      const request = await this.#request(attempt, options).catch((error: unknown) => {
        throw error instanceof PayloadError ? naming(attempt, error) : error;
      });
      const { queue, id } = attempt;
      jobs.push({ request, link: { queue, id: replayId(attempt), replayOf: id } });
    }
    return jobs;
  }

  async #request(attempt: HistoryAttempt, options: Changed): Promise<JobRequest> {
    if (attempt.payloadError !== null) throw attempt.payloadError;
    const task = this.#tasks.get(attempt.task) ?? defineTask({ name: attempt.task });
    const payload = await options.edit(attempt.payload, attempt);
    // Checked again with all others of the batch, but here it is known whose it is.
    if (task.schema !== undefined) await validate(task.schema, payload);
    return { task, payload, options: enqueueOptionsFor(attempt, options) };
  }
}

/** What the new jobs have of their own. */
type Changed = Pick<CheckedReplayOptions, "maxAttempts" | "priority" | "delayMs" | "edit">;

const unchanged: Changed = {
  maxAttempts: undefined,
  priority: undefined,
  delayMs: undefined,
  edit: (payload) => payload,
};

interface Replay {
  readonly request: JobRequest;
  readonly link: { readonly queue: string; readonly id: string; readonly replayOf: string };
}

function enqueueOptionsFor(attempt: HistoryAttempt, options: Changed): EnqueueOptions {
  const { maxAttempts, priority, delayMs } = options;
  return {
    id: replayId(attempt),
    queue: attempt.queue,
    ...(attempt.correlationId === null ? {} : { correlationId: attempt.correlationId }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(priority === undefined ? {} : { priority }),
    ...(delayMs === undefined ? {} : { delay: delayMs }),
  };
}

// What fails while the replay goes on is for the next one: else a replay of hopeless jobs would never end.
async function filtersOf(store: Store, options: CheckedReplayOptions): Promise<ReplayFilters> {
  const { from, to, task, queue, outcomes, jobIds } = options;
  // What is named ends by itself; else the jobs enqueued here must not be found again when they have ended. And a clock that
  // was set back, or stands still, may say that a named job has ended after now.
  if (jobIds !== undefined) {
    return { from, to, task, queue, outcomes, jobIds, before: to?.toISOString() ?? "infinity" };
  }
  const now = await presentTime(store);
  const isPast = to !== undefined && to.getTime() <= timeOf(now);
  return { from, to, task, queue, outcomes, jobIds, before: isPast ? to.toISOString() : now };
}

async function countNew(store: Store, batch: readonly PlacedEntry[]): Promise<number> {
  const replays = batch.map(({ entry }) => ({ queue: entry.queue, id: replayId(entry) }));
  const known = await describeJobs(store, replays);
  return batch.length - known.size;
}

function naming({ queue, id }: HistoryAttempt, error: PayloadError): PayloadError {
  return new PayloadError(error.code, `replay of job ${id} of queue "${queue}": ${error.message}`, {
    path: error.path,
    issues: error.issues,
    cause: error,
  });
}
