import { createRequire } from "node:module";
import { DatabaseError, OptionError } from "../core/errors.ts";
import { maskCredentials } from "../db/database-error.ts";
import type { PgPoolClient } from "./pg-connection.ts";
import { isPlainData } from "./plain-data.ts";

/** What Pawl uses of a `pg` pool, by shape, so that no version of `pg` is imported. */
export interface PoolLike {
  readonly options: object;
  connect(): Promise<PgPoolClient>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect", listener: (client: PgPoolClient) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "connect", listener: (client: PgPoolClient) => void): unknown;
  end(): Promise<void>;
}

type PoolConstructor = new (options: object, Client?: unknown) => PoolLike;

interface PgModule {
  readonly Pool: PoolConstructor;
  readonly Client: new (options: object) => unknown;
}

const defaultPoolSize = 10; // of pg itself

// These say nothing about how to connect, and are functions as a rule.
const ownKeys: ReadonlySet<string> = new Set(["Promise", "log", "types"]);

/** A new pool for a connection string; a bad one is refused here, without showing it. */
export function openPool(connectionString: string, max: number, timeoutMs: number): PoolLike {
  const pg = loadPg();
  const options = { connectionString, max, fallback_application_name: "pawl" };
  checkConnectionString(pg, connectionString);
  return new pg.Pool(withOwnTimeouts(options, timeoutMs));
}

/** A new pool from options that came from another thread. */
export function openPoolFrom(options: object, timeoutMs: number): PoolLike {
  return new (loadPg().Pool)(withOwnTimeouts(options, timeoutMs));
}

/** A new pool to the same server as another, with the same credentials. */
export function openSibling(pool: PoolLike, max: number, timeoutMs: number): PoolLike {
  const Pool = pool.constructor as PoolConstructor; // what made the pool, whichever copy of pg that was
  const options = { ...connectionOptions(pool), max, min: 0 };
  return new Pool(withOwnTimeouts(options, timeoutMs), Reflect.get(pool, "Client"));
}

/** How many connections a pool holds at most. */
export function sizeOf(pool: PoolLike): number {
  const max: unknown = Reflect.get(pool.options, "max");
  return typeof max === "number" ? max : defaultPoolSize;
}

/** The pool's options for another thread; undefined when they hold what cannot be copied there. */
export function copyableOptions(pool: PoolLike): object | undefined {
  const entries = Object.entries(connectionOptions(pool)).filter(
    ([key, value]) => !ownKeys.has(key) && value !== undefined,
  );
  const options = Object.fromEntries(entries);
  return isPlainData(options) ? options : undefined;
}

/** All options of a pool, with the secrets that pg keeps out of sight of console.log. */
function connectionOptions(pool: PoolLike): Record<string, unknown> {
  const options: Record<string, unknown> = { ...pool.options };
  const password: unknown = Reflect.get(pool.options, "password");
  if (password !== undefined) options.password = password;
  const ssl = options.ssl;
  if (typeof ssl === "object" && ssl !== null && "key" in ssl) {
    options.ssl = { ...ssl, key: ssl.key };
  }
  return options;
}

// Without these, a connection that hangs holds its place in the pool for as long as TCP lets it.
function withOwnTimeouts(options: object, timeoutMs: number): object {
  const given: unknown = Reflect.get(options, "connectionTimeoutMillis");
  const connectionTimeoutMillis = typeof given === "number" && given > 0 ? given : timeoutMs;
  return { keepAlive: true, ...options, connectionTimeoutMillis };
}

function loadPg(): PgModule {
  const require = createRequire(import.meta.url);
  try {
    return require("pg") as PgModule; // typed by shape, since pg is an optional peer
  } catch (cause) {
    throw new DatabaseError(
      "PAWL_DRIVER_MISSING",
      "expected the package `pg` for a connection string, it cannot be loaded: run `npm install pg`, " +
        "or give Pawl a database adapter",
      { cause },
    );
  }
}

const connectionForm = /^(?:postgres(?:ql)?:|socket:|\/)/i;

function checkConnectionString(pg: PgModule, connectionString: string): void {
  if (connectionString === "") throw connectionStringError("an empty string");
  // The driver takes anything for the name of a database on a host called "base".
  if (!connectionForm.test(connectionString)) {
    throw connectionStringError(
      `a string of ${connectionString.length} characters without a scheme`,
    );
  }
  try {
    new pg.Client({ connectionString });
  } catch (error) {
    // Neither the string nor the driver's error is shown whole: both may hold the password.
    const reason = maskCredentials(error instanceof Error ? error.message : String(error));
    throw connectionStringError(`a string of ${connectionString.length} characters (${reason})`);
  }
}

function connectionStringError(got: string): OptionError {
  const expected = "a connection string like postgres://host:5432/name";
  return new OptionError(`expected \`database\` to be ${expected}, got ${got}`, {
    option: "database",
    expected,
    got,
  });
}
