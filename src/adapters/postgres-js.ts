import { createRequire } from "node:module";
import type { TransactionSql } from "postgres";
import { parseDuration, type Duration } from "../core/duration.ts";
import { DatabaseError } from "../core/errors.ts";
import { boolean, checkKeys, invalidOption, positiveInteger } from "../core/options.ts";
import { defineTask as defineAnyTask, type DefineTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { OpenPostgresJs, PostgresJsOptions } from "./postgres-js-connection.ts";
import {
  PostgresJsDatabase,
  type PostgresJsSettings,
  type PostgresJsThreadConfig,
} from "./postgres-js-database.ts";

/** `defineTask` with postgres.js's own type for `tx` in transactional handlers. Throws `OptionError`. */
export const defineTask = defineAnyTask as unknown as DefineTask<TransactionSql>; // the same function, told what `tx` is

/** What Pawl reads of the application's `sql`. */
export interface SqlLike {
  readonly options: object;
  begin(...values: never[]): Promise<unknown>;
  end(...values: never[]): Promise<unknown>;
}

/** How a database by postgres.js behaves. */
export interface PostgresJsDatabaseOptions {
  /** How long one database call may take, with the wait for a connection; "15s" by default. */
  queryTimeout?: Duration;
  /** Whether statements are prepared; by default they are, but not behind a pooler, which may lose them. */
  preparedStatements?: boolean | undefined;
  /** How many connections Pawl opens for calls and handlers; the `max` of your `sql` by default. */
  maxConnections?: number;
}

const optionNames = ["queryTimeout", "preparedStatements", "maxConnections"];

/**
 * A database by postgres.js. Pawl opens connections of its own with the options of your `sql`, which it never uses or
 * ends: postgres.js does not tell when a connection in use was lost. Throws `OptionError`, and `DatabaseError` when the
 * package `postgres` cannot be loaded.
 *
 *     const pawl = new Pawl({ database: postgresJsDatabase(sql) });
 */
export function postgresJsDatabase(
  sql: SqlLike,
  options: PostgresJsDatabaseOptions = {},
): Database {
  checkKeys("postgresJsDatabase()", options, optionNames);
  const given = optionsOf(sql);
  const max = positiveInteger("maxConnections", options.maxConnections ?? given.max);
  return new PostgresJsDatabase(settingsOf(given, options), max);
}

/** Opens what `threadConnection()` has described, with one connection. */
export function openDatabase(config: unknown): Database {
  const { options, queryTimeout, preparedStatements } = config as PostgresJsThreadConfig; // our own, from another thread
  const { options: parsed } = loadPostgres()({ ...options, no_subscribe: true });
  return new PostgresJsDatabase(settingsOf(parsed, { queryTimeout, preparedStatements }), 1);
}

function optionsOf(sql: unknown): PostgresJsOptions {
  const expected = "the `sql` that `postgres(…)` returns";
  if (!isSql(sql)) throw invalidOption("database", expected, sql);
  const options = sql.options as PostgresJsOptions; // as the driver has parsed them
  if (options.transform?.row?.from !== undefined) {
    throw invalidOption("database", `${expected}, without \`transform.row\``, sql);
  }
  return options;
}

function settingsOf(
  options: PostgresJsOptions,
  { queryTimeout = "15s", preparedStatements }: PostgresJsDatabaseOptions,
): PostgresJsSettings {
  const timeoutMs = parseDuration(queryTimeout, "queryTimeout");
  if (timeoutMs === 0) throw invalidOption("queryTimeout", "a duration above zero", queryTimeout);
  return {
    open: loadPostgres(),
    options,
    timeoutMs,
    preparedStatements: isPrepared(options, preparedStatements),
    module: import.meta.url,
  };
}

/** Undefined: to be found out. */
function isPrepared(
  { prepare }: PostgresJsOptions,
  given: boolean | undefined,
): boolean | undefined {
  if (given !== undefined) return boolean("preparedStatements", given);
  return prepare === false ? false : undefined;
}

function isSql(sql: unknown): sql is SqlLike {
  if (typeof sql !== "function" || typeof Reflect.get(sql, "options") !== "object") return false;
  return ["begin", "end"].every((name) => typeof Reflect.get(sql, name) === "function");
}

function loadPostgres(): OpenPostgresJs {
  const require = createRequire(import.meta.url);
  try {
    return require("postgres") as OpenPostgresJs; // typed by shape, since postgres is an optional peer
  } catch (cause) {
    throw new DatabaseError(
      "PAWL_DRIVER_MISSING",
      "expected the package `postgres`, it cannot be loaded: run `npm install postgres`",
      { cause },
    );
  }
}
