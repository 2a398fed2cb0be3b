import type { ClientBase } from "pg";
import { parseDuration, type Duration } from "../core/duration.ts";
import { boolean, checkKeys, invalidOption, positiveInteger } from "../core/options.ts";
import { defineTask as defineAnyTask, type DefineTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import { PgDatabase, type PgSettings, type PgThreadConfig } from "./pg-database.ts";
import { openPool, openPoolFrom, type PoolLike } from "./pg-pool.ts";

export type { PoolLike } from "./pg-pool.ts";

/** `defineTask` with the driver's own type for `tx` in transactional handlers. Throws `OptionError`. */
export const defineTask = defineAnyTask as unknown as DefineTask<ClientBase>; // the same function, told what `tx` is

/** How a database by `pg` behaves. */
export interface PgOptions {
  /** How long one database call may take, with the wait for a connection; "15s" by default. */
  queryTimeout?: Duration;
  /** Whether statements are prepared; by default they are, but not behind a pooler, which may lose them. */
  preparedStatements?: boolean | undefined;
  /** The size of the pool made for a connection string; 10 by default. A pool of your own has its own `max`. */
  maxConnections?: number;
}

const optionNames = ["queryTimeout", "preparedStatements", "maxConnections"];
const defaultMaxConnections = 10;

/**
 * A database by `pg`: of a connection string, or of a pool of your own, which Pawl never ends and never changes.
 *
 *     const pawl = new Pawl({ database: pgDatabase(pool, { queryTimeout: "5s" }) });
 */
export function pgDatabase(source: string | PoolLike, options: PgOptions = {}): Database {
  checkKeys("pgDatabase()", options, optionNames);
  const settings = settingsOf(options);
  if (typeof source !== "string") return databaseOfPool(source, options, settings);
  const max = positiveInteger("maxConnections", options.maxConnections ?? defaultMaxConnections);
  const pool = openPool(source, max, settings.timeoutMs);
  return new PgDatabase({ pool, owned: true }, settings);
}

/** Opens what `threadConnection()` has described, with one connection. */
export function openDatabase(config: unknown): Database {
  const { options, queryTimeout, preparedStatements } = config as PgThreadConfig; // our own, from another thread
  const settings = settingsOf({ queryTimeout, preparedStatements });
  const pool = openPoolFrom({ ...options, max: 1, min: 0 }, settings.timeoutMs);
  return new PgDatabase({ pool, owned: true }, settings);
}

function databaseOfPool(pool: unknown, options: PgOptions, settings: PgSettings): Database {
  if (!isPool(pool)) {
    const expected =
      "a connection string, a pool of `pg`, or what an adapter made, such as pgliteDatabase(…)";
    throw invalidOption("database", expected, pool);
  }
  if (options.maxConnections !== undefined) {
    const expected = "left out, since a pool has a `max` of its own";
    throw invalidOption("maxConnections", expected, options.maxConnections);
  }
  return new PgDatabase({ pool, owned: false }, settings);
}

function settingsOf(options: PgOptions): PgSettings {
  const { queryTimeout = "15s", preparedStatements } = options;
  const timeoutMs = parseDuration(queryTimeout, "queryTimeout");
  if (timeoutMs === 0) throw invalidOption("queryTimeout", "a duration above zero", queryTimeout);
  return {
    timeoutMs,
    preparedStatements:
      preparedStatements === undefined
        ? undefined
        : boolean("preparedStatements", preparedStatements),
    module: import.meta.url,
  };
}

function isPool(pool: unknown): pool is PoolLike {
  if (typeof pool !== "object" || pool === null) return false;
  const methods = ["connect", "on", "removeListener", "end"];
  const isCallable = methods.every((name) => typeof Reflect.get(pool, name) === "function");
  // A client has all of these but the options.
  return isCallable && typeof Reflect.get(pool, "options") === "object";
}
