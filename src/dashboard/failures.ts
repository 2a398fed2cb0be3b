import {
  ClosedError,
  DashboardError,
  OptionError,
  PawlError,
  PayloadError,
  RateLimitError,
  SchemaError,
  TaskError,
  type DashboardErrorCode,
} from "../core/errors.ts";
import { classify, sqlstate } from "../db/sqlstate.ts";
import type { ApiFailure } from "./api.ts";
import { maskText } from "./mask-text.ts";

/** How a request that was refused or failed is answered. */
export interface Failure {
  readonly status: number;
  readonly error: ApiFailure["error"];
}

const statuses: Readonly<Record<DashboardErrorCode, number>> = {
  PAWL_DASHBOARD_UNAUTHORIZED: 401,
  PAWL_DASHBOARD_FORBIDDEN: 403,
  PAWL_DASHBOARD_ORIGIN: 403,
  PAWL_DASHBOARD_HOST: 403,
  PAWL_DASHBOARD_NOT_FOUND: 404,
  PAWL_DASHBOARD_METHOD: 405,
  PAWL_DASHBOARD_TOO_LARGE: 413,
  PAWL_DASHBOARD_CONTENT_TYPE: 415,
  PAWL_DASHBOARD_FAILED: 500,
  PAWL_DASHBOARD_BUSY: 503,
  PAWL_DASHBOARD_TIMEOUT: 504,
};
const statementCancelled = "57014";
const notFound: DashboardErrorCode = "PAWL_DASHBOARD_NOT_FOUND";

/** Says how to answer what was thrown. What a server or the application said stays here: only Pawl's own words go out. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DashboardError) return failure(statuses[error.code], error);
  if (isMistakeOfTheirs(error)) return failure(400, error);
  if (error instanceof PawlError && error.code === notFound) return failure(404, error);
  if (error instanceof ClosedError || error instanceof SchemaError) return failure(503, error);
  if (sqlstate(error) === statementCancelled) {
    const code: DashboardErrorCode = "PAWL_DASHBOARD_TIMEOUT";
    return failure(504, { code, message: "the database took too long; ask for less, or again" });
  }
  return failureOfDatabase(error);
}

/** Whether somebody asked for what cannot be, so that the same again would not help. */
export function isMistakeOfTheirs(error: unknown): error is PawlError {
  // Their messages say what was expected and what came, and nothing of the server.
  return [OptionError, PayloadError, RateLimitError, TaskError].some(
    (kind) => error instanceof kind,
  );
}

function failureOfDatabase(error: unknown): Failure {
  switch (classify(error)) {
    case "schema": {
      const message =
        "expected Pawl's tables in the database, got none or those of another version; run `npx pawl migrate`";
      return failure(503, { code: "PAWL_SCHEMA_MISSING", message });
    }
    case "reconnect":
    case "fatal":
    case "resources": {
      const code =
        error instanceof PawlError && error.code === "PAWL_DATABASE_TIMEOUT"
          ? error.code
          : "PAWL_DATABASE_UNAVAILABLE";
      return failure(503, { code, message: "the database cannot be reached at the moment" });
    }
    case "retry": {
      const message = "others were at the same rows; try again";
      return failure(503, { code: "PAWL_DASHBOARD_BUSY" satisfies DashboardErrorCode, message });
    }
    default: {
      const code: DashboardErrorCode = "PAWL_DASHBOARD_FAILED";
      return failure(500, { code, message: "something went wrong; the application hears what" });
    }
  }
}

function failure(status: number, { code, message }: ApiFailure["error"]): Failure {
  return { status, error: { code, message: maskText(message) } };
}
