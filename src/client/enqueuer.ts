import type { Random } from "../core/clock.ts";
import { checkEnqueueOptions, type EnqueueOptions } from "../core/enqueue-options.ts";
import { ClosedError, SchemaError } from "../core/errors.ts";
import type { AnyTask, JobRequest } from "../core/task.ts";
import { backoff, wait } from "../core/wait.ts";
import type { Database } from "../db/database.ts";
import { classify } from "../db/sqlstate.ts";
import {
  describeJobs,
  insertJobs,
  insertJobsOnce,
  jobKey,
  type JobDescription,
  type NewJob,
} from "../store/new-jobs.ts";
import { inTransaction, storeOn, type Store } from "../store/store.ts";
import { chunksOf } from "./chunks.ts";
import { Coalescer } from "./coalescer.ts";
import { prepareJob, prepareJobs, type Preparation, type PreparedJob } from "./prepare.ts";

/** A job as its enqueue made it, or found it; `runAt` is by the database's clock. */
export type EnqueuedJob = JobDescription;

/** One job to be enqueued. */
export interface EnqueueRequest {
  readonly task: AnyTask;
  readonly payload: unknown;
  readonly options: EnqueueOptions;
}

/** `kept`: a job with this id is live or has run, and nothing was written; `job` is that one. */
export interface EnqueueResult {
  readonly job: EnqueuedJob;
  readonly outcome: "created" | "kept";
}

const maxCoalesced = 1_000;

/** Writes jobs: alone or many, in the caller's transaction or on its own. */
export class Enqueuer {
  readonly #store: Store<Database>;
  readonly #preparation: Preparation;
  readonly #schema: string;
  readonly #retryForMs: number;
  readonly #random: Random;
  readonly #coalescer: Coalescer;
  readonly #closing = new AbortController();

  constructor(
    store: Store<Database>,
    options: { preparation: Preparation; schema: string; retryForMs: number; random: Random },
  ) {
    this.#store = store;
    this.#preparation = options.preparation;
    this.#schema = options.schema;
    this.#retryForMs = options.retryForMs;
    this.#random = options.random;
    this.#coalescer = new Coalescer({
      write: (jobs) => this.#writeNew(jobs),
      isRefusal: (error) => ["reject", "unknown"].includes(classify(error)),
      maxBatch: maxCoalesced,
    });
  }

  /** Enqueues one job; in the caller's transaction when `db` is given. */
  async enqueue({ task, payload, options }: EnqueueRequest): Promise<EnqueueResult> {
    this.#assertOpen();
    const checked = checkEnqueueOptions(options);
    const joined = this.#join(checked.db);
    const job = await prepareJob({ task, payload, options: checked }, this.#preparation);
    if (joined !== undefined) return first(await this.#explaining(this.#insert(joined, [job])));
    if (job.hasOwnId) return first(await this.#writeOnce([job]));
    return created(job, await this.#coalescer.add(job));
  }

  /** Enqueues jobs atomically and returns them in order; every payload is checked before any is written. */
  async enqueueMany(
    requests: readonly JobRequest[],
    db: EnqueueOptions["db"],
  ): Promise<EnqueueResult[]> {
    this.#assertOpen();
    const joined = this.#join(db);
    const jobs = await prepareJobs(requests, this.#preparation);
    if (jobs.length === 0) return [];
    if (joined !== undefined) return this.#explaining(this.#insert(joined, jobs));
    if (jobs.some((job) => job.hasOwnId)) return this.#writeOnce(jobs);
    const nowMs = await this.#writeNew(jobs);
    return jobs.map((job) => created(job, nowMs));
  }

  /** Refuses further calls; resolves when all earlier ones have been answered. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#coalescer.close();
  }

  #join(db: object | undefined): Store | undefined {
    return db === undefined ? undefined : storeOn(this.#store, this.#store.db.join(db));
  }

  async #insert(store: Store, jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
    if (jobs.some((job) => job.hasOwnId)) return insertOnce(store, jobs, this.#store);
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
        const [only, ...others] = chunksOf(jobs);
        if (only !== undefined && others.length === 0) return insertJobs(this.#store, only);
        return inTransaction(this.#store, (store) => insertInChunks(store, jobs));
      }
      const { nowMs } = await inTransaction(this.#store, (store) =>
        insertJobsOnce(store, jobs, this.#store),
      );
      return nowMs;
    });
  }

  #writeOnce(jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
    return this.#retrying(() =>
      inTransaction(this.#store, (store) => insertOnce(store, jobs, this.#store)),
    );
  }

  async #retrying<T>(write: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#retryForMs;
    const pause = backoff({ initialMs: 50, maxMs: 1_000, random: this.#random });
    for (;;) {
      try {
        return await this.#explaining(write());
      } catch (error) {
        const isWorthAnother = ["retry", "reconnect", "resources"].includes(classify(error));
        if (!isWorthAnother || performance.now() > until || this.#closing.signal.aborted)
          throw error;
        await wait(pause.next(), this.#closing.signal);
      }
    }
  }

  async #explaining<T>(written: Promise<T>): Promise<T> {
    try {
      return await written;
    } catch (error) {
      if (classify(error) !== "schema") throw error;
      throw new SchemaError(
        "PAWL_SCHEMA_MISSING",
        `expected Pawl's tables in the schema "${this.#schema}", got none or older ones; run \`npx pawl migrate\` or pawl.migrate()`,
        { cause: error },
      );
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
  for (const chunk of chunksOf(jobs)) nowMs = await insertJobs(store, chunk);
  return nowMs;
}

async function insertOnce(
  store: Store,
  jobs: readonly PreparedJob[],
  outside: Store,
): Promise<EnqueueResult[]> {
  const unseen = new Set<string>();
  const distinct = jobs.filter((job) => !unseen.has(jobKey(job)) && unseen.add(jobKey(job)));
  const keys = new Set<string>();
  let nowMs = 0;
  for (const chunk of chunksOf(distinct)) {
    const inserted = await insertJobsOnce(store, chunk, outside);
    nowMs = inserted.nowMs;
    for (const key of inserted.created) keys.add(key);
  }
  const known = distinct.filter((job) => !keys.has(jobKey(job)));
  const described =
    known.length === 0 ? new Map<string, EnqueuedJob>() : await describeJobs(store, known);
  const fresh = new Set(keys);
  return jobs.map((job) => {
    // The second job with an id that is given twice in one call is kept, as it would be in a second call.
    const result = created(job, nowMs);
    if (fresh.delete(jobKey(job))) return result;
    return { job: described.get(jobKey(job)) ?? result.job, outcome: "kept" };
  });
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
