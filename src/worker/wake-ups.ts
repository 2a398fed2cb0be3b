import type { Random } from "../core/clock.ts";
import type { Database, Listener } from "../db/database.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { setIdle } from "../store/workers.ts";

export interface WakeUpsOptions {
  readonly workerId: string;
  readonly channel: string;
  /** Whether the worker waits for jobs, so that a wake-up would help. */
  readonly isWaiting: () => boolean;
  /** `isOnlyReady`: all that has come are jobs to be claimed. */
  readonly onWake: (isOnlyReady: boolean) => void;
  /** Enqueues that looked before this moment do not know of it: it takes looking often for a while. */
  readonly onWishChanged: () => void;
  /** The listening session has ended by itself: perhaps the server has. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

// NOTIFY serialises commits in the whole cluster, so the wish for it changes at most this often.
const wishEveryMs = 1_000;
// What wake_workers says when there are jobs to be claimed, and no other news.
const readyNews = "ready";
// Behind a pooler in transaction mode there is no listening, today or tomorrow.
const maxBackoffMs = 60_000;

/**
 * Listens for wake-ups, and says in the database whether this worker wants any. An enqueue that looked before the wish
 * was committed, and commits after the worker went to sleep, sends none: so the worker looks often for a while after each
 * change of the wish, and always looks now and then.
 */
export class WakeUps {
  readonly #store: Store<Database>;
  readonly #options: WakeUpsOptions;
  readonly #loop: Loop;
  #listener: Listener | undefined;
  #isWished = false;
  #isFailing = false;

  constructor(store: Store<Database>, options: WakeUpsOptions) {
    this.#store = store;
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) => {
        if (!this.#isFailing) options.onError(error);
        this.#isFailing = true;
      },
      random: options.random,
      maxBackoffMs,
    });
  }

  /** Whether enqueues wake this worker now, so that it need not look often. */
  get areOn(): boolean {
    return this.#isWished && this.#listener !== undefined;
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    const listener = this.#listener;
    this.#listener = undefined;
    await listener?.close();
  }

  async #pass(): Promise<number> {
    if (this.#listener === undefined) {
      this.#listener = await this.#listen();
      this.#options.onWake(false);
    }
    const isWaiting = this.#options.isWaiting();
    if (isWaiting !== this.#isWished) {
      await setIdle(this.#store, this.#options.workerId, isWaiting);
      this.#isWished = isWaiting;
      this.#options.onWishChanged();
    }
    this.#isFailing = false;
    return wishEveryMs;
  }

  #listen(): Promise<Listener> {
    return this.#store.db.listen(this.#options.channel, {
      notified: (payload) => {
        this.#options.onWake(payload === readyNews);
      },
      lost: (error) => {
        this.#listener = undefined;
        this.#options.onError(error);
        this.#options.onLost();
        this.#options.onWake(false);
        this.#loop.wake();
      },
    });
  }
}
