import type pg from "pg";
import { storeOn, type Store } from "#pawl/store/store";
import type { Engine } from "../support/engine.ts";

/** A client in a transaction of its own, as its steps see it. */
export interface Session {
  /** On its transaction: after its first step, which begins it. */
  readonly store: Store;
  readonly client: pg.Client;
}

/** What a client does in its transaction: each step sends something, and returns what is to be checked later. */
export type Script = readonly ((session: Session) => Promise<unknown>)[];

/** What came of a client: what its steps returned, or what one of them threw. */
export interface Outcome {
  readonly returned: readonly unknown[];
  readonly error: unknown;
  readonly hasCommitted: boolean;
}

const blockedWithinMs = 5_000;

/** Every order in which so many clients can take so many steps each, as the places of the clients. */
export function ordersOf(lengths: readonly number[]): number[][] {
  if (lengths.every((length) => length === 0)) return [[]];
  return lengths.flatMap((length, place) => {
    if (length === 0) return [];
    const rest = lengths.map((other, index) => (index === place ? other - 1 : other));
    return ordersOf(rest).map((order) => [place, ...order]);
  });
}

/** How many steps a script takes: its own, and the begin and the commit around them. */
export function lengthOf(script: Script): number {
  return script.length + 2;
}

/** Steps clients through their scripts. A step that waits for a lock is left waiting, and the next in the order goes on. */
export class Stepper {
  readonly #engine: Engine;
  readonly #clients: pg.Client[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Runs the scripts with the steps in this order; resolves when all have ended. */
  async run(scripts: readonly Script[], order: readonly number[]): Promise<Outcome[]> {
    while (this.#clients.length < scripts.length) this.#clients.push(await this.#engine.connect());
    const runs = scripts.map((script, place) => this.#begin(script, place));
    for (const place of order) await this.#settledOrBlocked(runs[place]?.step());
    return Promise.all(runs.map((run) => run.outcome()));
  }

  #begin(script: Script, place: number): ScriptRun {
    const client = this.#clients[place];
    if (client === undefined) throw new Error("expected a client for each script");
    return new ScriptRun(script, client, this.#engine);
  }

  async #settledOrBlocked(step: Promise<unknown> | undefined): Promise<void> {
    const state = { isSettled: false };
    void step?.finally(() => (state.isSettled = true));
    const deadline = performance.now() + blockedWithinMs;
    // One turn of the server is enough for most.
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (state.isSettled || (await this.#isAnyBlocked())) return;
      if (performance.now() > deadline)
        throw new Error("expected a step to end or to wait for a lock");
    }
  }

  async #isAnyBlocked(): Promise<boolean> {
    const pids = this.#clients.map((client) => Reflect.get(client, "processID") as number); // as `pg` has it
    const rows = await this.#engine.sql(
      "select from pg_locks where not granted and pid = any ($1)",
      [pids],
    );
    return rows.length > 0;
  }
}

class ScriptRun {
  readonly #steps: (() => Promise<unknown>)[];
  readonly #returned: unknown[] = [];
  #error: unknown;
  #hasCommitted = false;
  #last: Promise<void> = Promise.resolve();

  constructor(script: Script, client: pg.Client, engine: Engine) {
    const session = {
      client,
      get store() {
        return storeOn(engine.store, engine.store.db.join(client));
      },
    };
    this.#steps = [
      () => client.query("begin"),
      ...script.map((step) => async () => this.#returned.push(await step(session))),
      async () => {
        const { command } = await client.query(this.#error === undefined ? "commit" : "rollback");
        this.#hasCommitted = command === "COMMIT";
      },
    ];
  }

  /** Takes the next step when the one before has ended. */
  step(): Promise<void> {
    const step = this.#steps.shift();
    this.#last = this.#last.then(async () => {
      const isLast = this.#steps.length === 0;
      if (this.#error !== undefined && !isLast) return;
      try {
        await step?.();
      } catch (error) {
        this.#error ??= error;
      }
    });
    return this.#last;
  }

  async outcome(): Promise<Outcome> {
    await this.#last;
    return { returned: this.#returned, error: this.#error, hasCommitted: this.#hasCommitted };
  }
}
