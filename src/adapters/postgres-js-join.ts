import { TransactionError } from "../core/errors.ts";
import { describeValue } from "../core/options.ts";
import type { Queryable } from "../db/database.ts";
import { Deadline } from "../db/deadline.ts";
import { lentByHandle } from "./callback-transaction.ts";
import type { ColumnNames } from "./column-names.ts";
import { runOn, type PostgresJsClient, type Preparation } from "./postgres-js-client.ts";

interface JoinSettings {
  readonly preparation: Preparation;
  readonly names: ColumnNames;
  readonly timeoutMs: number;
}

/** The caller's open transaction as a Queryable; anything else is refused. */
export function joinClient(db: unknown, settings: JoinSettings): Queryable {
  return lentByHandle(db) ?? joined(checkClient(db), settings);
}

function joined(client: PostgresJsClient, settings: JoinSettings): Queryable {
  const { preparation, names, timeoutMs } = settings;
  return {
    async query<R extends object>(...[statement, values = [], options = {}]: QueryArguments) {
      const deadline = new Deadline(options.timeoutMs ?? timeoutMs);
      const call = { statement, values, deadline, preparation, names, cancels: true };
      return (await runOn(client, call)) as R[]; // the statement's author knows its columns
    },
  };
}

type QueryArguments = Parameters<Queryable["query"]>;

function checkClient(db: unknown): PostgresJsClient {
  if (!isClient(db)) throw requiredError(describeValue(db));
  if (isTransaction(db)) return db;
  throw requiredError("the `sql` of a pool, whose every query may run on another connection");
}

function isClient(db: unknown): db is PostgresJsClient {
  return (
    typeof db === "function" &&
    ["unsafe", "typed"].every((name) => typeof Reflect.get(db, name) === "function")
  );
}

// Of a reserved connection the driver does not tell whether a transaction is open.
function isTransaction(client: PostgresJsClient): boolean {
  const methods = ["savepoint", "release"];
  return methods.some((name) => typeof Reflect.get(client, name) === "function");
}

function requiredError(got: string): TransactionError {
  return new TransactionError(
    "PAWL_TRANSACTION_REQUIRED",
    `expected \`db\` to be the \`sql\` of an open transaction of postgres.js, got ${got}: ` +
      "give the one that `sql.begin(async (sql) => …)` passes, or leave `db` out",
  );
}
