/** Base of every error Pawl makes; `code` is stable, the message is for people. */
export class PawlError extends Error {
  static {
    this.prototype.name = "PawlError";
  }

  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** What is wrong with an option: a bad value, or a name that is not known. */
export type OptionErrorCode = "PAWL_OPTION_INVALID" | "PAWL_OPTION_UNKNOWN";

/** An option is not what it should be; thrown at the call, before anything is written. */
export class OptionError extends PawlError {
  static {
    this.prototype.name = "OptionError";
  }

  declare readonly code: OptionErrorCode;
  readonly option: string;
  readonly expected: string;
  readonly got: string;

  constructor(
    message: string,
    details: {
      readonly option: string;
      readonly expected: string;
      readonly got: string;
      readonly code?: OptionErrorCode;
      readonly cause?: unknown;
    },
  ) {
    super(
      details.code ?? "PAWL_OPTION_INVALID",
      message,
      "cause" in details ? { cause: details.cause } : undefined,
    );
    this.option = details.option;
    this.expected = details.expected;
    this.got = details.got;
  }
}

/** What is wrong with a task or its handler. */
export type TaskErrorCode =
  | "PAWL_TASK_DUPLICATE"
  | "PAWL_TASK_UNKNOWN"
  | "PAWL_TASK_UNHANDLED"
  | "PAWL_HANDLER_MISSING"
  | "PAWL_HANDLER_DUPLICATE";

/** A task or its handler is missing, unknown or given twice. */
export class TaskError extends PawlError {
  static {
    this.prototype.name = "TaskError";
  }

  declare readonly code: TaskErrorCode;

  constructor(code: TaskErrorCode, message: string) {
    super(code, message);
  }
}

/** What is wrong with a payload. */
export type PayloadErrorCode =
  "PAWL_PAYLOAD_INVALID" | "PAWL_PAYLOAD_TOO_LARGE" | "PAWL_PAYLOAD_UNDECODABLE";

/** One thing that is wrong with a payload, and where: `payload.user.tags[2]`. */
export interface PayloadIssue {
  readonly path: string;
  readonly message: string;
}

/** A payload cannot be stored, or cannot be read back; it never carries the payload itself. */
export class PayloadError extends PawlError {
  static {
    this.prototype.name = "PayloadError";
  }

  declare readonly code: PayloadErrorCode;
  readonly path: string;
  readonly issues: readonly PayloadIssue[];

  constructor(
    code: PayloadErrorCode,
    message: string,
    details: {
      readonly path: string;
      readonly issues: readonly PayloadIssue[];
      readonly cause?: unknown;
    },
  ) {
    super(code, message, "cause" in details ? { cause: details.cause } : undefined);
    this.path = details.path;
    this.issues = details.issues;
  }
}

/** What is wrong with a rate limit, or with a job's use of it. */
export type RateLimitErrorCode =
  "PAWL_RATE_LIMIT_UNKNOWN" | "PAWL_RATE_LIMIT_WEIGHT" | "PAWL_RATE_LIMIT_IN_USE";

/** A rate limit was never registered, is smaller than a job's weight, or is needed by live jobs; nothing was written. */
export class RateLimitError extends PawlError {
  static {
    this.prototype.name = "RateLimitError";
  }

  declare readonly code: RateLimitErrorCode;
  readonly key: string;

  constructor(code: RateLimitErrorCode, message: string, key: string) {
    super(code, message);
    this.key = key;
  }
}

/** What is wrong with the use of a transaction. */
export type TransactionErrorCode =
  "PAWL_TRANSACTION_REQUIRED" | "PAWL_TRANSACTION_ENDED" | "PAWL_TRANSACTION_CONTROL";

/** A transaction is missing, has ended, or was controlled by somebody who may not. */
export class TransactionError extends PawlError {
  static {
    this.prototype.name = "TransactionError";
  }

  declare readonly code: TransactionErrorCode;

  constructor(code: TransactionErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
  }
}

/** One attempt of a job, as a `LeaseLostError` names it. */
export interface LostJob {
  readonly queue: string;
  readonly id: string;
  readonly attempt: number;
}

/** The worker no longer holds these jobs: what it wanted to write about them changed nothing. */
export class LeaseLostError extends PawlError {
  static {
    this.prototype.name = "LeaseLostError";
  }

  declare readonly code: "PAWL_LEASE_LOST";
  readonly jobs: readonly LostJob[];

  constructor(message: string, jobs: readonly LostJob[]) {
    super("PAWL_LEASE_LOST", message);
    this.jobs = jobs;
  }
}

/** How the database's schema differs from what this version of Pawl needs. */
export type SchemaErrorCode = "PAWL_SCHEMA_MISSING" | "PAWL_SCHEMA_OLDER" | "PAWL_SCHEMA_NEWER";

/** The schema in the database is missing, or of another version than this Pawl. */
export class SchemaError extends PawlError {
  static {
    this.prototype.name = "SchemaError";
  }

  declare readonly code: SchemaErrorCode;

  constructor(code: SchemaErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
  }
}

/** How the database failed to answer. */
export type DatabaseErrorCode =
  | "PAWL_DATABASE_UNAVAILABLE"
  | "PAWL_DATABASE_TIMEOUT"
  | "PAWL_DATABASE_FAILED"
  | "PAWL_DRIVER_MISSING";

/** The database could not be reached, did not answer in time, or answered with an error. */
export class DatabaseError extends PawlError {
  static {
    this.prototype.name = "DatabaseError";
  }

  declare readonly code: DatabaseErrorCode;

  constructor(code: DatabaseErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
  }
}

/** A worker was asked for something its state does not allow. */
export class WorkerError extends PawlError {
  static {
    this.prototype.name = "WorkerError";
  }

  declare readonly code: "PAWL_WORKER_STATE";

  constructor(code: "PAWL_WORKER_STATE", message: string) {
    super(code, message);
  }
}

/** The `Pawl` (or part of it) was used after `close()`. */
export class ClosedError extends PawlError {
  static {
    this.prototype.name = "ClosedError";
  }

  declare readonly code: "PAWL_CLOSED";

  constructor(message: string) {
    super("PAWL_CLOSED", message);
  }
}

/** Why a handler's signal aborted: it ran longer than its task's timeout. */
export class JobTimeoutError extends PawlError {
  static {
    this.prototype.name = "JobTimeoutError";
  }

  declare readonly code: "PAWL_JOB_TIMEOUT";

  constructor(message: string) {
    super("PAWL_JOB_TIMEOUT", message);
  }
}

/** Why a handler's signal aborted: its worker stops and the grace period is over. */
export class ShutdownError extends PawlError {
  static {
    this.prototype.name = "ShutdownError";
  }

  declare readonly code: "PAWL_SHUTDOWN";

  constructor(message: string) {
    super("PAWL_SHUTDOWN", message);
  }
}

/** Why a handler's signal aborted: somebody cancelled the job with `pawl.jobs.cancel`. */
export class CancelledError extends PawlError {
  static {
    this.prototype.name = "CancelledError";
  }

  declare readonly code: "PAWL_JOB_CANCELLED";

  constructor(reason: string) {
    super("PAWL_JOB_CANCELLED", reason);
  }
}

/** Thrown by a handler to fail its job for good, whatever retries are left. */
export class UnrecoverableError extends PawlError {
  static {
    this.prototype.name = "UnrecoverableError";
  }

  declare readonly code: "PAWL_UNRECOVERABLE";

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super("PAWL_UNRECOVERABLE", message, options);
  }
}

/** A job was failed for good because it was running in too many workers that died. */
export class QuarantinedError extends PawlError {
  static {
    this.prototype.name = "QuarantinedError";
  }

  declare readonly code: "PAWL_JOB_QUARANTINED";

  constructor(message: string) {
    super("PAWL_JOB_QUARANTINED", message);
  }
}

/** Why the embedded PostgreSQL could not do what it was asked. */
export type EmbeddedPostgresErrorCode =
  | "PAWL_EMBEDDED_MISSING"
  | "PAWL_EMBEDDED_PLATFORM"
  | "PAWL_EMBEDDED_IN_USE"
  | "PAWL_EMBEDDED_FAILED"
  | "PAWL_EMBEDDED_OPTION";

/** The embedded PostgreSQL could not be started, stopped or used. */
export class EmbeddedPostgresError extends PawlError {
  static {
    this.prototype.name = "EmbeddedPostgresError";
  }

  declare readonly code: EmbeddedPostgresErrorCode;

  constructor(
    code: EmbeddedPostgresErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(code, message, options);
  }
}

/** Why a dashboard refused a request. */
export type DashboardErrorCode =
  | "PAWL_DASHBOARD_UNAUTHORIZED"
  | "PAWL_DASHBOARD_FORBIDDEN"
  | "PAWL_DASHBOARD_ORIGIN"
  | "PAWL_DASHBOARD_HOST"
  | "PAWL_DASHBOARD_METHOD"
  | "PAWL_DASHBOARD_MEDIA_TYPE"
  | "PAWL_DASHBOARD_TOO_LARGE"
  | "PAWL_DASHBOARD_INVALID"
  | "PAWL_DASHBOARD_NOT_FOUND"
  | "PAWL_DASHBOARD_TIMEOUT"
  | "PAWL_DASHBOARD_FAILED";

/** A dashboard refused a request, or could not answer it; the message may be shown to whoever asked. */
export class DashboardError extends PawlError {
  static {
    this.prototype.name = "DashboardError";
  }

  declare readonly code: DashboardErrorCode;

  constructor(code: DashboardErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(code, message, options);
  }
}
