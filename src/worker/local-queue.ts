import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";

export interface LocalQueueOptions {
  readonly claim: (limit: number) => Promise<ClaimedJob[]>;
  /** How many jobs could start now. */
  readonly freeSlots: () => number;
  /** The longest pause between two looks for jobs. */
  readonly longestPauseMs: () => number;
  /** Gives back jobs that have waited here for too long. */
  readonly release: (jobs: readonly ClaimedJob[]) => void;
  readonly onJobs: (jobs: readonly ClaimedJob[]) => void;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const maxBuffered = 1_000;
const shortestPauseMs = 2;
const maxBackoffMs = 2_000;
const longestWaitMs = 2_000;

/**
 * The worker's buffer of claimed jobs. It claims ahead at a low-water mark, as many as finish in two round trips of a
 * claim: some hundreds when jobs take microseconds, none when they are slow, so that no job waits here while another
 * worker is idle. When nothing is found it looks again after a pause that grows from 2 ms.
 */
export class LocalQueue {
  readonly #options: LocalQueueOptions;
  readonly #loop: Loop;
  #jobs: ClaimedJob[] = [];
  #head = 0;
  #isExhausted = false;
  #pauseMs = shortestPauseMs;
  #finished = 0;
  #finishedBefore = 0;
  #measuredAt = performance.now();
  #startedAt = performance.now();
  #jobsPerMs = 0;
  #claimMs = 1;
  /** When a look for jobs last ended well, by the monotonic clock. */
  lastClaimAt: number | undefined;

  constructor(options: LocalQueueOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#fill(),
      onError: options.onError,
      random: options.random,
      maxBackoffMs,
    });
  }

  get depth(): number {
    return this.#jobs.length - this.#head;
  }

  /** Whether the last look found fewer jobs than it asked for. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** How many jobs finish in a second, by the last measurement. */
  get jobsPerSecond(): number {
    return this.#jobsPerMs * 1_000;
  }

  start(): void {
    this.#loop.start();
  }

  /** Resolves when the claim under way has ended; its jobs are in the buffer. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** The job that is next, left in its place. */
  peek(): ClaimedJob | undefined {
    return this.#jobs[this.#head];
  }

  shift(): ClaimedJob | undefined {
    const job = this.#jobs[this.#head];
    if (job === undefined) return undefined;
    this.#startedAt = performance.now();
    this.#head += 1;
    if (this.#head === this.#jobs.length) {
      this.#jobs = [];
      this.#head = 0;
    }
    return job;
  }

  /** Puts a job back in front of an empty buffer. */
  putBack(job: ClaimedJob): void {
    this.#jobs = [job];
    this.#head = 0;
  }

  /** The jobs that wait here, in order. */
  get buffered(): readonly ClaimedJob[] {
    return this.#jobs.slice(this.#head);
  }

  /** Takes out the jobs that are not to start here. */
  takeOut(isTaken: (job: ClaimedJob) => boolean): ClaimedJob[] {
    const taken: ClaimedJob[] = [];
    const kept: ClaimedJob[] = [];
    for (const job of this.takeAll()) (isTaken(job) ? taken : kept).push(job);
    this.#jobs = kept;
    return taken;
  }

  /** Empties the buffer. */
  takeAll(): ClaimedJob[] {
    const jobs = this.#jobs.slice(this.#head);
    this.#jobs = [];
    this.#head = 0;
    return jobs;
  }

  /** A job has ended: claims more when the buffer is low and there may be more. */
  noteFinished(): void {
    this.#finished += 1;
    if (!this.#isExhausted && this.#isLow()) this.#loop.wake();
  }

  /** There may be new jobs: looks at once, and often for a while. */
  wake(): void {
    this.#pauseMs = shortestPauseMs;
    this.#isExhausted = false;
    this.#loop.wake();
  }

  async #fill(): Promise<number> {
    this.#measureRate();
    this.#giveBackStuck();
    const wanted = this.#isLow() ? this.#wanted() : 0;
    if (wanted <= 0) {
      this.lastClaimAt = performance.now();
      return this.#options.longestPauseMs();
    }
    const startedAt = performance.now();
    const jobs = await this.#options.claim(wanted);
    this.#claimMs = (this.#claimMs + performance.now() - startedAt) / 2;
    this.lastClaimAt = performance.now();
    this.#isExhausted = jobs.length < wanted;
    if (jobs.length > 0) {
      this.#jobs = this.#head === 0 ? this.#jobs.concat(jobs) : this.takeAll().concat(jobs);
      this.#pauseMs = shortestPauseMs;
      this.#options.onJobs(jobs);
    }
    return this.#isExhausted ? this.#nextPause() : 0;
  }

  // Quick jobs were expected and slow ones came: what waits behind them could run elsewhere.
  #giveBackStuck(): void {
    const isStuck = this.depth > 0 && performance.now() - this.#startedAt > longestWaitMs;
    if (isStuck && this.#options.freeSlots() <= 0) this.#options.release(this.takeAll());
  }

  #isLow(): boolean {
    const free = this.#options.freeSlots();
    return free > this.depth || this.depth - Math.max(0, free) < this.#ahead() / 2;
  }

  #wanted(): number {
    return Math.min(maxBuffered, this.#options.freeSlots() + this.#ahead()) - this.depth;
  }

  #ahead(): number {
    if (this.#options.freeSlots() < 0) return 0;
    return Math.min(maxBuffered, Math.floor(this.#jobsPerMs * this.#claimMs * 2));
  }

  #measureRate(): void {
    const now = performance.now();
    const elapsed = now - this.#measuredAt;
    if (elapsed < 5) return;
    const rate = (this.#finished - this.#finishedBefore) / elapsed;
    this.#jobsPerMs = elapsed > 1_000 ? rate : (this.#jobsPerMs + rate) / 2;
    this.#finishedBefore = this.#finished;
    this.#measuredAt = now;
  }

  #nextPause(): number {
    const pauseMs = Math.min(this.#pauseMs, this.#options.longestPauseMs());
    this.#pauseMs = Math.min(pauseMs * 2, this.#options.longestPauseMs());
    return pauseMs * (0.75 + this.#options.random() / 2);
  }
}
