import { EmbeddedPostgresError } from "../core/errors.ts";
import { checkKeys, integerBetween, invalidOption, text } from "../core/options.ts";

/** How to start a PostgreSQL for development and tests. */
export interface EmbeddedPostgresOptions {
  /**
   * Where the data is kept, and found again by the next start. Left out, it is a temporary directory that is removed by
   * `stop()`.
   */
  readonly dataDirectory?: string;
  /** The TCP port on the loopback address; left out, a free one. */
  readonly port?: number;
  /** The database that `url` names; it is made when it does not exist. `postgres` by default. */
  readonly database?: string;
  /** Settings of the server, as in postgresql.conf: `{ max_connections: 50, log_statement: "all" }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** The options after their check, with the defaults in place. */
export interface CheckedOptions {
  readonly dataDirectory: string | undefined;
  readonly port: number | undefined;
  readonly database: string;
  /** Each as `name=value`. */
  readonly settings: readonly string[];
}

// Durability stays as a production server has it: what was committed must survive kill() here as well.
const defaultSettings = { max_connections: 200, shared_buffers: "128MB" };

const fixedSettings: Readonly<Record<string, string>> = {
  port: "use the option `port`",
  data_directory: "use the option `dataDirectory`",
  listen_addresses:
    "the server trusts whoever connects, so it listens on the loopback address only",
  unix_socket_directories: "the server listens on TCP only",
  logging_collector: "the server's log is the file server.log in its data directory",
  log_destination: "the server's log is the file server.log in its data directory",
};

/** Checks the options of `startEmbeddedPostgres`. */
export function checkOptions(options: EmbeddedPostgresOptions): CheckedOptions {
  checkKeys("startEmbeddedPostgres", options, ["dataDirectory", "port", "database", "settings"]);
  const { dataDirectory, port, database, settings = {} } = options;
  return {
    dataDirectory: dataDirectory === undefined ? undefined : text("dataDirectory", dataDirectory),
    port: port === undefined ? undefined : integerBetween("port", port, 1, 65_535),
    database: database === undefined ? "postgres" : databaseName(database),
    settings: settingArguments(settings),
  };
}

function databaseName(given: unknown): string {
  const name = text("database", given);
  if (Buffer.byteLength(name) <= 63) return name;
  throw invalidOption("database", "a name of at most 63 bytes", name);
}

function settingArguments(given: unknown): string[] {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalidOption("settings", "an object of names and values", given);
  }
  const settings = new Map(Object.entries<unknown>(defaultSettings));
  for (const [name, value] of Object.entries(given)) {
    settings.set(settingName(name), value);
  }
  return [...settings].map(([name, value]) => `${name}=${settingValue(name, value)}`);
}

function settingName(name: string): string {
  const lowerCase = name.toLowerCase();
  if (!/^[a-z_][a-z0-9_.]*$/.test(lowerCase)) {
    throw invalidOption("settings", "an object whose keys are names of settings", name);
  }
  const reason = fixedSettings[lowerCase];
  if (reason === undefined) return lowerCase;
  throw new EmbeddedPostgresError(
    "PAWL_EMBEDDED_OPTION",
    `expected \`settings\` without ${lowerCase}: ${reason}`,
  );
}

function settingValue(name: string, value: unknown): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value === "string" && !value.includes("\0")) return value;
  throw invalidOption(`settings.${name}`, "a string, a finite number, true or false", value);
}
