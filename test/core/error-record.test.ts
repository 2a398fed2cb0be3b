import { describe, expect, it } from "vitest";
import { recordError, type ErrorRecord } from "#pawl/core/error-record";

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function chain(length: number): Error {
  let error = new Error("cause 0");
  for (let link = 1; link < length; link += 1) error = new Error(`cause ${link}`, { cause: error });
  return error;
}

function messagesDown(record: ErrorRecord | undefined): string[] {
  return record === undefined ? [] : [record.message, ...messagesDown(record.cause)];
}

function throwing(): never {
  throw new Error("hostile");
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function hostileProxy(): object {
  return new Proxy([1], { get: throwing, has: throwing, getPrototypeOf: throwing });
}

function hostileError(): Error {
  const error = new Error("x");
  for (const key of ["stack", "name", "message", "code", "cause", "errors"]) {
    Object.defineProperty(error, key, { get: throwing });
  }
  return error;
}

const cyclicObject: Record<string, unknown> = {};
cyclicObject.self = cyclicObject;

describe("recordError", () => {
  it("keeps the name, the message and the stack", () => {
    const error = new RangeError("out of range");

    expect(recordError(error)).toEqual({
      name: "RangeError",
      message: "out of range",
      stack: error.stack,
    });
  });

  it.each([
    ["23505", "23505"],
    [20, "20"],
    [{}, undefined],
    [undefined, undefined],
  ])("keeps the code %o as %o", (code, kept) => {
    const error = Object.assign(new Error("no"), { code });

    expect(recordError(error).code).toBe(kept);
  });

  it("keeps the causes", () => {
    const error = new Error("outer", { cause: new TypeError("inner") });

    expect(recordError(error).cause).toMatchObject({ name: "TypeError", message: "inner" });
  });

  it("keeps four causes", () => {
    expect(messagesDown(recordError(chain(9)))).toEqual([
      "cause 8",
      "cause 7",
      "cause 6",
      "cause 5",
      "cause 4",
    ]);
  });

  it("keeps a cause that is no Error", () => {
    expect(recordError(new Error("outer", { cause: "just text" })).cause).toMatchObject({
      name: "NonError",
      message: "just text",
    });
  });

  it("keeps ten errors of an AggregateError", () => {
    const errors = Array.from({ length: 12 }, (_, index) => new Error(`error ${index}`));

    const record = recordError(new AggregateError(errors, "all failed"));

    expect(record.message).toBe("all failed");
    expect(record.errors?.map(({ message }) => message)).toEqual(
      errors.slice(0, 10).map(({ message }) => message),
    );
  });

  it("stops at a cause that leads back", () => {
    const error = new Error("outer");
    error.cause = new Error("inner", { cause: error });

    expect(messagesDown(recordError(error))).toEqual(["outer", "inner"]);
  });

  it("stops at an AggregateError that contains itself", () => {
    const error = new AggregateError([new Error("other")], "all");
    error.errors.push(error);

    expect(recordError(error).errors?.map(({ message }) => message)).toEqual(["other"]);
  });

  it("keeps at most 25 errors of a tree of them", () => {
    const tree = (depth: number): Error =>
      depth === 0
        ? new Error("leaf")
        : new AggregateError(
            Array.from({ length: 10 }, () => tree(depth - 1)),
            "branch",
          );

    const count = JSON.stringify(recordError(tree(4))).split('"message"').length - 1;

    expect(count).toBeLessThanOrEqual(25);
  });

  it.each<readonly [unknown, string]>([
    ["just text", "just text"],
    ["", ""],
    [undefined, "expected an Error to be thrown, got undefined"],
    [null, "expected an Error to be thrown, got null"],
    [5, "expected an Error to be thrown, got 5"],
    [5n, "expected an Error to be thrown, got 5"],
    [Symbol("s"), "expected an Error to be thrown, got Symbol(s)"],
    [() => 1, "expected an Error to be thrown, got a function"],
    [{ status: 500 }, 'expected an Error to be thrown, got {"status":500}'],
    [[1, 2], "expected an Error to be thrown, got [1,2]"],
    [cyclicObject, "expected an Error to be thrown, got an object"],
    [Object.create(null), "expected an Error to be thrown, got {}"],
  ])("says what was thrown instead of an Error: %o", (thrown, message) => {
    expect(recordError(thrown)).toMatchObject({ name: "NonError", message });
  });

  it("reads an object that is like an Error", () => {
    const record = recordError({ name: "PostgrestError", message: "denied", code: "42501" });

    expect(record).toEqual({ name: "PostgrestError", message: "denied", code: "42501" });
  });

  it.each<readonly [string, () => unknown]>([
    ["a revoked proxy", revokedProxy],
    ["a proxy that throws", hostileProxy],
    ["getters that throw", hostileError],
    ["a revoked proxy as a cause", () => new Error("x", { cause: revokedProxy() })],
    ["a revoked proxy as errors", () => Object.assign(new Error("x"), { errors: revokedProxy() })],
    ["errors that throw", () => Object.assign(new Error("x"), { errors: hostileProxy() })],
    ["toJSON() that throws", () => ({ toJSON: throwing, toString: throwing })],
    ["a name that is an object", () => Object.assign(new Error("x"), { name: {} })],
  ])("never throws: %s", (_what, make) => {
    const record = recordError(make());

    expect(typeof record.name).toBe("string");
    expect(typeof record.message).toBe("string");
  });

  it("gives a getter that makes ever new causes an end", () => {
    class Endless extends Error {
      override get cause(): unknown {
        return new Endless("again");
      }
    }

    expect(messagesDown(recordError(new Endless("first")))).toHaveLength(5);
  });
});

describe("recordError for PostgreSQL", () => {
  it("removes NUL", () => {
    const record = recordError(Object.assign(new Error("a\0b"), { name: "N\0", code: "C\0" }));

    expect(JSON.stringify(record)).not.toContain("\\u0000");
    expect(record).toMatchObject({ name: "N", message: "ab", code: "C" });
  });

  it("replaces lone surrogates", () => {
    expect(recordError(new Error("a\ud83d b\udc4d 👍")).message).toBe("a\ufffd b\ufffd 👍");
  });

  it.each([
    ["a".repeat(4_096), 4_096, false],
    ["a".repeat(4_097), 4_096, true],
    ["é".repeat(5_000), 4_095, true],
    ["👍".repeat(5_000), 4_095, true],
    ["日".repeat(5_000), 4_095, true],
  ])("cuts a message to 4 KiB, between characters", (message, bytes, cut) => {
    const kept = recordError(message).message;

    expect(Buffer.byteLength(kept)).toBe(bytes);
    expect(kept.endsWith("…")).toBe(cut);
    expect(kept).not.toContain("\ufffd");
  });

  it("cuts a stack to 8 KiB", () => {
    const error = new Error("x");
    error.stack = "at f\n".repeat(10_000);

    expect(Buffer.byteLength(recordError(error).stack ?? "")).toBeLessThanOrEqual(8_192);
  });

  it("keeps the frames of a stack whose message is long", () => {
    const error = new Error("long $& ".repeat(10_000));

    expect(recordError(error).stack).toContain("error-record.test.ts");
  });

  it("cuts names and codes", () => {
    const error = Object.assign(new Error("x"), {
      name: "N".repeat(9_999),
      code: "C".repeat(9_999),
    });

    const record = recordError(error);

    expect(bytesOf([record.name, record.code])).toBeLessThan(600);
  });

  const long = "x".repeat(20_000);
  const escaped = '"\u0001\\'.repeat(20_000);
  const withStack = (message: string, cause?: unknown): Error => {
    const error = new Error(message, { cause });
    error.stack = message;
    return error;
  };

  it.each<readonly [string, unknown]>([
    ["a long message", new Error(long)],
    ["a message full of escapes", withStack(escaped)],
    ["long causes", withStack(long, withStack(long, withStack(long)))],
    ["causes full of escapes", withStack(escaped, withStack(escaped, withStack(escaped)))],
    [
      "many long errors",
      new AggregateError(
        Array.from({ length: 10 }, () => withStack(long)),
        long,
      ),
    ],
    ["long words", Object.assign(withStack(escaped), { name: escaped, code: escaped })],
    ["a large object", { data: long }],
  ])("stays below 16 KiB in all: %s", (_what, error) => {
    expect(bytesOf(recordError(error))).toBeLessThanOrEqual(16_384);
  });

  it("gives up the stacks of the causes before their messages", () => {
    const cause = withStack("the real reason");
    cause.stack = "at somewhere\n".repeat(2_000);
    const error = withStack("outer", cause);
    error.stack = "at elsewhere\n".repeat(2_000);

    const record = recordError(error);

    expect(record.stack).toContain("at elsewhere");
    expect(record.cause).toEqual({ name: "Error", message: "the real reason" });
  });

  it("gives up the causes before the message", () => {
    const errors = Array.from({ length: 10 }, () => withStack(long));

    const record = recordError(new AggregateError(errors, "all failed"));

    expect(record).toMatchObject({ name: "AggregateError", message: "all failed" });
    expect(record.errors).toBeUndefined();
  });
});
