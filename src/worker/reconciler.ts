import type { Random } from "../core/clock.ts";
import type { JobReference } from "../core/job.ts";
import { Loop } from "../lifecycle/loop.ts";
import { pruneClaims } from "../store/claims.ts";
import type { Store } from "../store/store.ts";
import { reconcileJobs } from "../store/upkeep.ts";

export interface ReconcilerOptions {
  readonly workerId: string;
  readonly everyMs: number;
  /** The newest claim number of which the reply has come, or never will. */
  readonly endedClaimNumber: () => number;
  readonly held: () => readonly JobReference[];
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

// A claim whose connection was cut may still be at work in the server: each is looked at this often.
const looksPerClaim = 3;

/**
 * Gives back what the database says this worker holds and the worker does not know of: a claim was committed and its
 * reply lost. Once per lease, and soon after a claim failed. Removes as often what is noted of claims that are over.
 */
export class Reconciler {
  readonly #store: Store;
  readonly #options: ReconcilerOptions;
  readonly #loop: Loop;
  readonly #looked: number[] = [];

  constructor(store: Store, options: ReconcilerOptions) {
    this.#store = store;
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: options.onError,
      random: options.random,
      maxBackoffMs: options.everyMs,
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** A claim has failed: looks at once. */
  wake(): void {
    this.#loop.wake();
  }

  async #pass(): Promise<number> {
    const to = this.#options.endedClaimNumber();
    const from = (this.#looked[0] ?? 0) + 1;
    const { workerId } = this.#options;
    // First, so that the look is at those of which something is held.
    if (to > 0) await pruneClaims(this.#store, workerId);
    if (from <= to) {
      const held = this.#options.held();
      await reconcileJobs(this.#store, workerId, { from, to, held });
    }
    this.#looked.push(to);
    if (this.#looked.length > looksPerClaim) this.#looked.shift();
    return this.#options.everyMs;
  }
}
