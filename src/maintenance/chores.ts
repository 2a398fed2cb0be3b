import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import { addChores, endChore, takeChore } from "../store/chores.ts";
import type { Store } from "../store/store.ts";

/** Something that has to be done regularly, by any one worker. */
export interface Chore {
  /** The name of its row. */
  readonly name: string;
  readonly intervalMs: number;
  /** Resolves with whether it is done; false: it is to be done again soon. May run in two places at once. */
  readonly run: () => Promise<boolean>;
}

export interface ChoresOptions {
  readonly chores: readonly Chore[];
  readonly longestPauseMs: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const shortestPauseMs = 50;
// When nothing is known of when the next is due: others are taking all that are.
const unsurePauseMs = 1_000;
const againMs = 60_000;

/**
 * Does the chores that are due. Each has a row that says when it is due; whoever takes the row moves it on by the chore's
 * interval in the same moment, so there is no leader, and none that could be half alive: when a worker dies over a chore,
 * another does it an interval later.
 */
export class Chores {
  readonly #store: Store;
  readonly #options: ChoresOptions;
  readonly loop: Loop;

  constructor(store: Store, options: ChoresOptions) {
    this.#store = store;
    this.#options = options;
    this.loop = new Loop({
      pass: () => this.#pass(),
      onError: options.onError,
      random: options.random,
      maxBackoffMs: options.longestPauseMs,
    });
  }

  async #pass(): Promise<number> {
    const { chores, longestPauseMs, random } = this.#options;
    await addChores(this.#store, chores);
    const { name, nextDueMs } = await takeChore(this.#store, chores);
    const chore = chores.find((each) => each.name === name);
    if (chore === undefined) {
      const pauseMs = Math.min(nextDueMs ?? unsurePauseMs, longestPauseMs);
      return Math.max(shortestPauseMs, pauseMs * (0.75 + random() / 2));
    }
    await this.#do(chore);
    return 0;
  }

  async #do(chore: Chore): Promise<void> {
    try {
      const isDone = await chore.run();
      await endChore(this.#store, chore.name, isDone ? null : againMs);
    } catch (error) {
      // When this fails too, it is due after its interval.
      await endChore(this.#store, chore.name, againMs).catch(this.#options.onError);
      throw error;
    }
  }
}
