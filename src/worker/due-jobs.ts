import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { promoteDueJobs } from "../store/upkeep.ts";

export interface DueJobsOptions {
  readonly queues: readonly string[] | undefined;
  readonly longestPauseMs: number;
  /** How often to look at all scheduled jobs; the looks between begin a little before the present. */
  readonly lookAtAllEveryMs: number;
  readonly onPromoted: () => void;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const batch = 500;
const shortestPauseMs = 5;
const maxBackoffMs = 2_000;
const lookBackMs = 60_000;

/** Makes scheduled jobs ready when they fall due. It sleeps until the next one is, as far as it knows. */
export class DueJobs {
  readonly #store: Store;
  readonly #options: DueJobsOptions;
  readonly #loop: Loop;
  #lookedAtAllAt = -Infinity;
  #nextLookAt = 0;

  constructor(store: Store, options: DueJobsOptions) {
    this.#store = store;
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

  /** There may be new scheduled jobs. */
  wake(): void {
    this.#loop.wake();
  }

  /** A job falls due in `delayMs`, which may be sooner than was known. */
  expect(delayMs: number): void {
    if (performance.now() + delayMs < this.#nextLookAt - shortestPauseMs) this.#loop.wake();
  }

  async #pass(): Promise<number> {
    const now = performance.now();
    const isAll = now - this.#lookedAtAllAt >= this.#options.lookAtAllEveryMs;
    const { promoted, nextDueMs } = await promoteDueJobs(this.#store, {
      queues: this.#options.queues,
      lookBackMs: isAll ? null : lookBackMs,
      limit: batch,
    });
    if (promoted > 0) this.#options.onPromoted();
    // A full batch may have left some behind, which only the same kind of look finds.
    if (promoted >= batch) return 0;
    if (isAll) this.#lookedAtAllAt = now;
    const soonest = Math.max(shortestPauseMs, nextDueMs ?? Infinity);
    const pauseMs = Math.min(soonest, this.#options.longestPauseMs);
    this.#nextLookAt = performance.now() + pauseMs;
    return pauseMs;
  }
}
