import { describe, expect, it } from "vitest";
import { DatabaseError } from "#pawl/core/errors";
import { classify, isPlanOutdated, isPreparedStatementLost, sqlstate } from "#pawl/db/sqlstate";

const states = [
  ["40001", "retry"],
  ["40P01", "retry"],
  ["55P03", "retry"],
  ["57014", "retry"],
  ["08000", "reconnect"],
  ["08006", "reconnect"],
  ["08P01", "reconnect"],
  ["40003", "reconnect"],
  ["57P01", "reconnect"],
  ["57P02", "reconnect"],
  ["57P03", "reconnect"],
  ["57P05", "reconnect"],
  ["25006", "reconnect"],
  ["25P03", "reconnect"],
  ["53300", "reconnect"],
  ["26000", "reconnect"],
  ["42P05", "reconnect"],
  ["22P02", "reject"],
  ["22P05", "reject"],
  ["22021", "reject"],
  ["22003", "reject"],
  ["54000", "reject"],
  ["23505", "reject"],
  ["23514", "reject"],
  ["21000", "reject"],
  ["53100", "resources"],
  ["53200", "resources"],
  ["53400", "resources"],
  ["58030", "resources"],
  ["28P01", "fatal"],
  ["28000", "fatal"],
  ["3D000", "fatal"],
  ["42501", "fatal"],
  ["42P01", "schema"],
  ["3F000", "schema"],
  ["42883", "schema"],
  ["42703", "schema"],
  ["0A000", "unknown"],
  ["25P02", "unknown"],
  ["P0001", "unknown"],
  ["XX000", "unknown"],
] as const;

const systemCodes = [
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
];

const driverMessages = [
  "Connection terminated",
  "Connection terminated unexpectedly",
  "Connection terminated due to connection timeout",
  "timeout exceeded when trying to connect",
  "timeout expired",
  "Query read timeout",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
];

describe("classify", () => {
  it.each(states)("says of SQLSTATE %s: %s", (code, failure) => {
    expect(classify(errorWith({ code }))).toBe(failure);
  });

  it.each(systemCodes)("says of %s: reconnect", (code) => {
    expect(classify(errorWith({ code, syscall: "connect" }))).toBe("reconnect");
  });

  it.each(driverMessages)("says of %j: reconnect", (message) => {
    expect(classify(new Error(message))).toBe("reconnect");
  });

  it("says of an outdated plan: reconnect", () => {
    const error = errorWith({ code: "0A000", routine: "RevalidateCachedQuery" });

    expect(classify(error)).toBe("reconnect");
  });

  it("looks through the causes", () => {
    const cause = errorWith({ code: "40001" });

    expect(classify(new Error("wrapped", { cause: new Error("again", { cause }) }))).toBe("retry");
  });

  it.each([
    ["PAWL_DATABASE_TIMEOUT", undefined, "reconnect"],
    ["PAWL_DATABASE_UNAVAILABLE", undefined, "reconnect"],
    ["PAWL_DATABASE_UNAVAILABLE", "28P01", "fatal"],
    ["PAWL_DATABASE_UNAVAILABLE", "57P01", "reconnect"],
    ["PAWL_DATABASE_FAILED", "23505", "reject"],
    ["PAWL_DRIVER_MISSING", undefined, "fatal"],
  ] as const)("says of a DatabaseError %s caused by %s: %s", (code, state, failure) => {
    const cause = state === undefined ? undefined : errorWith({ code: state });

    expect(classify(new DatabaseError(code, "failed", { cause }))).toBe(failure);
  });

  it.each([undefined, null, "57P01", 1, {}, new Error("boom")])("says of %o: unknown", (error) => {
    expect(classify(error)).toBe("unknown");
  });

  it("ends on a circle of causes", () => {
    const error = new Error("round");
    error.cause = error;

    expect(classify(error)).toBe("unknown");
  });
});

describe("sqlstate", () => {
  it("finds the server's code in a cause", () => {
    const cause = errorWith({ code: "23505" });

    expect(sqlstate(new DatabaseError("PAWL_DATABASE_FAILED", "failed", { cause }))).toBe("23505");
  });

  it.each([
    ["a code of the operating system", { code: "EPIPE", syscall: "write" }],
    ["one that looks like a SQLSTATE", { code: "E2BIG", syscall: "spawn" }],
    ["a code of Pawl", { code: "PAWL_CLOSED" }],
    ["a number", { code: 23505 }],
    ["no code", {}],
  ])("finds none in %s", (_, fields) => {
    expect(sqlstate(errorWith(fields))).toBeUndefined();
  });
});

describe("isPreparedStatementLost", () => {
  it.each([
    ["an unknown statement", { code: "26000" }, true],
    ["a duplicate statement", { code: "42P05" }, true],
    ["an outdated plan", { code: "0A000", routine: "RevalidateCachedQuery" }, true],
    [
      "a pooler that mixed statements up",
      { code: "08P01", message: 'bind message supplies 1 parameters, but prepared statement ""' },
      true,
    ],
    ["another protocol error", { code: "08P01", message: "invalid message format" }, false],
    ["another unsupported feature", { code: "0A000", routine: "transformStmt" }, false],
    ["a lost connection", { code: "57P01" }, false],
  ])("says of %s: %o", (_, fields, expected) => {
    expect(isPreparedStatementLost(errorWith(fields))).toBe(expected);
  });

  it("tells an outdated plan from a lost statement", () => {
    expect(isPlanOutdated(errorWith({ code: "26000" }))).toBe(false);
  });
});

function errorWith(fields: object): Error {
  return Object.assign(new Error("failed"), fields);
}
