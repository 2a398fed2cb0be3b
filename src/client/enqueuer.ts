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
  type Inserted,
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
const none: ReadonlySet<string> = new Set();

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
    return resultOf(job, await this.#coalescer.add(job));
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
    const inserted = await this.#writeNew(jobs);
    return jobs.map((job) => resultOf(job, inserted));
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
    const inserted = await inChunks(jobs, (chunk) => insertJobs(store, chunk));
    return jobs.map((job) => resultOf(job, inserted));
  }

  // The first try inserts blindly, for the ids are new. After a lost reply nobody knows whether it was committed, so every
  // later try looks before it writes.
  #writeNew(jobs: readonly NewJob[]): Promise<Inserted> {
    let isFirst = true;
    return this.#retrying(async () => {
      if (!isFirst) {
        const { nowMs } = await inTransaction(this.#store, (store) =>
          inChunks(jobs, (chunk) => insertJobsOnce(store, chunk, this.#store)),
        );
        // What was there already is what an earlier try of this call has made.
        return { nowMs, kept: none };
      }
      isFirst = false;
      const [only, ...others] = chunksOf(jobs);
      if (only !== undefined && others.length === 0) return insertJobs(this.#store, only);
      return inTransaction(this.#store, (store) =>
        inChunks(jobs, (chunk) => insertJobs(store, chunk)),
      );
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

async function inChunks(
  jobs: readonly NewJob[],
  write: (chunk: readonly NewJob[]) => Promise<Inserted>,
): Promise<Inserted> {
  const kept = new Set<string>();
  let nowMs = 0;
  for (const chunk of chunksOf(jobs)) {
    const inserted = await write(chunk);
    nowMs = inserted.nowMs;
    for (const key of inserted.kept) kept.add(key);
  }
  return { nowMs, kept };
}

async function insertOnce(
  store: Store,
  jobs: readonly PreparedJob[],
  outside: Store,
): Promise<EnqueueResult[]> {
  const unseen = new Set<string>();
  const distinct = jobs.filter((job) => !unseen.has(jobKey(job)) && unseen.add(jobKey(job)));
  const inserted = await inChunks(distinct, (chunk) => insertJobsOnce(store, chunk, outside));
  const known = distinct.filter((job) => inserted.kept.has(jobKey(job)));
  const described =
    known.length === 0 ? new Map<string, EnqueuedJob>() : await describeJobs(store, known);
  return jobs.map((job) => {
    const { outcome, job: made } = resultOf(job, inserted);
    // The second job with an id that is given twice in one call is kept, as it would be in a second call.
    if (outcome === "created" && unseen.delete(jobKey(job))) return { job: made, outcome };
    return { job: described.get(jobKey(job)) ?? made, outcome: "kept" };
  });
}

function resultOf(job: NewJob, { nowMs, kept }: Inserted): EnqueueResult {
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
    outcome: kept.size > 0 && kept.has(jobKey(job)) ? "kept" : "created",
  };
}

function first<T>(values: readonly T[]): T {
  const [value] = values;
  if (value === undefined) throw new RangeError("expected a result for the job");
  return value;
}
