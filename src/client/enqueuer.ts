import type { Random } from "../core/clock.ts";
import type { EnqueueOptions } from "../core/enqueue-options.ts";
import { ClosedError } from "../core/errors.ts";
import type { JobReference } from "../core/job.ts";
import type { JobState } from "../core/states.ts";
import type { JobRequest } from "../core/task.ts";
import { backoff, wait } from "../core/wait.ts";
import type { Database } from "../db/database.ts";
import { classify } from "../db/sqlstate.ts";
import { getJob, listHistory } from "../store/inspection.ts";
import { insertJobs, insertJobsOnce, jobKey, type NewJob } from "../store/new-jobs.ts";
import { inTransaction, storeOn, type Store } from "../store/store.ts";
import { Coalescer } from "./coalescer.ts";
import { prepareJob, prepareJobs, type Preparation, type PreparedJob } from "./prepare.ts";

/** A job as its enqueue made it. */
export interface EnqueuedJob extends JobReference {
  readonly task: string;
  readonly state: JobState | "finished";
  /** When it may run, by the database's clock. */
  readonly runAt: Date;
  readonly correlationId: string | null;
}

/** `kept`: a job with this id is live or has run, and nothing was written; `job` is that one. */
export interface EnqueueResult {
  readonly job: EnqueuedJob;
  readonly outcome: "created" | "kept";
}

// More rows gain nothing, and one statement should not hold the server for long.
const maxRowsPerStatement = 10_000;
const maxCoalesced = 1_000;

/** Writes jobs: alone or many, in the caller's transaction or on its own. */
export class Enqueuer {
  readonly #store: Store<Database>;
  readonly #preparation: Preparation;
  readonly #retryForMs: number;
  readonly #random: Random;
  readonly #coalescer: Coalescer;
  readonly #closing = new AbortController();

  constructor(
    store: Store<Database>,
    options: { preparation: Preparation; retryForMs: number; random: Random },
  ) {
    this.#store = store;
    this.#preparation = options.preparation;
    this.#retryForMs = options.retryForMs;
    this.#random = options.random;
    this.#coalescer = new Coalescer({
      write: (jobs) => this.#writeNew(jobs),
      isRefusal: (error) => ["reject", "unknown"].includes(classify(error)),
      maxBatch: maxCoalesced,
    });
  }

  /** Enqueues one job; in the caller's transaction when `db` is given. */
  async enqueue(request: JobRequest, db: EnqueueOptions["db"]): Promise<EnqueueResult> {
    this.#assertOpen();
    const joined = db === undefined ? undefined : this.#store.db.join(db);
    const job = await prepareJob(request, this.#preparation);
    if (joined !== undefined) return first(await this.#insert(storeOn(this.#store, joined), [job]));
    if (job.hasOwnId) return first(await this.#writeOnce([job]));
    return created(job, await this.#coalescer.add(job));
  }

  /** Enqueues jobs atomically and returns them in order; every payload is checked before any is written. */
  async enqueueMany(
    requests: readonly JobRequest[],
    db: EnqueueOptions["db"],
  ): Promise<EnqueueResult[]> {
    this.#assertOpen();
    const joined = db === undefined ? undefined : this.#store.db.join(db);
    const jobs = await prepareJobs(requests, this.#preparation);
    if (jobs.length === 0) return [];
    if (joined !== undefined) return this.#insert(storeOn(this.#store, joined), jobs);
    if (jobs.some((job) => job.hasOwnId)) return this.#writeOnce(jobs);
    const nowMs = await this.#writeNew(jobs);
    return jobs.map((job) => created(job, nowMs));
  }

  /** Refuses further calls; resolves when all earlier ones have been answered. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#coalescer.close();
  }

  async #insert(store: Store, jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
    if (jobs.some((job) => job.hasOwnId)) return insertOnce(store, jobs);
    const nowMs = await insertInChunks(store, jobs);
    return jobs.map((job) => created(job, nowMs));
  }

  // The first try inserts blindly, for the ids are new. After a lost reply nobody knows whether it was committed, so every
  // later try looks before it writes.
  #writeNew(jobs: readonly NewJob[]): Promise<number> {
    let isFirst = true;
    return this.#retrying(async () => {
      if (isFirst) {
        isFirst = false;
        if (jobs.length <= maxRowsPerStatement) return insertJobs(this.#store, jobs);
        return inTransaction(this.#store, (store) => insertInChunks(store, jobs));
      }
      const { nowMs } = await inTransaction(this.#store, (store) => insertJobsOnce(store, jobs));
      return nowMs;
    });
  }

  #writeOnce(jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
    return this.#retrying(() => inTransaction(this.#store, (store) => insertOnce(store, jobs)));
  }

  async #retrying<T>(write: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#retryForMs;
    const pause = backoff({ initialMs: 50, maxMs: 1_000, random: this.#random });
    for (;;) {
      try {
        return await write();
      } catch (error) {
        const isWorthAnother = ["retry", "reconnect", "resources"].includes(classify(error));
        if (!isWorthAnother || performance.now() > until || this.#closing.signal.aborted) throw error;
        await wait(pause.next(), this.#closing.signal);
      }
    }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) {
      throw new ClosedError("expected an open Pawl, got one that is closed; make a new one");
    }
  }
}

async function insertInChunks(store: Store, jobs: readonly NewJob[]): Promise<number> {
  let nowMs = 0;
  for (let start = 0; start < jobs.length; start += maxRowsPerStatement) {
    nowMs = await insertJobs(store, jobs.slice(start, start + maxRowsPerStatement));
  }
  return nowMs;
}

async function insertOnce(store: Store, jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
  const unseen = new Set<string>();
  const distinct = jobs.filter((job) => !unseen.has(jobKey(job)) && unseen.add(jobKey(job)));
  const { nowMs, created: keys } = await insertJobsOnce(store, distinct);
  const fresh = new Set(keys);
  const results: EnqueueResult[] = [];
  for (const job of jobs) {
    // The second job with an id that is given twice in one call is kept, as it would be in a second call.
    const isCreated = fresh.delete(jobKey(job));
    results.push(isCreated ? created(job, nowMs) : await kept(store, job));
  }
  return results;
}

async function kept(store: Store, reference: JobReference): Promise<EnqueueResult> {
  const live = await getJob(store, reference);
  if (live !== undefined) return { job: describe(live, live.state), outcome: "kept" };
  const finished = (await listHistory(store, reference)).at(-1);
  // It was there a moment ago, in the statement that kept it.
  if (finished === undefined) throw new RangeError(`expected job ${reference.id} to be live or in the history`);
  return { job: describe(finished, "finished"), outcome: "kept" };
}

function describe(
  { id, queue, task, runAt, correlationId }: Omit<EnqueuedJob, "state">,
  state: EnqueuedJob["state"],
): EnqueuedJob {
  return { id, queue, task, state, runAt, correlationId };
}

function created(job: NewJob, nowMs: number): EnqueueResult {
  const dueMs = job.runAt?.getTime() ?? nowMs + (job.delayMs ?? 0);
  return {
    job: {
      id: job.id,
      queue: job.queue,
      task: job.task,
      state: dueMs > nowMs ? "scheduled" : "ready",
      runAt: new Date(Math.max(dueMs, nowMs)),
      correlationId: job.correlationId ?? null,
    },
    outcome: "created",
  };
}

function first<T>(values: readonly T[]): T {
  const [value] = values;
  if (value === undefined) throw new RangeError("expected a result for the job");
  return value;
}
