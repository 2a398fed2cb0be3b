import type { Transaction } from "@electric-sql/pglite";
import { parseDuration, type Duration } from "../core/duration.ts";
import { checkKeys, invalidOption } from "../core/options.ts";
import { defineTask as defineAnyTask, type DefineTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { PgliteLike } from "./pglite-client.ts";
import { PgliteDatabase } from "./pglite-database.ts";

export type { PgliteLike } from "./pglite-client.ts";

/** `defineTask` with PGlite's own type for `tx` in transactional handlers. Throws `OptionError`. */
export const defineTask = defineAnyTask as unknown as DefineTask<Transaction>; // the same function, told what `tx` is

/** How a database by PGlite behaves. */
export interface PgliteOptions {
  /** How long one database call may take, with the wait for the session; "15s" by default. */
  queryTimeout?: Duration;
}

/**
 * A database by PGlite, which has one session: one worker process, and transactional handlers run one at a time. The
 * PGlite stays yours: Pawl never closes it. Throws `OptionError`.
 *
 *     const pawl = new Pawl({ database: pgliteDatabase(new PGlite("./data")) });
 */
export function pgliteDatabase(db: PgliteLike, options: PgliteOptions = {}): Database {
  checkKeys("pgliteDatabase()", options, ["queryTimeout"]);
  if (!isPglite(db)) throw invalidOption("database", "a PGlite", db);
  const { queryTimeout = "15s" } = options;
  const timeoutMs = parseDuration(queryTimeout, "queryTimeout");
  if (timeoutMs === 0) throw invalidOption("queryTimeout", "a duration above zero", queryTimeout);
  return new PgliteDatabase(db, timeoutMs);
}

function isPglite(db: unknown): db is PgliteLike {
  if (typeof db !== "object" || db === null) return false;
  const methods = ["query", "exec", "transaction", "listen", "unlisten", "onNotification"];
  const isCallable = methods.every((name) => typeof Reflect.get(db, name) === "function");
  return isCallable && ["waitReady", "parsers", "serializers"].every((name) => name in db);
}
