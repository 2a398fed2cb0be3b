import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";

export interface LimitedJobsOptions {
  /** Waits for free places, at least one, and keeps them; 0 when the worker stops. */
  readonly reserve: () => Promise<number>;
  readonly claim: (
    queue: string,
    limit: number,
  ) => Promise<{ jobs: ClaimedJob[]; limitedMs: number | null }>;
  /** Gives the places back and starts the jobs in them. */
  readonly start: (places: number, jobs: readonly ClaimedJob[]) => void;
  /** How long to sleep at most. */
  readonly longestPauseMs: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const maxBackoffMs = 2_000;
const shortestPauseMs = 2;
const othersPauseMs = 50;

/**
 * Claims jobs with a rate limit, when their limits let them start and only as many as can start at once: they are never
 * buffered. In between it sleeps; the claims of other jobs tell when there may be something to do.
 */
export class LimitedJobs {
  readonly #options: LimitedJobsOptions;
  readonly #loop: Loop;
  // By queue, when a job may start next, by the monotonic clock.
  readonly #dueAt = new Map<string, number>();
  // By queue, until when what is due there is known to be for other workers.
  readonly #othersUntil = new Map<string, number>();

  constructor(options: LimitedJobsOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: options.onError,
      random: options.random,
      maxBackoffMs,
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** A job of this queue may start in so many milliseconds. */
  expect(queue: string, inMs: number): void {
    const soonest = performance.now() + Math.min(Math.max(0, inMs), this.#options.longestPauseMs);
    const dueAt = Math.max(soonest, this.#othersUntil.get(queue) ?? 0);
    if ((this.#dueAt.get(queue) ?? Infinity) <= dueAt) return;
    this.#dueAt.set(queue, dueAt);
    this.#loop.wake();
  }

  async #pass(): Promise<number> {
    for (const [queue, dueAt] of [...this.#dueAt]) {
      if (dueAt <= performance.now()) await this.#claimFrom(queue);
    }
    const soonest = Math.min(...this.#dueAt.values());
    const pauseMs = Math.max(shortestPauseMs, soonest - performance.now());
    return Math.min(pauseMs, this.#options.longestPauseMs);
  }

  async #claimFrom(queue: string): Promise<void> {
    const places = await this.#options.reserve();
    if (places === 0) return;
    let jobs: ClaimedJob[] = [];
    try {
      // What is told from here on is news.
      this.#dueAt.delete(queue);
      const claimed = await this.#options.claim(queue, places);
      jobs = claimed.jobs;
      const isForOthers = jobs.length === 0 && (claimed.limitedMs ?? Infinity) <= 0;
      if (isForOthers) this.#othersUntil.set(queue, performance.now() + othersPauseMs);
      else this.#othersUntil.delete(queue);
      if (claimed.limitedMs !== null) this.expect(queue, claimed.limitedMs);
    } catch (error) {
      this.expect(queue, 0);
      throw error;
    } finally {
      this.#options.start(places, jobs);
    }
  }
}
