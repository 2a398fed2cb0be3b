import type {
  Database,
  Listener,
  ListenEvents,
  Queryable,
  QueryOptions,
  Statement,
  Transaction,
  Value,
} from "../db/database.ts";
import { queries } from "../db/sql.generated.ts";

const boundStatements: Statement = { name: "", text: queries["connections/bound-statements"] };

/** A database on which no statement takes longer than `timeoutMs`: SQLSTATE 57014 else. The bound ends with each transaction. */
export class BoundedDatabase implements Database {
  readonly #database: Database;
  readonly #timeoutMs: number;

  constructor(database: Database, timeoutMs: number) {
    this.#database = database;
    this.#timeoutMs = timeoutMs;
  }

  get maxConnections(): number {
    return this.#database.maxConnections;
  }

  query<R extends object>(
    statement: Statement,
    values?: readonly Value[],
    options?: QueryOptions,
  ): Promise<readonly R[]> {
    return this.transaction((tx) => tx.query<R>(statement, values, options));
  }

  async begin(): Promise<Transaction> {
    const tx = await this.#database.begin();
    try {
      await this.#bound(tx);
      return tx;
    } catch (error) {
      await tx.rollback();
      throw error;
    }
  }

  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#database.transaction(async (tx) => {
      await this.#bound(tx);
      return work(tx);
    });
  }

  dedicated(maxConnections: number): Database {
    return new BoundedDatabase(this.#database.dedicated(maxConnections), this.#timeoutMs);
  }

  join(db: unknown): Queryable {
    return this.#database.join(db);
  }

  listen(channel: string, events: ListenEvents): Promise<Listener> {
    return this.#database.listen(channel, events);
  }

  /** None: a thread would not have the bound. */
  threadConnection(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #bound(tx: Queryable): Promise<void> {
    await tx.query(boundStatements, [String(this.#timeoutMs)]);
  }
}
