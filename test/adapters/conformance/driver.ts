import { onTestFinished } from "vitest";
import type { Database, Statement } from "#pawl/db/database";
import { databaseUrl } from "../../support/database.ts";

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
  /** Whether the application's connection is still good. */
  end(): Promise<void>;
}

/** How the conformance suite uses one driver. */
export interface Driver {
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
export function opened(driver: Driver, options?: OpenOptions, url = databaseUrl()): Database {
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
