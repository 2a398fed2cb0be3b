import { checkKeys, queueName } from "../core/options.ts";
import type { Database } from "../db/database.ts";
import { listQueues, setPaused, type QueueInfo } from "../store/catalog.ts";
import type { Store } from "../store/store.ts";
import { joined, type WriteOptions } from "./write-options.ts";

export type { QueueInfo } from "../store/catalog.ts";

/** The queues. */
export class Queues {
  readonly #store: Store<Database>;

  constructor(store: Store<Database>) {
    this.#store = store;
  }

  /** Every queue that has live jobs or is paused, by name. It counts every live job. */
  list(): Promise<QueueInfo[]> {
    return listQueues(this.#store);
  }

  /**
   * Lets no job of a queue start, on any worker, within a second and until it is resumed; running ones go on. Resolves
   * with whether that was a change. Throws `OptionError`.
   */
  pause(name: string, options: WriteOptions = {}): Promise<boolean> {
    return this.#set("pause", { name, isPaused: true }, options);
  }

  /** Lets jobs of a queue start again. Resolves with whether that was a change. Throws `OptionError`. */
  resume(name: string, options: WriteOptions = {}): Promise<boolean> {
    return this.#set("resume", { name, isPaused: false }, options);
  }

  async #set(
    call: string,
    { name, isPaused }: { name: string; isPaused: boolean },
    options: WriteOptions,
  ): Promise<boolean> {
    checkKeys(call, options, ["db"]);
    const change = { name: queueName("name", name), isPaused };
    return setPaused(joined(this.#store, options), "queues", change);
  }
}
