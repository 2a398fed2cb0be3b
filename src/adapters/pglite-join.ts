import { TransactionError } from "../core/errors.ts";
import { describeValue } from "../core/options.ts";
import type { Queryable } from "../db/database.ts";
import { Deadline } from "../db/deadline.ts";
import { lentByHandle } from "./callback-transaction.ts";
import { runOn, type PgliteTransactionClient, type PgliteTypes } from "./pglite-client.ts";

interface JoinSettings {
  readonly types: () => Promise<PgliteTypes>;
  readonly timeoutMs: number;
}

type QueryArguments = Parameters<Queryable["query"]>;

/** The caller's open transaction as a Queryable; anything else is refused. */
export function joinTransaction(db: unknown, settings: JoinSettings): Queryable {
  return lentByHandle(db) ?? joined(checkTransaction(db), settings);
}

function joined(client: PgliteTransactionClient, { types, timeoutMs }: JoinSettings): Queryable {
  return {
    async query<R extends object>(...[statement, values = [], options = {}]: QueryArguments) {
      const deadline = new Deadline(options.timeoutMs ?? timeoutMs);
      const run = async (): Promise<readonly object[]> =>
        runOn(client, { statement, values, types: await types() });
      return (await deadline.race(run())) as readonly R[]; // the statement's author knows its columns
    },
  };
}

function checkTransaction(db: unknown): PgliteTransactionClient {
  if (!isClient(db)) throw requiredError(describeValue(db));
  if ("transaction" in db) {
    throw requiredError("a PGlite, whose every query commits by itself");
  }
  if (db.closed) throw requiredError("one that has ended");
  return db;
}

function isClient(db: unknown): db is PgliteTransactionClient {
  if (typeof db !== "object" || db === null || !("closed" in db)) return false;
  return ["query", "exec"].every((name) => typeof Reflect.get(db, name) === "function");
}

function requiredError(got: string): TransactionError {
  return new TransactionError(
    "PAWL_TRANSACTION_REQUIRED",
    `expected \`db\` to be an open transaction of PGlite, got ${got}: ` +
      "give the one that `db.transaction(async (tx) => …)` passes, or leave `db` out",
  );
}
