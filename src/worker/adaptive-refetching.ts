import type { Random } from "../core/clock.ts";
import type { JobBuffer } from "./job-buffer.ts";
import type { EndedClaim, Refetching } from "./refetching.ts";

export interface AdaptiveRefetchingOptions {
  /** How many jobs could start now. */
  readonly freeSlots: () => number;
  /** The longest pause between two looks for jobs. */
  readonly longestPauseMs: () => number;
  /** Whether somebody wakes us when jobs have come, so that there is no need to look often. */
  readonly isWoken: () => boolean;
  readonly random: Random;
}

const maxBuffered = 2_000;
const shortestPauseMs = 2;
const longestWaitMs = 2_000;

/**
 * Claims ahead at a low-water mark, as many jobs as finish in two round trips of a claim: some hundreds when jobs take
 * microseconds, none when they are slow, so that no job waits in the buffer while another worker is idle. When nothing is
 * found it looks again after a pause that grows from 2 ms, as long as nobody wakes it.
 */
export class AdaptiveRefetching<Job> implements Refetching<Job> {
  readonly random: Random;
  readonly #options: AdaptiveRefetchingOptions;
  #isExhausted = false;
  #longerPauseMs = shortestPauseMs;
  #pauseMs = 0;
  #finished = 0;
  #finishedBefore = 0;
  #measuredAt = performance.now();
  #jobsPerMs = 0;
  #claimMs = 1;
  /** When a job was last taken from the buffer. */
  takenAt = performance.now();
  /** When a look for jobs last ended well. */
  lookedAt: number | undefined;

  constructor(options: AdaptiveRefetchingOptions) {
    this.#options = options;
    this.random = options.random;
  }

  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  get jobsPerSecond(): number {
    return this.#jobsPerMs * 1_000;
  }

  /** A job has ended; true when it is time to claim more. */
  noteFinished(depth: number): boolean {
    this.#finished += 1;
    return !this.#isExhausted && this.#isLow(depth);
  }

  // Quick jobs were expected and slow ones came: what waits behind them could run elsewhere.
  removeOverdue(buffer: JobBuffer<Job>, now: number): Job[] {
    const { oldestAt = now } = buffer;
    const isStuck = now - Math.max(this.takenAt, oldestAt) > longestWaitMs;
    return isStuck && this.#options.freeSlots() <= 0 ? buffer.removeAll() : [];
  }

  wanted(depth: number, now: number): number {
    this.#measureRate(now);
    this.#pauseMs = this.#options.longestPauseMs();
    const most = Math.min(maxBuffered, this.#options.freeSlots() + this.#ahead());
    const wanted = this.#isLow(depth) ? most - depth : 0;
    if (wanted <= 0) this.lookedAt = now;
    return wanted;
  }

  noteClaim({ wanted, found, tookMs }: EndedClaim, now: number): void {
    this.lookedAt = now;
    this.#claimMs = (this.#claimMs + tookMs) / 2;
    this.#isExhausted = found < wanted;
    if (found > 0 && !this.#options.isWoken()) this.lookOften();
    this.#pauseMs = this.#isExhausted ? this.#nextPause() : 0;
  }

  pauseMs(): number {
    return this.#pauseMs;
  }

  expectMore(): void {
    if (!this.#options.isWoken()) this.lookOften();
    this.#isExhausted = false;
  }

  /** Begins again with the shortest pause. */
  lookOften(): void {
    this.#longerPauseMs = shortestPauseMs;
  }

  #isLow(depth: number): boolean {
    const free = this.#options.freeSlots();
    return free > depth || depth - Math.max(0, free) < this.#ahead() / 2;
  }

  #ahead(): number {
    if (this.#options.freeSlots() < 0) return 0;
    return Math.min(maxBuffered, Math.floor(this.#jobsPerMs * this.#claimMs * 2));
  }

  #measureRate(now: number): void {
    const elapsed = now - this.#measuredAt;
    if (elapsed < 5) return;
    const rate = (this.#finished - this.#finishedBefore) / elapsed;
    this.#jobsPerMs = elapsed > 1_000 ? rate : (this.#jobsPerMs + rate) / 2;
    this.#finishedBefore = this.#finished;
    this.#measuredAt = now;
  }

  #nextPause(): number {
    const longestMs = this.#options.longestPauseMs();
    const pauseMs = Math.min(this.#longerPauseMs, longestMs);
    this.#longerPauseMs = Math.min(pauseMs * 2, longestMs);
    return pauseMs * (0.75 + this.random() / 2);
  }
}
