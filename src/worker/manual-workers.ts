import type { Random } from "../core/clock.ts";
import { ClosedError } from "../core/errors.ts";
import type { Database } from "../db/database.ts";
import type { SettleContext } from "../store/settles.ts";
import type { Store } from "../store/store.ts";
import { ManualWorker, type ManualRole } from "./manual-worker.ts";
import type { Upkeep } from "./upkeep.ts";

export interface ManualWorkersOptions {
  readonly schema: string;
  readonly version: string;
  /** What is kept of the attempts of a job that is given back. */
  readonly historyOf: SettleContext["historyOf"];
  readonly random: Random;
  readonly newId: () => string;
  /** Whether a clock of the caller's decides about jobs. */
  readonly hasOwnClock: boolean;
  /** Opens connections of Pawl's own, so that the application cannot starve leases and settles. */
  readonly openControl: () => Store<Database>;
  readonly assertSchema: (control: Store<Database>) => Promise<void>;
  readonly makeUpkeep: (
    control: Store<Database>,
    leaseMs: number,
    onError: (error: unknown) => void,
  ) => Upkeep;
  /** Told of errors that a worker of this name gets over. */
  readonly onError: (name: string, error: unknown) => void;
}

/** The workers of those who claim by hand in this process: one for each name and what is claimed under it. */
export class ManualWorkers {
  readonly #options: ManualWorkersOptions;
  readonly #workers = new Map<string, Promise<ManualWorker>>();
  readonly #ending = new Set<Promise<void>>();
  #control: Store<Database> | undefined;
  #isClosed = false;

  constructor(options: ManualWorkersOptions) {
    this.#options = options;
  }

  /** Connections of Pawl's own. Throws `ClosedError`. */
  get control(): Store<Database> {
    this.assertOpen();
    this.#control ??= this.#options.openControl();
    return this.#control;
  }

  assertOpen(): void {
    if (!this.#isClosed) return;
    throw new ClosedError("expected an open Pawl, got one that is closed; make a new one");
  }

  /** The worker for a role, which is made known when it is not: at first, after it was idle, and after a lost lease. */
  async workerFor(role: ManualRole): Promise<ManualWorker> {
    const key = JSON.stringify([role.name, role.queues ?? null, role.tasks ?? null]);
    for (;;) {
      const begun = this.#workers.get(key) ?? this.#begin(role, key);
      const worker = await begun;
      if (!worker.isOver) return worker;
      if (this.#workers.get(key) === begun) this.#workers.delete(key);
    }
  }

  /** Gives back what is held, and ends all workers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([...this.#workers.values()].map(async (begun) => (await begun).end()));
    await Promise.allSettled(this.#ending);
    await this.#control?.db.close();
  }

  #begin(role: ManualRole, key: string): Promise<ManualWorker> {
    const begun = this.#register(role, () => {
      if (this.#workers.get(key) === begun) this.#workers.delete(key);
    });
    this.#workers.set(key, begun);
    begun.catch(() => this.#workers.delete(key));
    return begun;
  }

  async #register(role: ManualRole, onEnding: () => void): Promise<ManualWorker> {
    const { control } = this;
    const { schema, version, historyOf, hasOwnClock, random, newId } = this.#options;
    await this.#options.assertSchema(control);
    const worker = new ManualWorker(control, {
      ...role,
      ...{ schema, version, historyOf, hasOwnClock, random },
      id: newId(),
      makeUpkeep: (leaseMs, onError) => this.#options.makeUpkeep(control, leaseMs, onError),
      onEnding: (ended) => {
        onEnding();
        this.#ending.add(ended);
        void ended.finally(() => this.#ending.delete(ended));
      },
      onError: (error) => {
        this.#options.onError(role.name, error);
      },
    });
    await worker.start();
    return worker;
  }
}
