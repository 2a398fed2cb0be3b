import type { Random } from "../core/clock.ts";
import type { JobBuffer } from "./job-buffer.ts";

/** A claim that has ended. */
export interface EndedClaim {
  readonly wanted: number;
  readonly found: number;
  readonly tookMs: number;
}

/**
 * Decides for a local queue when to claim and how many jobs. It is asked in this order, again after each pause. Moments
 * are by the monotonic clock, in milliseconds.
 */
export interface Refetching<Job> {
  /** Spreads what would else happen in many processes at once. */
  readonly random: Random;
  /** Takes out jobs that have waited for too long: they go back to the database. */
  removeOverdue(buffer: JobBuffer<Job>, now: number): Job[];
  /** How many jobs to claim now; none when it is 0 or less. */
  wanted(depth: number, now: number): number;
  /** A claim has ended; its jobs are in the buffer. */
  noteClaim(claim: EndedClaim, now: number): void;
  /** How long to pause, unless woken. */
  pauseMs(buffer: JobBuffer<Job>, now: number): number;
  /** Somebody wants a job, or new ones may have come. */
  expectMore(): void;
}

export interface FixedRefetchingOptions {
  readonly size: number;
  readonly refetchThreshold: number;
  readonly refetchDelayMs: number;
  readonly pollIntervalMs: number;
  readonly ttlMs: number;
}

/** Fills a buffer of a fixed size again whenever its depth has fallen below a threshold. */
export class FixedRefetching<Job> implements Refetching<Job> {
  readonly random = Math.random;
  readonly #options: FixedRefetchingOptions;
  #isExhausted = false;
  #claimedAt = -Infinity;
  #isDemanded = false;
  // Jobs went back because nobody took them: to claim them again at once would keep them from everybody else.
  #isForsaken = false;

  constructor(options: FixedRefetchingOptions) {
    this.#options = options;
  }

  removeOverdue(buffer: JobBuffer<Job>, now: number): Job[] {
    const jobs = buffer.removeBefore(now - this.#options.ttlMs);
    if (jobs.length > 0) this.#isForsaken = true;
    return jobs;
  }

  wanted(depth: number, now: number): number {
    const isDue = this.#isLow(depth) && now >= this.#dueAt();
    return isDue ? this.#options.size - depth : 0;
  }

  noteClaim({ wanted, found }: EndedClaim, now: number): void {
    this.#isExhausted = found < wanted;
    this.#claimedAt = now;
    this.#isDemanded = false;
  }

  pauseMs(buffer: JobBuffer<Job>, now: number): number {
    const { pollIntervalMs, ttlMs } = this.#options;
    const claimAt = this.#isLow(buffer.depth) ? this.#dueAt() : Infinity;
    const expireAt = (buffer.oldestAt ?? Infinity) + ttlMs;
    // One more, because timers may fire a little early.
    return Math.max(0, Math.min(pollIntervalMs, claimAt - now, expireAt + 1 - now));
  }

  expectMore(): void {
    this.#isDemanded = true;
    this.#isForsaken = false;
  }

  #isLow(depth: number): boolean {
    return !this.#isForsaken && depth < this.#options.refetchThreshold;
  }

  #dueAt(): number {
    const { refetchDelayMs, pollIntervalMs } = this.#options;
    if (!this.#isExhausted) return this.#claimedAt;
    return this.#claimedAt + (this.#isDemanded ? refetchDelayMs : pollIntervalMs);
  }
}
