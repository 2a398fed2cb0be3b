import { EventEmitter } from "node:events";
import { checkClaimFilter, maxBatchSize, type ClaimFilter } from "../core/claim-options.ts";
import { parseDuration, type Duration } from "../core/duration.ts";
import { ClosedError, LeaseLostError, WorkerError } from "../core/errors.ts";
import type { JobReference } from "../core/job.ts";
import {
  abortSignal,
  boolean,
  checkKeys,
  integerBetween,
  invalidOption,
  shortText,
} from "../core/options.ts";
import { startTimer, wait } from "../core/wait.ts";
import { Loop } from "../lifecycle/loop.ts";
import { JobBuffer } from "./job-buffer.ts";
import { FixedRefetching, type Refetching } from "./refetching.ts";

/** What a `LocalQueue` claims from: a `Pawl`, or anything of its shape. */
export interface JobSource<Job> {
  readonly jobs: {
    claim(
      workerId: string,
      options: ClaimFilter & { readonly batchSize: number },
    ): Promise<readonly Job[]>;
    release(workerId: string, jobs: readonly Job[]): Promise<void> | void;
  };
}

/** What `new LocalQueue` takes. Durations are milliseconds or strings such as `"5s"`. */
export interface LocalQueueOptions extends ClaimFilter {
  /** How many jobs it holds at most, of those that it claims. Default 100. */
  readonly size?: number;
  /** It claims more when it holds fewer jobs than this. Default: half of `size`. */
  readonly refetchThreshold?: number;
  /** After a claim that found fewer jobs than it asked for, the shortest pause before takers cause another. Default `"100ms"`. */
  readonly refetchDelay?: Duration;
  /** The pause between two looks for jobs when there were none. Default `"1s"`. */
  readonly pollInterval?: Duration;
  /** How long a job may wait here; then it goes back to the database. Default `"1m"`. */
  readonly ttl?: Duration;
}

/** What a local queue has done so far. */
export interface LocalQueueStats {
  /** How many jobs it has claimed. */
  readonly fetched: number;
  /** How many jobs it has given to takers. */
  readonly dispatched: number;
  /** How many claims it has made. */
  readonly refetches: number;
  /** How many jobs waited for longer than `ttl` and went back. */
  readonly expired: number;
  /** How many claims and releases have failed. */
  readonly errors: number;
}

const knownOptions = [
  ...["size", "refetchThreshold", "refetchDelay", "pollInterval", "ttl"],
  ...["tasks", "queues", "forbiddenFlags"],
] as const;
const maxBackoffMs = 1_000;

/**
 * A buffer of claimed jobs in this process. It claims in batches, ahead of those who take; each job is yours to complete,
 * fail or release. Emits `error` when a claim or a release fails, and goes on; without a listener, one line goes to stderr.
 *
 * ```ts
 * const queue = new LocalQueue(pawl, "importer", { size: 50 });
 * queue.start();
 * const job = await queue.take("5s"); // null when there was none
 * ```
 */
export class LocalQueue<Job extends JobReference = JobReference> extends EventEmitter<{
  error: [unknown];
}> {
  /** The name under which jobs are claimed. */
  readonly workerId: string;
  protected readonly buffer = new JobBuffer<Job>();
  readonly #source: JobSource<Job>["jobs"];
  readonly #filter: ClaimFilter;
  readonly #refetching: Refetching<Job>;
  readonly #loop: Loop;
  readonly #takers = new Set<(job: Job | null) => void>();
  readonly #counts = { fetched: 0, refetches: 0, expired: 0, errors: 0 };
  #state: "new" | "running" | "stopping" | "stopped" = "new";
  #overdue: Job[] = [];

  /** Nothing is claimed before `start`. Throws `OptionError`. */
  constructor(
    pawl: JobSource<Job>,
    workerId: string,
    options: LocalQueueOptions | Refetching<Job> = {},
  ) {
    super();
    this.workerId = shortText("workerId", workerId);
    this.#source = checkSource(pawl);
    if ("removeOverdue" in options) {
      this.#filter = {};
      this.#refetching = options;
    } else {
      this.#refetching = fixedRefetching(options);
      this.#filter = checkClaimFilter(options);
    }
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) => {
        this.#report(error);
      },
      random: this.#refetching.random,
      maxBackoffMs,
    });
  }

  /** How many jobs wait here. */
  get depth(): number {
    return this.buffer.depth;
  }

  /** Whether it looks for jobs. */
  get running(): boolean {
    return this.#state === "running";
  }

  /** What it has done so far. */
  stats(): LocalQueueStats {
    return { ...this.#counts, dispatched: this.buffer.taken };
  }

  /** Starts to claim jobs; once. Throws `WorkerError` when it was started or stopped before. */
  start(): void {
    if (this.#state !== "new") {
      throw new WorkerError(
        "PAWL_WORKER_STATE",
        `expected a new local queue, got one that is ${this.#state}; it starts once, make another with new LocalQueue(…)`,
      );
    }
    this.#state = "running";
    this.#loop.start();
  }

  /**
   * The next job; null when there was none for as long as `timeout`, the signal is aborted, or the queue stops. Those who
   * wait are served in order. Throws `OptionError`.
   */
  async take(
    timeout: Duration,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Job | null> {
    checkKeys("take", options, ["signal"]);
    const timeoutMs = parseDuration(timeout, "timeout");
    const signal = options.signal === undefined ? undefined : abortSignal("signal", options.signal);
    if (this.#isEnding || signal?.aborted) return null;
    this.#removeOverdue(performance.now());
    const job = this.buffer.shift();
    this.wake();
    if (job !== undefined || timeoutMs === 0) return job ?? null;
    return this.#nextJob(timeoutMs, signal);
  }

  /** Puts jobs that this worker holds straight into the buffer. Throws `OptionError`, and `WorkerError` after `stop`. */
  offer(jobs: readonly Job[]): void {
    const isList: boolean = Array.isArray(jobs);
    if (!isList) throw invalidOption("jobs", "a list of jobs", jobs);
    if (this.#isEnding) {
      throw new WorkerError(
        "PAWL_WORKER_STATE",
        `expected a local queue that takes jobs, got one that is ${this.#state}; release them with pawl.jobs.release(…)`,
      );
    }
    this.buffer.push([...jobs], performance.now());
    this.deliver();
    // They may be the first to fall overdue.
    this.#loop.wake();
  }

  /** There may be new jobs: looks soon. */
  wake(): void {
    this.#refetching.expectMore();
    this.#loop.wake();
  }

  /**
   * Stops: no more is claimed, and whoever waits gets null. Waits for the claim under way (for at most `timeout`, if
   * given; what comes later goes back) and returns the jobs that nobody took, which are the caller's now; with `release`
   * they go back to the database instead. Throws `OptionError`, and with `release` what `pawl.jobs.release` throws.
   */
  async stop(
    timeout?: Duration,
    options: { readonly release?: boolean | undefined } = {},
  ): Promise<Job[]> {
    checkKeys("stop", options, ["release"]);
    const isReleasing = boolean("release", options.release ?? false);
    const limitMs = timeout === undefined ? undefined : parseDuration(timeout, "timeout");
    if (this.#state !== "stopped") this.#state = "stopping";
    for (const serve of [...this.#takers]) serve(null);
    await within(limitMs, this.#loop.stop());
    this.#state = "stopped";
    await this.#giveBackOverdue().catch((error: unknown) => {
      this.#report(error);
    });
    const jobs = this.buffer.removeAll();
    if (!isReleasing) return jobs;
    if (jobs.length > 0) await this.#source.release(this.workerId, jobs);
    return [];
  }

  /** Stops and gives back the jobs that nobody took. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(undefined, { release: true });
  }

  /** Jobs have come into the buffer. */
  protected deliver(): void {
    for (const serve of [...this.#takers]) {
      const job = this.buffer.shift();
      if (job === undefined) return;
      serve(job);
    }
  }

  get #isEnding(): boolean {
    return this.#state === "stopping" || this.#state === "stopped";
  }

  #nextJob(timeoutMs: number, signal: AbortSignal | undefined): Promise<Job | null> {
    return new Promise((resolve) => {
      const serve = (job: Job | null): void => {
        cancel();
        signal?.removeEventListener("abort", giveUp);
        this.#takers.delete(serve);
        resolve(job);
      };
      const giveUp = (): void => {
        serve(null);
      };
      const cancel = startTimer(timeoutMs, giveUp);
      signal?.addEventListener("abort", giveUp);
      this.#takers.add(serve);
    });
  }

  async #pass(): Promise<number> {
    this.#removeOverdue(performance.now());
    if (this.#overdue.length > 0) await this.#giveBackOverdue();
    const startedAt = performance.now();
    const wanted = this.#refetching.wanted(this.depth, startedAt);
    if (wanted > 0) await this.#claim(wanted, startedAt);
    return this.#refetching.pauseMs(this.buffer, performance.now());
  }

  async #claim(batchSize: number, startedAt: number): Promise<void> {
    this.#counts.refetches += 1;
    const jobs = await this.#source.claim(this.workerId, { ...this.#filter, batchSize });
    const now = performance.now();
    this.#counts.fetched += jobs.length;
    if (this.#state === "stopped") {
      // Whoever stopped it has stopped waiting as well.
      this.#overdue.push(...jobs);
      await this.#giveBackOverdue();
      return;
    }
    this.buffer.push(jobs, now);
    const tookMs = now - startedAt;
    this.#refetching.noteClaim({ wanted: batchSize, found: jobs.length, tookMs }, now);
    if (jobs.length > 0) this.deliver();
  }

  #removeOverdue(now: number): void {
    const overdue = this.#refetching.removeOverdue(this.buffer, now);
    if (overdue.length === 0) return;
    this.#counts.expired += overdue.length;
    this.#overdue.push(...overdue);
  }

  // What cannot be given back now is tried again by the next pass.
  async #giveBackOverdue(): Promise<void> {
    const jobs = this.#overdue;
    if (jobs.length === 0) return;
    this.#overdue = [];
    try {
      await this.#source.release(this.workerId, jobs);
    } catch (error) {
      if (!(error instanceof LeaseLostError)) this.#overdue.unshift(...jobs);
      throw error;
    }
  }

  #report(error: unknown): void {
    this.#counts.errors += 1;
    // A closed Pawl gives back what is held, and no claim will ever succeed again.
    if (error instanceof ClosedError && !this.#isEnding) void this.stop();
    if (this.listenerCount("error") > 0) {
      this.emit("error", error);
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`pawl local queue "${this.workerId}": ${message}\n`);
  }
}

function checkSource<Job>(pawl: JobSource<Job>): JobSource<Job>["jobs"] {
  const jobs: Partial<JobSource<Job>["jobs"]> | undefined = (
    pawl as Partial<JobSource<Job>> | undefined
  )?.jobs;
  const isWhole = typeof jobs?.claim === "function" && typeof jobs.release === "function";
  if (isWhole) return pawl.jobs;
  throw invalidOption("pawl", "a Pawl, or an object whose `jobs` can claim and release", pawl);
}

function fixedRefetching<Job>(options: LocalQueueOptions): FixedRefetching<Job> {
  checkKeys("LocalQueue", options, knownOptions);
  const size = integerBetween("size", options.size ?? 100, 1, maxBatchSize);
  const threshold = options.refetchThreshold ?? Math.ceil(size / 2);
  return new FixedRefetching({
    size,
    refetchThreshold: integerBetween("refetchThreshold", threshold, 1, size),
    refetchDelayMs: parseDuration(options.refetchDelay ?? "100ms", "refetchDelay"),
    pollIntervalMs: Math.max(1, parseDuration(options.pollInterval ?? "1s", "pollInterval")),
    ttlMs: parseDuration(options.ttl ?? "1m", "ttl"),
  });
}

// Waits for something, but not for longer than this, and leaves no timer behind.
async function within(ms: number | undefined, done: Promise<void>): Promise<void> {
  if (ms === undefined) return done;
  const over = new AbortController();
  await Promise.race([done, wait(ms, over.signal)]);
  over.abort();
}
