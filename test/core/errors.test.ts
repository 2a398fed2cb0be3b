import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  ClosedError,
  DatabaseError,
  EmbeddedPostgresError,
  JobTimeoutError,
  LeaseLostError,
  OptionError,
  PawlError,
  PayloadError,
  QuarantinedError,
  RateLimitError,
  SchemaError,
  ShutdownError,
  TaskError,
  TransactionError,
  UnrecoverableError,
  WorkerError,
} from "#pawl/core/errors";

const optionDetails = { option: "concurrency", expected: "a positive integer", got: "0" };
const payloadDetails = { path: "payload.to", issues: [{ path: "payload.to", message: "bad" }] };

const errors: readonly (readonly [name: string, code: string, error: PawlError])[] = [
  ["PawlError", "PAWL_X", new PawlError("PAWL_X", "it broke")],
  ["OptionError", "PAWL_OPTION_INVALID", new OptionError("it broke", optionDetails)],
  ["TaskError", "PAWL_TASK_DUPLICATE", new TaskError("PAWL_TASK_DUPLICATE", "it broke")],
  [
    "PayloadError",
    "PAWL_PAYLOAD_INVALID",
    new PayloadError("PAWL_PAYLOAD_INVALID", "it broke", payloadDetails),
  ],
  [
    "TransactionError",
    "PAWL_TRANSACTION_ENDED",
    new TransactionError("PAWL_TRANSACTION_ENDED", "it broke"),
  ],
  [
    "RateLimitError",
    "PAWL_RATE_LIMIT_UNKNOWN",
    new RateLimitError("PAWL_RATE_LIMIT_UNKNOWN", "it broke", "key"),
  ],
  ["LeaseLostError", "PAWL_LEASE_LOST", new LeaseLostError("it broke", [])],
  ["SchemaError", "PAWL_SCHEMA_OLDER", new SchemaError("PAWL_SCHEMA_OLDER", "it broke")],
  [
    "DatabaseError",
    "PAWL_DATABASE_TIMEOUT",
    new DatabaseError("PAWL_DATABASE_TIMEOUT", "it broke"),
  ],
  ["WorkerError", "PAWL_WORKER_STATE", new WorkerError("PAWL_WORKER_STATE", "it broke")],
  ["ClosedError", "PAWL_CLOSED", new ClosedError("it broke")],
  ["JobTimeoutError", "PAWL_JOB_TIMEOUT", new JobTimeoutError("it broke")],
  ["ShutdownError", "PAWL_SHUTDOWN", new ShutdownError("it broke")],
  ["UnrecoverableError", "PAWL_UNRECOVERABLE", new UnrecoverableError("it broke")],
  ["QuarantinedError", "PAWL_JOB_QUARANTINED", new QuarantinedError("it broke")],
  [
    "EmbeddedPostgresError",
    "PAWL_EMBEDDED_IN_USE",
    new EmbeddedPostgresError("PAWL_EMBEDDED_IN_USE", "it broke"),
  ],
];

describe("errors", () => {
  it.each(errors)("%s is a PawlError with the code %s", (_name, code, error) => {
    expect(error).toBeInstanceOf(PawlError);
    expect(error.code).toBe(code);
  });

  it.each(errors)("%s says its own name and message in its stack", (name, _code, error) => {
    expect(error.stack?.split("\n")[0]).toBe(`${name}: it broke`);
  });

  it("keeps the name out of the error's own properties", () => {
    const error = new ClosedError("it broke");

    expect(Object.keys(error)).toEqual(["code"]);
  });

  it("names the option, what was expected and what came", () => {
    const error = new OptionError("it broke", optionDetails);

    expect(error).toMatchObject(optionDetails);
  });

  it("takes another code for an option that is not known", () => {
    const error = new OptionError("it broke", { ...optionDetails, code: "PAWL_OPTION_UNKNOWN" });

    expect(error.code).toBe("PAWL_OPTION_UNKNOWN");
  });

  it("names the path and the issues of a payload", () => {
    const error = new PayloadError("PAWL_PAYLOAD_INVALID", "it broke", payloadDetails);

    expect(error).toMatchObject(payloadDetails);
  });

  it("names the jobs whose lease is lost", () => {
    const jobs = [{ queue: "email", id: "018f0000-0000-7000-8000-000000000000", attempt: 2 }];

    const error = new LeaseLostError("it broke", jobs);

    expect(error.jobs).toEqual(jobs);
  });

  it.each([
    ["PawlError", (cause: unknown) => new PawlError("PAWL_X", "it broke", { cause })],
    [
      "PayloadError",
      (cause: unknown) =>
        new PayloadError("PAWL_PAYLOAD_INVALID", "it broke", { ...payloadDetails, cause }),
    ],
    [
      "TransactionError",
      (cause: unknown) => new TransactionError("PAWL_TRANSACTION_ENDED", "it broke", { cause }),
    ],
    [
      "DatabaseError",
      (cause: unknown) => new DatabaseError("PAWL_DATABASE_FAILED", "it broke", { cause }),
    ],
    ["UnrecoverableError", (cause: unknown) => new UnrecoverableError("it broke", { cause })],
    [
      "EmbeddedPostgresError",
      (cause: unknown) => new EmbeddedPostgresError("PAWL_EMBEDDED_FAILED", "it broke", { cause }),
    ],
  ])("%s keeps its cause", (_name, make) => {
    const cause = new Error("why");

    const error = make(cause);

    expect(error.cause).toBe(cause);
  });

  it("has no cause when none was given", () => {
    const error = new PayloadError("PAWL_PAYLOAD_INVALID", "it broke", payloadDetails);

    expect("cause" in error).toBe(false);
  });

  it("shows its code when printed", () => {
    const printed = inspect(new ShutdownError("it broke"));

    expect(printed).toContain("code: 'PAWL_SHUTDOWN'");
  });
});
