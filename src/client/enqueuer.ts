import type { Random } from "../core/clock.ts";
import { checkEnqueueOptions, type EnqueueOptions } from "../core/enqueue-options.ts";
import { ClosedError, SchemaError } from "../core/errors.ts";
import { headersOf, type Instrumentation, type JobMeta } from "../core/instrumentation.ts";
import type { AnyTask, JobRequest } from "../core/task.ts";
import { backoff, wait } from "../core/wait.ts";
import type { Database } from "../db/database.ts";
import { classify } from "../db/sqlstate.ts";
import { inTransaction, storeOn, type Store } from "../store/store.ts";
import { Coalescer } from "./coalescer.ts";
import { prepareJob, prepareJobs, type Preparation, type PreparedJob } from "./prepare.ts";
import { isOneStatement, writeJobs, type EnqueueResult } from "./write-jobs.ts";

export type { EnqueuedJob, EnqueueResult } from "./write-jobs.ts";

/** One job to be enqueued. */
export interface EnqueueRequest {
  readonly task: AnyTask;
  readonly payload: unknown;
  readonly options: EnqueueOptions;
}

export interface EnqueuerOptions {
  readonly preparation: Preparation;
  readonly schema: string;
  readonly retryForMs: number;
  readonly random: Random;
  readonly instrumentation: Instrumentation | undefined;
  /** Told what became of the jobs of a call; in the caller's transaction, before it has committed. */
  readonly onEnqueued: (results: readonly EnqueueResult[]) => void;
}

const maxCoalesced = 1_000;

/** Writes jobs: alone or many, in the caller's transaction or on its own. */
export class Enqueuer {
  readonly #store: Store<Database>;
  readonly #options: EnqueuerOptions;
  readonly #coalescer: Coalescer;
  readonly #closing = new AbortController();

  constructor(store: Store<Database>, options: EnqueuerOptions) {
    this.#store = store;
    this.#options = options;
    this.#coalescer = new Coalescer({
      write: (jobs) => this.#write(jobs),
      isRefusal: (error) => ["reject", "unknown"].includes(classify(error)),
      maxBatch: maxCoalesced,
    });
  }

  /** Enqueues one job; in the caller's transaction when `db` is given. */
  async enqueue({ task, payload, options }: EnqueueRequest): Promise<EnqueueResult> {
    this.#assertOpen();
    const checked = checkEnqueueOptions(options);
    const joined = this.#join(checked.db);
    const { preparation, instrumentation, onEnqueued } = this.#options;
    const job = await prepareJob({ task, payload, options: checked }, preparation);
    const result = await (instrumentation === undefined
      ? this.#writeOne(job, joined)
      : instrumentation.enqueue([job], (meta) => this.#writeOne(marked(job, meta), joined)));
    onEnqueued([result]);
    return result;
  }

  /** Enqueues jobs atomically and returns them in order; every payload is checked before any is written. */
  async enqueueMany(
    requests: readonly JobRequest[],
    db: EnqueueOptions["db"],
  ): Promise<EnqueueResult[]> {
    this.#assertOpen();
    const joined = this.#join(db);
    const { preparation, instrumentation, onEnqueued } = this.#options;
    const jobs = await prepareJobs(requests, preparation);
    if (jobs.length === 0) return [];
    const results = await (instrumentation === undefined
      ? this.#writeAll(jobs, joined)
      : instrumentation.enqueue(jobs, (meta) =>
          this.#writeAll(
            jobs.map((job) => marked(job, meta)),
            joined,
          ),
        ));
    onEnqueued(results);
    return results;
  }

  /** Refuses further calls; resolves when all earlier ones have been answered. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#coalescer.close();
  }

  #join(db: object | undefined): Store | undefined {
    return db === undefined ? undefined : storeOn(this.#store, this.#store.db.join(db));
  }

  async #writeOne(job: PreparedJob, joined: Store | undefined): Promise<EnqueueResult> {
    const isAlone = joined !== undefined || job.hasOwnId;
    return isAlone ? first(await this.#writeAll([job], joined)) : this.#coalescer.add(job);
  }

  #writeAll(jobs: readonly PreparedJob[], joined: Store | undefined): Promise<EnqueueResult[]> {
    return joined === undefined ? this.#write(jobs) : this.#writeIn(joined, jobs);
  }

  #writeIn(joined: Store, jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
    const areNew = jobs.every((job) => !job.hasOwnId);
    return this.#explaining(writeJobs(joined, jobs, { areNew, outside: this.#store }));
  }

  // The first try inserts blindly where the ids are new. After a lost reply nobody knows whether it was committed, so every
  // later try looks before it writes.
  #write(jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
    let areNew = jobs.every((job) => !job.hasOwnId);
    return this.#retrying(() => {
      const writing = { areNew, outside: this.#store };
      areNew = false;
      if (writing.areNew && isOneStatement(jobs)) return writeJobs(this.#store, jobs, writing);
      return inTransaction(this.#store, (store) => writeJobs(store, jobs, writing));
    });
  }

  async #retrying<T>(write: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#options.retryForMs;
    const pause = backoff({ initialMs: 50, maxMs: 1_000, random: this.#options.random });
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
        `expected Pawl's tables in the schema "${this.#options.schema}", got none or older ones; run \`npx pawl migrate\` or pawl.migrate()`,
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

function marked(job: PreparedJob, meta: JobMeta): PreparedJob {
  return { ...job, meta: headersOf(meta) };
}

function first<T>(values: readonly T[]): T {
  const [value] = values;
  if (value === undefined) throw new RangeError("expected a result for the job");
  return value;
}
