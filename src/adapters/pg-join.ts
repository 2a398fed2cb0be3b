import { DatabaseError, TransactionError } from "../core/errors.ts";
import { describeValue } from "../core/options.ts";
import type { Queryable, QueryOptions, Statement, Value } from "../db/database.ts";
import { Deadline } from "../db/deadline.ts";
import {
  ignoreErrorEvent,
  isOutsideTransaction,
  runOn,
  type PgClient,
  type Preparation,
} from "./pg-client.ts";
import { lentBy } from "./pg-transaction.ts";

interface JoinSettings {
  readonly preparation: Preparation;
  readonly timeoutMs: number;
}

/** The caller's open transaction as a Queryable; anything else is refused. */
export function joinClient(db: unknown, settings: JoinSettings): Queryable {
  const lent = typeof db === "object" && db !== null ? lentBy(db) : undefined;
  return lent ?? new PgJoined(checkClient(db), settings);
}

/** A client of the caller's: never released or ended, but cut when a query on it does not come back. */
class PgJoined implements Queryable {
  readonly #client: PgClient;
  readonly #settings: JoinSettings;

  constructor(client: PgClient, settings: JoinSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  async query<R extends object>(
    statement: Statement,
    values: readonly Value[] = [],
    options: QueryOptions = {},
  ): Promise<readonly R[]> {
    const client = this.#client;
    const { preparation, timeoutMs } = this.#settings;
    const deadline = new Deadline(options.timeoutMs ?? timeoutMs);
    client.on("error", ignoreErrorEvent);
    try {
      const { rows } = await runOn(client, { statement, values, deadline, preparation });
      return rows as readonly R[]; // the statement's author knows its columns
    } catch (error) {
      // Its answer would be taken for that of the caller's next query.
      if (isTimeout(error)) client.end().catch(ignoreErrorEvent);
      throw error;
    } finally {
      client.removeListener("error", ignoreErrorEvent);
    }
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "PAWL_DATABASE_TIMEOUT";
}

function checkClient(db: unknown): PgClient {
  if (isPool(db)) throw requiredError("a pool, whose every query may run on another connection");
  if (!isClient(db)) throw requiredError(describeValue(db));
  if (isOutsideTransaction(db)) {
    throw requiredError("a client outside a transaction (`begin` must have been awaited)");
  }
  return db;
}

function isPool(db: unknown): boolean {
  return typeof db === "object" && db !== null && "totalCount" in db && "connect" in db;
}

function isClient(db: unknown): db is PgClient {
  if (typeof db !== "object" || db === null) return false;
  const methods = ["query", "on", "removeListener", "end"];
  return methods.every((name) => typeof Reflect.get(db, name) === "function");
}

function requiredError(got: string): TransactionError {
  return new TransactionError(
    "PAWL_TRANSACTION_REQUIRED",
    `expected \`db\` to be a \`pg\` client inside a transaction, got ${got}: ` +
      "call `begin` on a client and give that client, or leave `db` out",
  );
}
