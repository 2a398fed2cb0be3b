import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { failUnhandledJobs } from "../store/upkeep.ts";

export interface UnhandledTasksOptions {
  readonly graceMs: number;
  readonly longestPauseMs: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const batch = 500;
const maxBackoffMs = 60_000;
const shortestPauseMs = 50;

/** Fails jobs whose task no worker has known for a grace period, in the queues where such jobs were seen. */
export class UnhandledTasks {
  readonly #store: Store;
  readonly #options: UnhandledTasksOptions;
  readonly #noticedAt = new Map<string, number>();
  readonly loop: Loop;

  constructor(store: Store, options: UnhandledTasksOptions) {
    this.#store = store;
    this.#options = options;
    this.loop = new Loop({
      pass: () => this.#pass(),
      onError: options.onError,
      random: options.random,
      maxBackoffMs,
    });
  }

  /** Jobs of tasks that a worker does not know were seen in a queue. */
  notice(queue: string): void {
    this.#noticedAt.set(queue, performance.now());
  }

  async #pass(): Promise<number> {
    const { graceMs } = this.#options;
    const longestMs = this.#options.longestPauseMs;
    const pauseMs = Math.max(shortestPauseMs, Math.min(graceMs / 4, longestMs));
    for (const [queue, noticedAt] of [...this.#noticedAt]) {
      const failed = await failUnhandledJobs(this.#store, {
        queue,
        graceMs,
        limit: batch,
      });
      if (failed >= batch) return 0;
      const isOver = performance.now() - noticedAt > graceMs + 2 * pauseMs;
      if (isOver && this.#noticedAt.get(queue) === noticedAt) this.#noticedAt.delete(queue);
    }
    return pauseMs;
  }
}
