import { checkKeys, integerBetween, queueName } from "../core/options.ts";
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

  /**
   * Every queue that has live jobs or is paused, by name. It counts every live job, unless `upTo` says where to stop: then a
   * count of `upTo` stands for that many or more, and the oldest ready job is that of the most urgent ones. Throws
   * `OptionError`.
   */
  async list(options: { readonly upTo?: number } = {}): Promise<QueueInfo[]> {
    checkKeys("list", options, ["upTo"]);
    const { upTo } = options;
    if (upTo !== undefined) integerBetween("upTo", upTo, 1, 1_000_000);
    return listQueues(this.#store, upTo);
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
