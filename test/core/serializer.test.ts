import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { PayloadError } from "#pawl/core/errors";
import { checkJson, formatPath, jsonSerializer, toJson } from "#pawl/core/serializer";

class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
  }
}

class Id {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  toJSON(): unknown {
    return this.value;
  }
}

function nested(depth: number): unknown {
  let value: unknown = "end";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}

function refusalOf(value: unknown): PayloadError {
  try {
    jsonSerializer.serialize(value);
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
  throw new Error("expected a PayloadError");
}

const cyclic: Record<string, unknown> = { name: "a" };
cyclic.self = { list: [1, cyclic] };
const shared = { a: 1 };
const sparse = [1];
sparse[2] = 3;

describe("jsonSerializer", () => {
  it.each([
    [null],
    [true],
    [0],
    [-1.5],
    [1e300],
    [Number.MAX_SAFE_INTEGER],
    [""],
    ['text with " \\ / \n \t \u0001 \u007f'],
    ["日本 👍 \u2028"],
    [[]],
    [[[], [null, [1]]]],
    [{}],
    [{ to: "a@b.c", tags: ["x", "y"], nested: { deep: { deeper: null } } }],
    [{ "": 1, "a b": 2, 日: 3, constructor: 4 }],
    [[shared, shared, { again: shared }]],
    [nested(100)],
  ])("gives back %o", (value) => {
    const text = jsonSerializer.serialize(value);

    expect(jsonSerializer.deserialize(text)).toEqual(value);
  });

  it.each<readonly [string, unknown, string]>([
    ["nothing as null", undefined, "null"],
    ["no property that is undefined", { a: undefined, b: 1 }, '{"b":1}'],
    ["no property named by a symbol", { [Symbol("s")]: 1, b: 2 }, '{"b":2}'],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ["an object of another realm", runInNewContext("({ a: [1] })"), '{"a":[1]}'],
    ["a class instance as its toJSON() says", { id: new Id("x1") }, '{"id":"x1"}'],
    ["an array of such instances", [new Id(1), new Id(null)], "[1,null]"],
    [
      "an own property named __proto__",
      JSON.parse('{"__proto__":{"a":1}}'),
      '{"__proto__":{"a":1}}',
    ],
  ])("writes %s", (_what, value, text) => {
    expect(jsonSerializer.serialize(value)).toBe(text);
  });

  it.each<readonly [string, unknown, string]>([
    ["a BigInt", { user: { tags: ["a", "b", 5n] } }, "payload.user.tags[2]"],
    ["a BigInt alone", 5n, "payload"],
    ["NaN", { rate: Number.NaN }, "payload.rate"],
    ["Infinity", [1, Infinity], "payload[1]"],
    ["minus Infinity", [-Infinity], "payload[0]"],
    ["a function", { run: () => 1 }, "payload.run"],
    ["a class", { type: Money }, "payload.type"],
    ["a symbol", { kind: Symbol("x") }, "payload.kind"],
    ["undefined in an array", ["a", undefined], "payload[1]"],
    ["a hole in an array", { list: sparse }, "payload.list[1]"],
    ["a Date", { at: { from: new Date(0) } }, "payload.at.from"],
    ["a Map", { index: new Map([["a", 1]]) }, "payload.index"],
    ["a Set", { tags: new Set(["a"]) }, "payload.tags"],
    ["bytes", { body: new Uint8Array(2) }, "payload.body"],
    ["a regular expression", { match: /a/ }, "payload.match"],
    ["a Promise", { user: Promise.resolve(1) }, "payload.user"],
    ["an Error", { error: new Error("no") }, "payload.error"],
    ["a boxed number", { count: Object(1) as unknown }, "payload.count"],
    ["a class instance", { price: new Money(5) }, "payload.price"],
    ["an object that inherits properties", { a: Object.create({ b: 1 }) as unknown }, "payload.a"],
    ["a NUL", { name: "a\0b" }, "payload.name"],
    ["a lone high surrogate", { name: "a\ud83d" }, "payload.name"],
    ["a lone low surrogate", ["\udc4d a"], "payload[0]"],
    ["surrogates in the wrong order", "\udc4d\ud83d", "payload"],
    ["a key with a NUL", { ok: { "a\0b": 1 } }, 'payload.ok["a\\u0000b"]'],
    ["a key with a lone surrogate", { "\ud83d": 1 }, 'payload["\\ud83d"]'],
    ["a cycle", cyclic, "payload.self.list[1]"],
    ["toJSON() that gives a Date", { id: new Id(new Date(0)) }, "payload.id"],
    ["toJSON() that gives undefined", { id: new Id(undefined) }, "payload.id"],
    ["toJSON() that gives a BigInt inside", { id: new Id({ n: [1n] }) }, "payload.id.n[0]"],
    ["toJSON() that gives another instance", { id: new Id(new Id(1)) }, "payload.id"],
  ])("refuses %s and names its path", (_what, value, path) => {
    expect(refusalOf(value)).toMatchObject({
      code: "PAWL_PAYLOAD_INVALID",
      path,
      issues: [{ path }],
    });
  });

  it("refuses more than 100 levels of nesting", () => {
    expect(refusalOf(nested(101)).message).toContain("more than 100 levels of nesting");
  });

  it("refuses toJSON() that goes on for ever", () => {
    class Endless {
      toJSON(): unknown {
        return { next: new Endless() };
      }
    }

    expect(refusalOf(new Endless()).message).toContain("more than 100 levels of nesting");
  });

  it.each<readonly [unknown, string]>([
    [[5n], "expected `payload[0]` to be a JSON value, got a BigInt (send it as a string)"],
    [
      [new Date(0)],
      "expected `payload[0]` to be a JSON value, got a Date (send its toISOString())",
    ],
    [[new Money(1)], "got an instance of Money (send a plain object)"],
    [[undefined], "got undefined (send null)"],
    [[Promise.resolve(1)], "got a Promise (await it first)"],
    [[Number.NaN], "got NaN"],
    [cyclic, "got a cycle (an object inside itself)"],
    [["\0"], "got text with NUL or a lone surrogate"],
  ])("says what came and what to send instead: %o", (value, message) => {
    expect(refusalOf(value).message).toContain(message);
  });

  it("never shows the payload in its message", () => {
    const error = refusalOf({ password: "hunter2\0", card: 4242n });

    expect(JSON.stringify([error.message, error.issues])).not.toMatch(/hunter2|4242/);
  });

  it("leaves the value as it was", () => {
    const value = Object.freeze({ list: Object.freeze([1, 2]) });

    expect(jsonSerializer.serialize(value)).toBe('{"list":[1,2]}');
  });

  it("throws for text that is no JSON", () => {
    expect(() => jsonSerializer.deserialize("{")).toThrow(SyntaxError);
  });
});

describe("toJson and checkJson", () => {
  it("start the path with the root they are given", () => {
    expect(() => toJson({ a: 5n }, "output")).toThrow("expected `output.a` to be a JSON value");
    expect(() => {
      checkJson([5n], "partialResults");
    }).toThrow("expected `partialResults[0]` to be a JSON value");
  });
});

describe("formatPath", () => {
  it.each<readonly [readonly PropertyKey[], string]>([
    [[], "payload"],
    [["user", "tags", 2], "payload.user.tags[2]"],
    [[0, 1], "payload[0][1]"],
    [["a b", "c-d", ""], 'payload["a b"]["c-d"][""]'],
    [["$ref", "_id", "größe"], "payload.$ref._id.größe"],
    [['say "hi"'], 'payload["say \\"hi\\""]'],
    [[Symbol("s")], "payload[Symbol(s)]"],
  ])("writes %o", (keys, path) => {
    expect(formatPath("payload", keys)).toBe(path);
  });
});
