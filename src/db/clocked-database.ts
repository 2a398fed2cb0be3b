import type { Clock } from "../core/clock.ts";
import type {
  Database,
  Listener,
  ListenEvents,
  Queryable,
  QueryOptions,
  Statement,
  Transaction,
  Value,
} from "./database.ts";
import { queries } from "./sql.generated.ts";

const setClock: Statement = { name: "", text: queries["connections/set-clock"] };

/**
 * A database in which a clock of the caller's decides about jobs: every statement runs in a transaction that was told the
 * clock's present value, but for those that can run in none. The setting ends with the transaction, also with one of the caller's.
 */
export class ClockedDatabase implements Database {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  get maxConnections(): number {
    return this.#database.maxConnections;
  }

  query<R extends object>(
    statement: Statement,
    values?: readonly Value[],
    options?: QueryOptions,
  ): Promise<readonly R[]> {
    // Such a statement moves a table, and decides about no job.
    if (options?.outsideTransaction) return this.#database.query<R>(statement, values, options);
    return this.transaction((tx) => tx.query<R>(statement, values, options));
  }

  async begin(): Promise<Transaction> {
    return new ClockedTransaction(await this.#database.begin(), this.#clock);
  }

  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#database.transaction((tx) => work(new Clocked(tx, this.#clock)));
  }

  dedicated(maxConnections: number): Database {
    return new ClockedDatabase(this.#database.dedicated(maxConnections), this.#clock);
  }

  join(db: unknown): Queryable {
    return new Clocked(this.#database.join(db), this.#clock);
  }

  listen(channel: string, events: ListenEvents): Promise<Listener> {
    return this.#database.listen(channel, events);
  }

  /** None: a thread would not have the clock. */
  threadConnection(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** An open transaction, which is told the time before each statement: the clock may move while it is open. */
class Clocked<On extends Queryable> implements Queryable {
  protected readonly tx: On;
  readonly #clock: Clock;

  constructor(tx: On, clock: Clock) {
    this.tx = tx;
    this.#clock = clock;
  }

  async query<R extends object>(
    { text }: Statement,
    values?: readonly Value[],
    options?: QueryOptions,
  ): Promise<readonly R[]> {
    await this.tx.query(setClock, [new Date(this.#clock()).toISOString()], options);
    // Unnamed: in a transaction, a prepared statement that the server has lost could not be sent again.
    return this.tx.query<R>({ name: "", text }, values, options);
  }
}

class ClockedTransaction extends Clocked<Transaction> implements Transaction {
  get handle(): object {
    return this.tx.handle;
  }

  get misuse(): Error | undefined {
    return this.tx.misuse;
  }

  revoke(): void {
    this.tx.revoke();
  }

  commit(): Promise<void> {
    return this.tx.commit();
  }

  rollback(): Promise<void> {
    return this.tx.rollback();
  }

  destroy(): void {
    this.tx.destroy();
  }
}
