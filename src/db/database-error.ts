import { DatabaseError, PawlError } from "../core/errors.ts";
import { classify, sqlstate } from "./sqlstate.ts";

// What drivers say when their own deadline has passed.
const timeoutMessages =
  /^Query read timeout|^timeout exceeded when trying to connect|^timeout expired|due to connection timeout$|^write CONNECT_TIMEOUT/;

/** A driver's error as one of Pawl's; the driver's own is its cause. */
export function databaseError(error: unknown): PawlError {
  if (error instanceof PawlError) return error;
  const message = maskCredentials(error instanceof Error ? messageOf(error) : String(error));
  const options = { cause: error };
  if (timeoutMessages.test(message)) {
    return new DatabaseError(
      "PAWL_DATABASE_TIMEOUT",
      `the database did not answer in time: ${message}`,
      options,
    );
  }
  if (classify(error) === "reconnect") {
    return new DatabaseError(
      "PAWL_DATABASE_UNAVAILABLE",
      `the database cannot be reached: ${message}`,
      options,
    );
  }
  const state = sqlstate(error);
  const suffix = state === undefined ? "" : ` (SQLSTATE ${state})`;
  return new DatabaseError(
    "PAWL_DATABASE_FAILED",
    `the database call failed: ${message}${suffix}`,
    options,
  );
}

/** Hides user and password in every URL of a text, also where the password was not escaped. */
export function maskCredentials(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, "$1***@")
    .replace(/(password=)[^\s&'"]+/gi, "$1***");
}

// Node reports a host with several addresses as an AggregateError without a message.
function messageOf(error: Error): string {
  if (error.message !== "" || !(error instanceof AggregateError)) return error.message;
  return error.errors
    .map((each) => (each instanceof Error ? each.message : String(each)))
    .join("; ");
}
