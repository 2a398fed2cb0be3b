import { onTestFinished } from "vitest";
import type { Database, Statement } from "#pawl/db/database";
import { databaseUrl, execute, freshDatabase } from "../../support/database.ts";

export interface OpenOptions {
  queryTimeout?: number;
  maxConnections?: number;
  preparedStatements?: boolean;
}

/** A transaction as an application has it, without Pawl. */
export interface UserTransaction {
  /** What the application gives as `db`. */
  readonly db: unknown;
  query(text: string): Promise<readonly object[]>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
  /** Ends the application's connection. */
  end(): Promise<void>;
}

/** Where a driver's databases are, and a way to them without Pawl. */
export interface TestServer {
  databaseUrl(): string;
  execute<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    url?: string,
  ): Promise<Row[]>;
  freshDatabase(): Promise<string>;
  /** From here on, what connects has this isolation unless it says another. */
  setDefaultIsolation(url: string, level: string): Promise<unknown>;
}

/** The PostgreSQL of the whole run. */
export const postgresServer: TestServer = {
  databaseUrl,
  execute,
  freshDatabase,
  setDefaultIsolation(url, level) {
    const name = new URL(url).pathname.slice(1);
    return execute(`alter database ${name} set default_transaction_isolation = '${level}'`);
  },
};

/** How the conformance suite uses one driver. */
export interface Driver {
  readonly server: TestServer;
  /**
   * Whether there are many sessions, or one that Pawl shares with the application: then nothing can be cut, and nothing
   * goes on beside an open transaction.
   */
  readonly sessions: "many" | "one";
  readonly preparesStatements: boolean;
  /** What becomes of a caller's connection whose query is too late. */
  readonly lateQueries: "cut" | "cancelled";
  open(url: string, options?: OpenOptions): Database;
  /** Runs SQL as a handler does, on the handle of a transaction. */
  queryHandle(handle: object, text: string): Promise<readonly object[]>;
  beginAsUser(url: string): Promise<UserTransaction>;
  /** Things of the driver that are no open transaction, by what they are. */
  notTransactions(url: string): Promise<{
    readonly things: Readonly<Record<string, unknown>>;
    end(): Promise<void>;
  }>;
}

/** Opens a database that is closed when the test has ended. */
export function opened(
  driver: Driver,
  options?: OpenOptions,
  url = driver.server.databaseUrl(),
): Database {
  const database = driver.open(url, options);
  onTestFinished(() => database.close());
  return database;
}

/** A prepared statement for a test. */
export function statement(text: string): Statement {
  return { name: `test_${Buffer.from(text).toString("base64url").slice(0, 40)}`, text };
}

/** The first row of a statement's result. */
export async function firstRow<R extends object>(
  database: Pick<Database, "query">,
  text: string,
  values?: (string | number | boolean | null)[],
): Promise<R> {
  const [row] = await database.query<R>(statement(text), values);
  if (row === undefined) throw new Error("expected a row, got none");
  return row;
}

/** The process id of the backend that answers. */
export async function backendOf(database: Pick<Database, "query">): Promise<number> {
  const { pid } = await firstRow<{ pid: number }>(database, "select pg_backend_pid() as pid");
  return pid;
}
