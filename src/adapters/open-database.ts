import { OptionError } from "../core/errors.ts";
import type { Database } from "../db/database.ts";
import { pgDatabase, type PoolLike } from "./pg.ts";

/** The database that `new Pawl` was given, or that of the environment's `DATABASE_URL`; `isOurs`: it is to be closed. */
export function openDatabase(given: string | PoolLike | Database | undefined): {
  database: Database;
  isOurs: boolean;
} {
  const source = given ?? process.env.DATABASE_URL;
  if (source === undefined || source === "") {
    throw new OptionError(
      "expected `database` (a connection string, a pool of `pg` or an adapter), or DATABASE_URL in the environment; got neither",
      { option: "database", expected: "a connection string, a pool or an adapter", got: "nothing" },
    );
  }
  if (isDatabase(source)) return { database: source, isOurs: false };
  // A pool stays its owner's: the adapter never ends it.
  return { database: pgDatabase(source), isOurs: true };
}

function isDatabase(source: string | PoolLike | Database): source is Database {
  return typeof source === "object" && "threadConnection" in source && "join" in source;
}
