import { DatabaseError } from "../core/errors.ts";

/** What to do about a failed call. */
export type Failure =
  | "retry" // the same again, at once or after a short wait
  | "reconnect" // on another connection, after a wait
  | "reject" // the statement or its values are to blame: whoever made the call
  | "resources" // the server is out of something: wait long and tell somebody
  | "fatal" // the configuration is wrong: no waiting helps
  | "schema" // the schema is missing or of another version
  | "unknown";

const longestCauseChain = 5;

// The longest prefix of the SQLSTATE decides. https://www.postgresql.org/docs/current/errcodes-appendix.html
const bySqlstate: Readonly<Record<string, Failure>> = {
  "08": "reconnect", // connection exceptions; 08P01 is also how a pooler says that a prepared statement is gone
  "21": "reject",
  "22": "reject",
  "23": "reject",
  "25006": "reconnect", // read-only: after a failover this is the wrong server
  "25P03": "reconnect", // idle in transaction for too long
  "25P04": "reconnect", // transaction timeout
  "26000": "reconnect", // the prepared statement is gone
  "28": "fatal",
  "3D000": "fatal",
  "3F000": "schema",
  "40": "retry",
  "40003": "reconnect", // whether the statement was carried out is not known
  "42501": "fatal",
  "42703": "schema",
  "42883": "schema",
  "42P01": "schema",
  "42P05": "reconnect", // the prepared statement is there already
  "53": "resources",
  "53300": "reconnect", // too many connections
  "54": "reject",
  "55P03": "retry",
  "57014": "retry",
  "57P": "reconnect",
  "58": "resources",
};

const reconnectCodes: ReadonlySet<string> = new Set([
  "CONNECTION_CLOSED", // these four are of postgres.js
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOENT", // the Unix socket of a server that is down
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "PAWL_DATABASE_TIMEOUT",
  "PAWL_DATABASE_UNAVAILABLE",
]);

// Drivers give these no code.
const reconnectMessages =
  /^Connection terminated|^timeout exceeded when trying to connect|^timeout expired|^Query read timeout|is not queryable$/;

/** Says what to do about an error of a database call, seen through its causes. */
export function classify(error: unknown): Failure {
  for (const each of causes(error)) {
    const failure = classifyOne(each);
    if (failure !== "unknown") return failure;
  }
  return "unknown";
}

/** The five characters PostgreSQL gave for an error, seen through its causes; undefined when it was not the server. */
export function sqlstate(error: unknown): string | undefined {
  for (const each of causes(error)) {
    const state = ownSqlstate(each);
    if (state !== undefined) return state;
  }
  return undefined;
}

/** Whether the server refused a prepared statement that the client believes in, or a plan made for older tables. */
export function isPreparedStatementLost(error: unknown): boolean {
  const state = sqlstate(error);
  if (state === "26000" || state === "42P05") return true;
  return (state === "08P01" && mentionsPrepared(error)) || isPlanOutdated(error);
}

/** Whether a prepared statement's result changed its type under it, as a migration makes happen once. */
export function isPlanOutdated(error: unknown): boolean {
  // The message is translated by the server; the name of the routine that raised it is not.
  return (
    sqlstate(error) === "0A000" &&
    causes(error).some((each) => field(each, "routine") === "RevalidateCachedQuery")
  );
}

function classifyOne(error: unknown): Failure {
  const state = ownSqlstate(error);
  if (state !== undefined) {
    return classifySqlstate(state, error);
  }
  const code = field(error, "code");
  if (code === "PAWL_DRIVER_MISSING") return "fatal";
  if (code !== undefined && reconnectCodes.has(code)) {
    // Behind an unavailable database may be a better reason, such as a wrong password.
    return hasCause(error) ? betterReason(error) : "reconnect";
  }
  const message = field(error, "message") ?? "";
  return reconnectMessages.test(message) ? "reconnect" : "unknown";
}

function betterReason(error: DatabaseError): Failure {
  const reason = classify(error.cause);
  return reason === "unknown" ? "reconnect" : reason;
}

function classifySqlstate(state: string, error: unknown): Failure {
  if (isPlanOutdated(error)) return "reconnect";
  return (
    bySqlstate[state] ?? bySqlstate[state.slice(0, 3)] ?? bySqlstate[state.slice(0, 2)] ?? "unknown"
  );
}

function hasCause(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.cause !== undefined;
}

// Every SQLSTATE in use has a digit, which no five-letter code of the operating system has but E2BIG.
function ownSqlstate(error: unknown): string | undefined {
  const code = field(error, "code");
  if (code === undefined || field(error, "syscall") !== undefined) return undefined;
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function mentionsPrepared(error: unknown): boolean {
  return causes(error).some((each) => field(each, "message")?.includes("prepared statement"));
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let next = error;
  while (typeof next === "object" && next !== null && chain.length < longestCauseChain) {
    chain.push(next);
    next = "cause" in next ? next.cause : undefined;
  }
  return chain;
}

function field(error: unknown, name: string): string | undefined {
  if (typeof error !== "object" || error === null || !(name in error)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" ? value : undefined;
}
