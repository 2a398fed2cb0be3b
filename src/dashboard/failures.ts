import {
  DashboardError,
  OptionError,
  PayloadError,
  type PawlError,
  RateLimitError,
  SchemaError,
  TaskError,
  type DashboardErrorCode,
} from "../core/errors.ts";
import { classify, sqlstate } from "../db/sqlstate.ts";
import type { ApiFailure } from "./api.ts";

/** How a request that was refused or failed is answered. */
export interface Failure {
  readonly status: number;
  readonly error: ApiFailure["error"];
  /** Whether somebody should hear of it: whoever asked cannot help it. */
  readonly isOurs: boolean;
}

const statuses: Readonly<Record<DashboardErrorCode, number>> = {
  PAWL_DASHBOARD_UNAUTHORIZED: 401,
  PAWL_DASHBOARD_FORBIDDEN: 403,
  PAWL_DASHBOARD_ORIGIN: 403,
  PAWL_DASHBOARD_HOST: 403,
  PAWL_DASHBOARD_METHOD: 405,
  PAWL_DASHBOARD_MEDIA_TYPE: 415,
  PAWL_DASHBOARD_TOO_LARGE: 413,
  PAWL_DASHBOARD_INVALID: 400,
  PAWL_DASHBOARD_NOT_FOUND: 404,
  PAWL_DASHBOARD_TIMEOUT: 504,
  PAWL_DASHBOARD_FAILED: 500,
};

const cancelledByServer = "57014";

/** Says how to answer what was thrown. What the database or the application said stays here: only what Pawl itself says goes out. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DashboardError) {
    const { code, message } = error;
    return { status: statuses[code], error: { code, message }, isOurs: statuses[code] === 500 };
  }
  if (isMistakeOfTheirs(error)) {
    const { code, message } = error;
    return { status: 400, error: { code, message }, isOurs: false };
  }
  if (sqlstate(error) === cancelledByServer) {
    return failure(504, "PAWL_DASHBOARD_TIMEOUT", "the database took too long; ask for less");
  }
  return failureOfDatabase(error);
}

function failureOfDatabase(error: unknown): Failure {
  if (error instanceof SchemaError) return failure(503, error.code, error.message);
  switch (classify(error)) {
    case "schema":
      return failure(
        503,
        "PAWL_SCHEMA_MISSING",
        "expected Pawl's tables in the database, got none or those of another version; run `pawl migrate`",
      );
    case "reconnect":
    case "fatal":
    case "resources":
      return failure(
        503,
        "PAWL_DATABASE_UNAVAILABLE",
        "the database cannot be reached; the application's own log says why",
      );
    default:
      return failure(
        500,
        "PAWL_DASHBOARD_FAILED",
        "something went wrong; the application's own log says what",
      );
  }
}

// Classes whose message says what was expected and what came, and nothing of the server.
function isMistakeOfTheirs(error: unknown): error is PawlError {
  return [OptionError, PayloadError, RateLimitError, TaskError].some(
    (kind) => error instanceof kind,
  );
}

function failure(status: number, code: string, message: string): Failure {
  return { status, error: { code, message }, isOurs: true };
}
