import * as valibot from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { PayloadError } from "#pawl/core/errors";
import {
  isStandardSchema,
  typed,
  validate,
  type SchemaIssue,
  type StandardSchema,
} from "#pawl/core/validate";

const email = z.object({ to: z.email(), copies: z.number().default(1) });

function schemaWith(issues: readonly SchemaIssue[]): StandardSchema {
  return { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } };
}

function refusalOf(work: () => unknown): PayloadError {
  try {
    work();
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
  throw new Error("expected a PayloadError");
}

describe("validate", () => {
  it("gives the schema's output at once when the schema is synchronous", () => {
    expect(validate(email, { to: "a@b.ch" })).toEqual({ to: "a@b.ch", copies: 1 });
  });

  it("gives a promise when the schema is asynchronous", async () => {
    const schema = z.string().transform((text) => Promise.resolve(text.length));

    const validated = validate(schema, "four");

    expect(validated).toBeInstanceOf(Promise);
    await expect(validated).resolves.toBe(4);
  });

  it("rejects with a PayloadError when an asynchronous schema finds something wrong", async () => {
    const schema = z.string().refine(() => Promise.resolve(false), "taken");

    await expect(validate(schema, "name")).rejects.toMatchObject({
      code: "PAWL_PAYLOAD_INVALID",
      issues: [{ path: "payload", message: "taken" }],
    });
  });

  it("takes the schemas of valibot", () => {
    const schema = valibot.object({ user: valibot.object({ age: valibot.number() }) });

    expect(refusalOf(() => validate(schema, { user: { age: "5" } })).path).toBe("payload.user.age");
  });

  it("names the path of the first issue and lists them all", () => {
    const error = refusalOf(() => validate(email, { to: 5, copies: "many" }));

    expect(error).toMatchObject({ code: "PAWL_PAYLOAD_INVALID", path: "payload.to" });
    expect(error.issues.map(({ path }) => path)).toEqual(["payload.to", "payload.copies"]);
  });

  it.each<readonly [SchemaIssue, string]>([
    [{ message: "bad" }, "payload"],
    [{ message: "bad", path: [] }, "payload"],
    [{ message: "bad", path: undefined }, "payload"],
    [{ message: "bad", path: ["items", 2, "sku"] }, "payload.items[2].sku"],
    [{ message: "bad", path: [{ key: "items" }, { key: 0 }] }, "payload.items[0]"],
    [{ message: "bad", path: ["a b"] }, 'payload["a b"]'],
  ])("writes the path of %o", (issue, path) => {
    expect(refusalOf(() => validate(schemaWith([issue]), 1)).issues).toEqual([
      { path, message: "bad" },
    ]);
  });

  it("shows three issues in its message and counts the others", () => {
    const issues = ["a", "b", "c", "d", "e"].map((key) => ({ message: "bad", path: [key] }));

    expect(() => validate(schemaWith(issues), 1)).toThrow(
      "expected a payload that matches its schema, got: " +
        "payload.a: bad; payload.b: bad; payload.c: bad; and 2 more",
    );
  });

  it("counts no others when it shows them all", () => {
    const issues = ["a", "b", "c"].map((key) => ({ message: "bad", path: [key] }));

    expect(() => validate(schemaWith(issues), 1)).toThrow(/payload\.c: bad$/);
  });

  it("keeps at most 100 issues", () => {
    const issues = Array.from({ length: 5_000 }, () => ({ message: "bad" }));

    expect(refusalOf(() => validate(schemaWith(issues), 1)).issues).toHaveLength(100);
  });

  it("refuses when the schema gives issues without saying any", () => {
    expect(refusalOf(() => validate(schemaWith([]), 1)).path).toBe("payload");
  });

  it("lets an error of the schema itself through", () => {
    const schema: StandardSchema = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => {
          throw new RangeError("bug in the schema");
        },
      },
    };

    expect(() => validate(schema, "a")).toThrow(RangeError);
  });

  it("rejects where zod hands an error of a transform over to a promise", async () => {
    const schema = z.string().transform(() => {
      throw new RangeError("bug in the schema");
    });

    await expect(validate(schema, "a")).rejects.toThrow(RangeError);
  });
});

describe("typed", () => {
  it.each([[undefined], [null], [5], [{ anything: ["goes"] }]])("gives back %o", (value) => {
    expect(validate(typed<unknown>(), value)).toBe(value);
  });
});

describe("isStandardSchema", () => {
  it.each([
    ["a schema of zod", email],
    ["a schema of valibot", valibot.string()],
    ["a typed schema", typed<string>()],
    ["a schema that is a function", Object.assign(() => 1, schemaWith([]))],
  ])("accepts %s", (_what, schema) => {
    expect(isStandardSchema(schema)).toBe(true);
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a string", "~standard"],
    ["an empty object", {}],
    ["a function", () => true],
    ["another version", { "~standard": { version: 2, validate: () => 1 } }],
    ["no validate", { "~standard": { version: 1 } }],
    ["a validate that is no function", { "~standard": { version: 1, validate: true } }],
    ["a null standard", { "~standard": null }],
  ])("refuses %s", (_what, value) => {
    expect(isStandardSchema(value)).toBe(false);
  });
});
