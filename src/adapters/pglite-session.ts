import { AsyncLocalStorage } from "node:async_hooks";
import { TransactionError } from "../core/errors.ts";
import type { Statement, Value } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import type { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { hold, type HeldTransaction } from "./held-transaction.ts";
import {
  portTypes,
  runOn,
  type PgliteClient,
  type PgliteLike,
  type PgliteTransactionClient,
  type PgliteTypes,
} from "./pglite-client.ts";
import { Places } from "./places.ts";

const defaultIsolation: Statement = { name: "", text: queries["connections/isolation"] };
const readCommitted: Statement = { name: "", text: queries["transactions/read-committed"] };
/** What is known of how statements outside a transaction run; found out by the first. */
export interface KnownIsolation {
  isReadCommitted?: boolean;
}

interface SessionCall {
  readonly statement: Statement;
  readonly values: readonly Value[];
  readonly isolation: KnownIsolation;
}

const sessions = new WeakMap<PgliteLike, PgliteSession>();

/** The session of a PGlite; the same for everybody who uses it. */
export function sessionOf(client: PgliteLike): PgliteSession {
  const session = sessions.get(client) ?? new PgliteSession(client);
  sessions.set(client, session);
  return session;
}

/**
 * The only session that a PGlite has. Pawl's calls stand in a line of their own before they go there, so that one which
 * gave up its wait is never run.
 */
export class PgliteSession {
  readonly #client: PgliteLike;
  readonly #line = new Places(1);
  /** In the asynchronous context of a transactional handler: its transaction. */
  readonly #inside = new AsyncLocalStorage<{ isOpen: boolean }>();
  #types: PgliteTypes | undefined;

  constructor(client: PgliteLike) {
    this.#client = client;
  }

  readonly types = async (): Promise<PgliteTypes> => {
    await this.#client.waitReady;
    this.#types ??= portTypes(this.#client);
    return this.#types;
  };

  /** Runs a statement that commits by itself. */
  async run(
    { statement, values, isolation }: SessionCall,
    deadline: Deadline,
  ): Promise<readonly object[]> {
    await this.#enter(deadline);
    const running = this.#autocommit({ statement, values, isolation });
    this.#leaveAfter(running);
    return deadline.race(running);
  }

  /** Runs what PGlite does outside transactions, when it is its turn. */
  async runExclusively<T>(work: () => Promise<T>, deadline: Deadline): Promise<T> {
    await this.#enter(deadline);
    const running = work().catch((error: unknown) => {
      throw databaseError(error);
    });
    this.#leaveAfter(running);
    return deadline.race(running);
  }

  /** Begins a READ COMMITTED transaction, and has the session until it has ended. */
  async begin(deadline: Deadline): Promise<PgliteHold> {
    await this.#enter(deadline);
    const holding = this.#hold();
    try {
      return await deadline.race(holding);
    } catch (error) {
      // A transaction that comes after the deadline ends at once.
      void holding.then(
        (held) => {
          held.cut();
        },
        () => {
          this.#line.give();
        },
      );
      throw databaseError(error);
    }
  }

  async #hold(): Promise<PgliteHold> {
    const types = await this.types();
    const held = await hold<PgliteTransactionClient>((callback) =>
      this.#client.transaction(callback),
    );
    const leave = (): void => {
      this.#line.give();
    };
    const session = new PgliteHold(held, { types, inside: this.#inside, leave });
    try {
      await session.run(readCommitted, []);
      return session;
    } catch (error) {
      await held.rollback();
      throw error;
    }
  }

  async #enter(deadline: Deadline): Promise<void> {
    if (this.#inside.getStore()?.isOpen === true) throw besideError();
    await this.#line.take(deadline);
  }

  #leaveAfter(running: Promise<unknown>): void {
    const leave = (): void => {
      this.#line.give();
    };
    running.then(leave, leave);
  }

  async #autocommit({ statement, values, isolation }: SessionCall): Promise<readonly object[]> {
    const types = await this.types();
    const run = (client: PgliteClient): Promise<readonly object[]> =>
      runOn(client, { statement, values, types });
    isolation.isReadCommitted ??= await this.#isReadCommittedByDefault(types);
    if (isolation.isReadCommitted) return run(this.#client);
    return this.#client.transaction(async (tx) => {
      await runOn(tx, { statement: readCommitted, values: [], types });
      return run(tx);
    });
  }

  async #isReadCommittedByDefault(types: PgliteTypes): Promise<boolean> {
    const [row = {}] = await runOn(this.#client, {
      statement: defaultIsolation,
      values: [],
      types,
    });
    return Object.values(row).includes("read committed");
  }
}

interface HoldSettings {
  readonly types: PgliteTypes;
  readonly inside: AsyncLocalStorage<{ isOpen: boolean }>;
  readonly leave: () => void;
}

/** The session while a transaction has it. */
export class PgliteHold {
  readonly #held: HeldTransaction<PgliteTransactionClient>;
  readonly #settings: HoldSettings;
  readonly #state = { isOpen: true };

  constructor(held: HeldTransaction<PgliteTransactionClient>, settings: HoldSettings) {
    this.#held = held;
    this.#settings = settings;
  }

  get client(): PgliteTransactionClient {
    return this.#held.client;
  }

  run(statement: Statement, values: readonly Value[]): Promise<readonly object[]> {
    return runOn(this.client, { statement, values, types: this.#settings.types });
  }

  commit(): Promise<void> {
    return this.#held.commit();
  }

  rollback(): Promise<void> {
    return this.#held.rollback();
  }

  leave(): void {
    this.#state.isOpen = false;
    this.#settings.leave();
  }

  /** Rolls back, and leaves when that is done: what runs in the session cannot be interrupted. */
  cut(): void {
    const leave = (): void => {
      this.leave();
    };
    this.rollback().then(leave, leave);
  }

  /** Runs a handler so that a call beside its transaction, which would wait for its own end, can be told. */
  enter<T>(work: () => T): T {
    return this.#settings.inside.run(this.#state, work);
  }
}

function besideError(): TransactionError {
  return new TransactionError(
    "PAWL_TRANSACTION_REQUIRED",
    "expected a transactional handler to stay in its transaction, got a call beside it, for which PGlite's one session " +
      "is not free before the handler has returned: use the handler's own `enqueue`, or give `db: tx`",
  );
}
