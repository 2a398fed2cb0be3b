import { expect, it } from "vitest";
import { DatabaseError, TransactionError } from "#pawl/core/errors";
import { databaseError, maskCredentials } from "#pawl/db/database-error";

it.each([
  ["postgres://me:secret@host:5432/app", "postgres://***@host:5432/app"],
  ["postgres://me:p/s?s#w@d@host/app", "postgres://***@host/app"],
  ["postgresql://me@host/app", "postgresql://***@host/app"],
  ["failed for postgres://me:p%40ss@host/app.", "failed for postgres://***@host/app."],
  ["postgres://host/app?user=me&password=secret", "postgres://host/app?user=me&password=***"],
  ["host=h password=secret dbname=d", "host=h password=*** dbname=d"],
  ["nothing to hide", "nothing to hide"],
])("masks %j", (text, masked) => {
  expect(maskCredentials(text)).toBe(masked);
});

it.each([
  [{ code: "23505" }, "PAWL_DATABASE_FAILED"],
  [{ code: "57P01" }, "PAWL_DATABASE_UNAVAILABLE"],
  [{ code: "ECONNREFUSED", syscall: "connect" }, "PAWL_DATABASE_UNAVAILABLE"],
  [{ message: "Connection terminated unexpectedly" }, "PAWL_DATABASE_UNAVAILABLE"],
  [{ message: "Query read timeout" }, "PAWL_DATABASE_TIMEOUT"],
  [{ message: "timeout exceeded when trying to connect" }, "PAWL_DATABASE_TIMEOUT"],
  [{ message: "Connection terminated due to connection timeout" }, "PAWL_DATABASE_TIMEOUT"],
  [{ message: "boom" }, "PAWL_DATABASE_FAILED"],
])("makes of %o a %s with its cause", (fields, code) => {
  const cause = Object.assign(new Error("failed"), fields);

  expect(databaseError(cause)).toMatchObject({ code, cause });
});

it("leaves an error of Pawl's own as it is", () => {
  const error = new TransactionError("PAWL_TRANSACTION_ENDED", "over");

  expect(databaseError(error)).toBe(error);
});

it("tells every reason of a host with several addresses", () => {
  const reasons = [new Error("refused on ::1"), new Error("refused on 127.0.0.1")];

  const error = databaseError(
    Object.assign(new AggregateError(reasons), { code: "ECONNREFUSED", syscall: "connect" }),
  );

  expect(error).toBeInstanceOf(DatabaseError);
  expect(error.message).toContain("refused on ::1; refused on 127.0.0.1");
});

it("hides credentials in the driver's message", () => {
  const error = databaseError(new Error("bad url postgres://me:secret@host/app"));

  expect(error.message).not.toContain("secret");
});

it("takes what is no error", () => {
  expect(databaseError("boom").message).toContain("boom");
});
