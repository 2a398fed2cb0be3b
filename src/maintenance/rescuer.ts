import type { Random } from "../core/clock.ts";
import { quarantineAfter } from "../core/quarantine.ts";
import { wait } from "../core/wait.ts";
import { Loop } from "../lifecycle/loop.ts";
import { isProcessGone, ownIdentity } from "../lifecycle/process-identity.ts";
import type { Store } from "../store/store.ts";
import { rescueJobs } from "../store/upkeep.ts";
import { findLostWorkers, type LostWorker } from "../store/workers.ts";

export interface RescuerOptions {
  /** How often to look, in milliseconds. */
  readonly everyMs: number;
  /** How long the database may take to answer without passing for down, in milliseconds. */
  readonly toleratedMs: number;
  /**
   * Where another clock decides, which may jump: for how long, in real time, a worker is to be seen silent before it is
   * judged. Else the database is to have been answering for its full lease.
   */
  readonly silentMs?: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const lookAtAllEveryMs = 10_000;
// So long a process that is gone has for what it had sent before: claims, and outcomes of jobs.
const lastWordsMs = 100;

/**
 * Brings back the jobs of workers that are gone: at once when they have said so, or when their process ran on this
 * machine and has ended. Another silent worker is judged only when the database has been answering for a full lease:
 * after an outage everybody has been silent, and a failover must not run the fleet's jobs again.
 */
export class Rescuer {
  readonly #store: Store;
  readonly #options: RescuerOptions;
  readonly #machine = ownIdentity().machine;
  readonly loop: Loop;
  #answeringSince: number | undefined;
  #answeredAt = -Infinity;
  #silentSince: ReadonlyMap<string, number> = new Map();
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
    const workers = await findLostWorkers(this.#store, { all: isAll, machine: this.#machine });
    if (isAll) this.#lookedAtAllAt = now;
    this.#noteAnswer(now, performance.now());
    this.#noteSilent(workers);
    const gone = new Set(
      workers.filter((worker) => isProcessGone(worker.pid, worker.process_start)),
    );
    if (gone.size > 0) await wait(lastWordsMs);
    for (const worker of workers) {
      const isGone = gone.has(worker);
      if (worker.ended || isGone || this.#mayJudge(worker)) {
        await rescueJobs(this.#store, { workerId: worker.id, quarantineAfter, isGone });
      }
    }
    return this.#options.everyMs * (0.75 + this.#options.random() / 2);
  }

  #mayJudge({ id, silent, lease_ms: leaseMs }: LostWorker): boolean {
    const { silentMs } = this.#options;
    const since = silentMs === undefined ? this.#answeringSince : this.#silentSince.get(id);
    return silent && performance.now() - (since ?? Infinity) >= (silentMs ?? leaseMs);
  }

  // In every pass of this stretch of answers: whoever beats in between begins anew.
  #noteSilent(workers: readonly LostWorker[]): void {
    const startedAt = this.#answeringSince ?? Infinity;
    const now = performance.now();
    this.#silentSince = new Map(
      workers
        .filter(({ ended, silent }) => !ended && silent)
        .map(({ id }) => [id, Math.max(startedAt, this.#silentSince.get(id) ?? now)]),
    );
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
