import { checkEnqueueOptions } from "../core/enqueue-options.ts";
import type { Duration } from "../core/duration.ts";
import { OptionError } from "../core/errors.ts";
import type { JobReference } from "../core/job.ts";
import type {
  ClaimOptions,
  CompleteOptions,
  FailedJob,
  HeldJob,
  ManualClaims,
  ReleaseOptions,
  SettleOptions,
} from "../core/manual-claims.ts";
import type { PartialResults } from "../core/outcome.ts";
import {
  checkKeys,
  integerBetween,
  oneOf,
  queueName,
  shortText,
  taskName,
  text,
} from "../core/options.ts";
import { decodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import type { JobState } from "../core/states.ts";
import type { Database } from "../db/database.ts";
import { listJobs } from "../store/catalog.ts";
import {
  cancelJobs,
  failJobs,
  findFinished,
  findQueues,
  rescheduleJobs,
  unlockWorkers,
  type CancelOutcome,
  type CommandResult,
  type FailOutcome,
  type LiveResult,
  type NamedJob,
  type RescheduleOutcome,
  type RetryOutcome,
} from "../store/commands.ts";
import type { HistoryEntry } from "../store/history.ts";
import { getJob, type LiveJob } from "../store/inspection.ts";
import { alongIndexes, type Store } from "../store/store.ts";
import { explainJob } from "./explain.ts";
import type { JobExplanation } from "./explanation.ts";
import { checkJob, checkJobList, checkReference, inOrder, type JobList } from "./job-list.ts";
import { retry, type Replayer } from "./retry.ts";
import { atomically, joined, type WriteOptions } from "./write-options.ts";

export type {
  CancelOutcome,
  CommandResult,
  FailOutcome,
  RescheduleOutcome,
  RetryOutcome,
} from "../store/commands.ts";
export type { WriteOptions } from "./write-options.ts";

/** A live job as it stands. */
export interface JobDetails extends Omit<LiveJob, "payloadText"> {
  readonly payload: unknown;
}

/** A job that has ended, as its last attempt left it. */
export interface FinishedJob extends Omit<HistoryEntry, "payloadText"> {
  readonly state: "finished";
  readonly payload: unknown;
}

/** A live job in a list: without its payload. */
export type ListedJob = Omit<JobDetails, "payload">;

/** Which live jobs to list, and how many of them. */
export interface JobFilter {
  readonly queue?: string;
  readonly task?: string;
  readonly state?: JobState;
  readonly correlationId?: string;
  readonly concurrencyKey?: string;
  /** The last job of the page before, as its `next` says. */
  readonly after?: JobReference;
  /** How many jobs a page has at most; 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** A page of live jobs. */
export interface JobPage {
  readonly jobs: readonly ListedJob[];
  /** What to give as `after` for the next page; undefined on the last one. */
  readonly next: JobReference | undefined;
}

/** What to change about waiting jobs: at least one of these. */
export interface RescheduleOptions {
  /** The caller's open transaction, in the driver's own form: what is written counts if and only if it commits. */
  readonly db?: object;
  /** The earliest time to run; not together with `delay`. */
  readonly runAt?: Date;
  /** How long to wait before the job may run, counted by the database's clock. */
  readonly delay?: Duration;
  /** Lower runs first; -32768 to 32767. */
  readonly priority?: number;
  /** How many attempts may fail before the job does. */
  readonly maxAttempts?: number;
}

const states = ["scheduled", "ready", "blocked", "running"] as const;
const changes = ["runAt", "delay", "priority", "maxAttempts"] as const;
// More rows gain nothing, and one statement should not hold the server for long.
const maxNamed = 10_000;

/** The live jobs, and what may be done to them by hand. */
export class Jobs {
  readonly #store: Store<Database>;
  readonly #serializer: Serializer;
  readonly #claims: ManualClaims;
  readonly #replay: Replayer;

  constructor(
    store: Store<Database>,
    given: {
      readonly serializer: Serializer;
      readonly claims: ManualClaims;
      readonly replay: Replayer;
    },
  ) {
    this.#store = store;
    this.#serializer = given.serializer;
    this.#claims = given.claims;
    this.#replay = given.replay;
  }

  /**
   * One job: live, or `"finished"` with its last outcome, as long as its history is kept; undefined when there is none. An
   * id alone finds a job in any queue, a live one first. Throws `OptionError`, and `PayloadError` when its payload cannot
   * be decoded.
   */
  async get(job: JobReference | string): Promise<JobDetails | FinishedJob | undefined> {
    const named = checkJob("job", job);
    const live = await this.#getLive(named);
    if (live !== undefined) {
      const { payloadText, ...details } = live;
      return { ...details, payload: decodePayload(payloadText, this.#serializer) };
    }
    const [finished] = await findFinished(this.#store, [named]);
    if (finished === undefined) return undefined;
    const { payloadText, ...details } = finished;
    const payload = payloadText === null ? undefined : decodePayload(payloadText, this.#serializer);
    return { ...details, state: "finished", payload };
  }

  /**
   * Says why a job does not run, or what it does or did instead; undefined when there is no such job. An id alone finds a
   * job in any queue, a live one first. Reads a bounded number of rows, however many jobs there are. Throws `OptionError`
   * and `DatabaseError`.
   */
  async explain(job: JobReference | string): Promise<JobExplanation | undefined> {
    return explainJob(this.#store, checkJob("job", job));
  }

  /** A page of the live jobs, in the order of queues and ids. Throws `OptionError`. */
  async list(filter: JobFilter = {}): Promise<JobPage> {
    checkKeys("list", filter, [
      ...["queue", "task", "state", "correlationId", "concurrencyKey"],
      ...["after", "limit"],
    ]);
    const limit = integerBetween("limit", filter.limit ?? 100, 1, 1_000);
    const selection = {
      queue: given(filter.queue, (value) => queueName("queue", value)),
      task: given(filter.task, (value) => taskName("task", value)),
      state: given(filter.state, (value) => oneOf("state", value, states)),
      correlationId: given(filter.correlationId, (value) => shortText("correlationId", value)),
      concurrencyKey: given(filter.concurrencyKey, (value) => shortText("concurrencyKey", value)),
      after: given(filter.after, (value) => checkReference("after", value)),
      limit,
    };
    const jobs = await alongIndexes(this.#store, (store) => listJobs(store, selection));
    const last = jobs.at(-1);
    const isFull = last !== undefined && jobs.length === limit;
    return { jobs, next: isFull ? { queue: last.queue, id: last.id } : undefined };
  }

  /**
   * Cancels jobs. One that waits ends at once; the handler of one that runs has its signal aborted with `CancelledError`,
   * and the job ends as `cancelled` unless the handler returns normally in spite of it. Resolves with what was done, job
   * by job. Throws `OptionError`.
   */
  cancel(
    jobs: JobList,
    reason = "cancelled by hand",
    options: WriteOptions = {},
  ): Promise<CommandResult<CancelOutcome>[]> {
    return this.#command("cancel", { jobs, reason, options }, (store, named) =>
      cancelJobs(store, named, reason),
    );
  }

  /**
   * Ends jobs as failed, with a reason, whatever their state and the attempts they have left. The handler of one that runs
   * has its signal aborted with `LeaseLostError`, and what it says no longer counts. Resolves with what was done, job by
   * job. Throws `OptionError`.
   */
  failPermanently(
    jobs: JobList,
    reason: string,
    options: WriteOptions = {},
  ): Promise<CommandResult<FailOutcome>[]> {
    return this.#command("failPermanently", { jobs, reason, options }, (store, named) =>
      failJobs(store, named, reason),
    );
  }

  /**
   * Changes when waiting jobs run, how urgent they are, or how often they may fail; running jobs are left alone. Resolves
   * with what was done, job by job. Throws `OptionError`.
   */
  async reschedule(
    jobs: JobList,
    options: RescheduleOptions,
  ): Promise<CommandResult<RescheduleOutcome>[]> {
    checkKeys("reschedule", options, ["db", ...changes]);
    const checked = checkEnqueueOptions(options);
    if (changes.every((name) => checked[name === "delay" ? "delayMs" : name] === undefined)) {
      throw new OptionError(`expected at least one of ${changes.join(", ")}, got none`, {
        option: "reschedule",
        expected: `at least one of ${changes.join(", ")}`,
        got: "none",
      });
    }
    return this.#named(jobs, options, (store, named) => rescheduleJobs(store, named, checked));
  }

  /**
   * Runs scheduled jobs now, and enqueues those anew that have failed or been cancelled for good. Resolves with what was
   * done, job by job; `job` names the new one. Throws `OptionError`.
   */
  async retry(
    jobs: JobList,
    options: WriteOptions = {},
  ): Promise<(CommandResult<RetryOutcome> & { readonly job?: JobReference })[]> {
    checkKeys("retry", options, ["db"]);
    return this.#named(jobs, options, (store, named, db) =>
      retry(store, named, (finished) => this.#replay(finished, db)),
    );
  }

  /**
   * Takes the running jobs of these workers (names or ids; left out: of all) away from them. They go back to where they
   * stood, which counts as no failure; signals abort with `LeaseLostError`, and what the handlers say no longer counts.
   * Resolves with how many jobs. Throws `OptionError`.
   */
  async forceUnlock(
    workers?: string | readonly string[],
    options: WriteOptions = {},
  ): Promise<number> {
    checkKeys("forceUnlock", options, ["db"]);
    const store = joined(this.#store, options);
    if (workers === undefined) return unlockWorkers(store, undefined);
    const list: readonly unknown[] = Array.isArray(workers) ? workers : [workers];
    const names = list.map((name, place) => text(`workers[${place}]`, name));
    return unlockWorkers(store, names);
  }

  async #getLive({ queue, id }: NamedJob): Promise<LiveJob | undefined> {
    if (queue !== null) return getJob(this.#store, { queue, id });
    for (const found of await findQueues(this.#store, id)) {
      const live = await getJob(this.#store, { queue: found, id });
      if (live !== undefined) return live;
    }
    return undefined;
  }

  async #command<Outcome extends string>(
    call: string,
    given: { jobs: JobList; reason: string; options: WriteOptions },
    run: (store: Store, named: readonly NamedJob[]) => Promise<readonly LiveResult<Outcome>[]>,
  ): Promise<CommandResult<Outcome | "notFound">[]> {
    checkKeys(call, given.options, ["db"]);
    text("reason", given.reason);
    return this.#named(given.jobs, given.options, run);
  }

  async #named<Outcome extends string, Result extends LiveResult<Outcome>>(
    jobs: JobList,
    options: WriteOptions,
    run: (store: Store, named: readonly NamedJob[], db: object) => Promise<readonly Result[]>,
  ): Promise<(Result | CommandResult<"notFound">)[]> {
    // The one lock order, across statements too.
    const named = checkJobList(jobs);
    const sorted = [...named].sort(byQueueAndId);
    const found = await atomically(this.#store, options, async (store, db) => {
      const results: Result[] = [];
      for (let start = 0; start < sorted.length; start += maxNamed) {
        results.push(...(await run(store, sorted.slice(start, start + maxNamed), db)));
      }
      return results;
    });
    return inOrder<Outcome, Result>(named, found);
  }

  /**
   * Claims jobs for a worker that runs them by hand: `workerId` is its name. The jobs are held, in this process, until they
   * are settled or released, or the process ends. Throws `OptionError`, `SchemaError`, `DatabaseError` and `ClosedError`.
   */
  claim(workerId: string, options?: ClaimOptions): Promise<HeldJob[]> {
    return this.#claims.claim(workerId, options);
  }

  /** Ends jobs as succeeded. Throws `LeaseLostError` with the jobs that this worker does not hold; the others have ended. */
  complete(workerId: string, jobs: readonly HeldJob[], options?: CompleteOptions): Promise<void> {
    return this.#claims.complete(workerId, jobs, options);
  }

  /**
   * Says that attempts failed, each with an Error or a text: they run again by their task's `retry`, or have failed for good.
   * Throws as `complete` does.
   */
  fail(workerId: string, failed: readonly FailedJob[], options?: SettleOptions): Promise<void> {
    return this.#claims.fail(workerId, failed, options);
  }

  /**
   * Keeps what was done, for the next attempt to read as `job.partialResults`; it runs by the task's `retry`. Throws as
   * `complete` does, and `PayloadError` when the results are no JSON.
   */
  reportPartialSuccess(
    workerId: string,
    job: HeldJob,
    partialResults: PartialResults,
    options?: SettleOptions,
  ): Promise<void> {
    return this.#claims.reportPartialSuccess(workerId, job, partialResults, options);
  }

  /** Gives jobs back as if they had not been claimed. Throws as `complete` does. */
  release(workerId: string, jobs: readonly HeldJob[], options?: ReleaseOptions): Promise<void> {
    return this.#claims.release(workerId, jobs, options);
  }
}

function byQueueAndId(a: NamedJob, b: NamedJob): number {
  const [left, right] = [`${a.queue ?? ""} ${a.id}`, `${b.queue ?? ""} ${b.id}`];
  return left < right ? -1 : 1;
}

function given<Given, Checked>(
  value: Given | undefined,
  check: (value: Given) => Checked,
): Checked | undefined {
  return value === undefined ? undefined : check(value);
}
