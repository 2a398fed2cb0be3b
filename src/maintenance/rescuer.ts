import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { rescueJobs } from "../store/upkeep.ts";
import { findLostWorkers, type LostWorker } from "../store/workers.ts";

export interface RescuerOptions {
  readonly retentionMs: number;
  /** How often to look, in milliseconds. */
  readonly everyMs: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

// A job that was running in this many workers that died is not run again.
const quarantineAfter = 3;
// Between two looks lies no outage if they are not much further apart than planned.
const toleratedGapMs = 500;
const lookAtAllEveryMs = 10_000;

/**
 * Brings back the jobs of workers that are gone. A silent worker is judged only when the database has been answering for
 * a full lease: after an outage everybody has been silent, and a failover must not run the fleet's jobs again.
 */
export class Rescuer {
  readonly #store: Store;
  readonly #options: RescuerOptions;
  readonly loop: Loop;
  #answeringSince = Infinity;
  #answeredAt = -Infinity;
  #lookedAtAllAt = -Infinity;

  constructor(store: Store, options: RescuerOptions) {
    this.#store = store;
    this.#options = options;
    this.loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) => {
        this.#answeringSince = Infinity;
        options.onError(error);
      },
      random: options.random,
      maxBackoffMs: options.everyMs,
    });
  }

  async #pass(): Promise<number> {
    const now = performance.now();
    const isAll = now - this.#lookedAtAllAt > lookAtAllEveryMs;
    const workers = await findLostWorkers(this.#store, isAll);
    if (isAll) this.#lookedAtAllAt = now;
    this.#noteAnswer(performance.now());
    for (const worker of workers) {
      if (this.#mayJudge(worker)) await this.#rescue(worker.id);
    }
    return this.#options.everyMs * (0.75 + this.#options.random() / 2);
  }

  async #rescue(workerId: string): Promise<void> {
    const { retentionMs } = this.#options;
    await rescueJobs(this.#store, { workerId, quarantineAfter, retentionMs });
  }

  #mayJudge({ silent, lease_ms: leaseMs }: LostWorker): boolean {
    return !silent || performance.now() - this.#answeringSince >= leaseMs;
  }

  #noteAnswer(now: number): void {
    const longestGapMs = this.#options.everyMs * 1.25 + toleratedGapMs;
    if (now - this.#answeredAt > longestGapMs) this.#answeringSince = now;
    this.#answeredAt = now;
  }
}
