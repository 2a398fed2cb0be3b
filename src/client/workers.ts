import type { Database } from "../db/database.ts";
import type { Store } from "../store/store.ts";
import { listWorkers, type WorkerInfo } from "../store/workers.ts";

export type { WorkerInfo } from "../store/workers.ts";

/** The workers of all processes, as the database knows them. */
export class Workers {
  readonly #store: Store<Database>;

  constructor(store: Store<Database>) {
    this.#store = store;
  }

  /** Every worker that has not ended, by name: those that live, and those that have fallen silent. */
  list(): Promise<WorkerInfo[]> {
    return listWorkers(this.#store);
  }
}
