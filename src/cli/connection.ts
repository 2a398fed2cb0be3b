import { OptionError } from "../core/errors.ts";
import { maskCredentials } from "../db/database-error.ts";

/** The options of every command. */
export interface ConnectionOptions {
  readonly database?: string;
  readonly schema: string;
}

/** The connection string that was given. Throws `OptionError` when there is none. */
export function connectionString({ database }: ConnectionOptions): string {
  if (database !== undefined && database !== "") return database;
  throw new OptionError(
    "expected a connection string, got none; give --database <url> or set DATABASE_URL",
    { option: "--database", expected: "a connection string", got: "nothing" },
  );
}

/** Where the tables are, without credentials: `schema "pawl" of localhost:5432/app`. */
export function describeTarget({ database, schema }: ConnectionOptions): string {
  return `schema "${schema}" of ${describeServer(database)}`;
}

/** The server and its database, without credentials and parameters. */
export function describeServer(database = ""): string {
  const local = "the local server";
  if (!URL.canParse(database)) return local;
  const { host, pathname } = new URL(database);
  return `${host || local}${pathname === "/" ? "" : pathname}`;
}

/** A text without the credentials in it, also where a connection string is not quite a URL. */
export function maskSecrets(text: string, { database }: Partial<ConnectionOptions> = {}): string {
  const password = passwordOf(database);
  return maskCredentials(password === undefined ? text : text.replaceAll(`:${password}@`, ":***@"));
}

// Everything between the first colon of the authority and the last @, as a person would read it.
function passwordOf(database = ""): string | undefined {
  return /^\w+:\/\/[^:@]*:(.+)@/.exec(database)?.[1];
}
