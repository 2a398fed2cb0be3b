import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { rescueJobs } from "../store/upkeep.ts";
import { findLostWorkers, type LostWorker } from "../store/workers.ts";

export interface RescuerOptions {
  readonly retentionMs: number;
  /** How often to look, in milliseconds. */
  readonly everyMs: number;
  /** How long the database may take to answer without passing for down, in milliseconds. */
  readonly toleratedMs: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

/** A job that was running in this many workers that died is not run again. */
export const quarantineAfter = 3;
const lookAtAllEveryMs = 10_000;

/**
 * Brings back the jobs of workers that are gone. A silent worker is judged only when the database has been answering for
 * a full lease: after an outage everybody has been silent, and a failover must not run the fleet's jobs again.
 */
export class Rescuer {
  readonly #store: Store;
  readonly #options: RescuerOptions;
  readonly loop: Loop;
  #answeringSince: number | undefined;
  #answeredAt = -Infinity;
  #lookedAtAllAt = -Infinity;

  constructor(store: Store, options: RescuerOptions) {
    this.#store = store;
    this.#options = options;
    this.loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) => {
        // The next answer begins a new stretch.
        this.#answeringSince = undefined;
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
    this.#noteAnswer(now, performance.now());
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
    const answeringMs = performance.now() - (this.#answeringSince ?? Infinity);
    return !silent || answeringMs >= leaseMs;
  }

  // An answer that took long was an outage too: the heartbeats of others have waited as well. And nobody looked while this
  // process was frozen.
  #noteAnswer(askedAt: number, answeredAt: number): void {
    const { toleratedMs } = this.#options;
    const isPrompt = answeredAt - askedAt <= toleratedMs;
    const hasLooked = askedAt - this.#answeredAt <= toleratedMs * 2;
    if (!isPrompt || !hasLooked) this.#answeringSince = undefined;
    this.#answeringSince ??= answeredAt;
    this.#answeredAt = answeredAt;
  }
}
