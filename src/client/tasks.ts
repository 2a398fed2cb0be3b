import { checkKeys, taskName } from "../core/options.ts";
import type { Database } from "../db/database.ts";
import { listPausedTasks, listTasks, setPaused, type TaskInfo } from "../store/catalog.ts";
import type { Store } from "../store/store.ts";
import { joined, type WriteOptions } from "./write-options.ts";

export type { TaskInfo } from "../store/catalog.ts";

/** The tasks, as the database knows them. */
export class Tasks {
  readonly #store: Store<Database>;

  constructor(store: Store<Database>) {
    this.#store = store;
  }

  /** Every task that has live jobs, is paused or is known of a worker, by name. It counts every live job. */
  list(): Promise<TaskInfo[]> {
    return listTasks(this.#store);
  }

  /** The names of the tasks that are paused. It counts nothing. */
  paused(): Promise<string[]> {
    return listPausedTasks(this.#store);
  }

  /**
   * Lets no job of a task start, on any worker, within a second and until it is resumed; running ones go on. Resolves
   * with whether that was a change. Throws `OptionError`.
   */
  pause(name: string, options: WriteOptions = {}): Promise<boolean> {
    return this.#set("pause", { name, isPaused: true }, options);
  }

  /** Lets jobs of a task start again. Resolves with whether that was a change. Throws `OptionError`. */
  resume(name: string, options: WriteOptions = {}): Promise<boolean> {
    return this.#set("resume", { name, isPaused: false }, options);
  }

  async #set(
    call: string,
    { name, isPaused }: { name: string; isPaused: boolean },
    options: WriteOptions,
  ): Promise<boolean> {
    checkKeys(call, options, ["db"]);
    const change = { name: taskName("name", name), isPaused };
    return setPaused(joined(this.#store, options), "tasks", change);
  }
}
