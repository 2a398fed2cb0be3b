import { describe, expect, it } from "vitest";
import { PayloadError } from "#pawl/core/errors";
import { decodePayload, defaultMaxPayloadBytes, encodePayload } from "#pawl/core/payload";
import type { Serializer } from "#pawl/core/serializer";

const dates: Serializer = {
  serialize: (value) => JSON.stringify({ date: value instanceof Date ? value.getTime() : value }),
  deserialize: (text) => {
    const { date } = JSON.parse(text) as { date: number };
    return new Date(date);
  },
};

function serializerGiving(text: unknown): Serializer {
  return { serialize: () => text as string, deserialize: (stored) => stored };
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

describe("encodePayload", () => {
  it("writes strict JSON unless told otherwise", () => {
    expect(encodePayload({ to: "a@b.c", n: 1 })).toBe('{"to":"a@b.c","n":1}');
  });

  it("names the path of what JSON cannot carry", () => {
    expect(refusalOf(() => encodePayload({ n: 1n })).path).toBe("payload.n");
  });

  it("calls the value what it is told to", () => {
    expect(refusalOf(() => encodePayload({ n: 1n }, { root: "output" })).path).toBe("output.n");
  });

  it("allows a megabyte", () => {
    const text = "a".repeat(defaultMaxPayloadBytes - 2);

    expect(encodePayload(text)).toHaveLength(1_048_576);
  });

  it("refuses a byte more", () => {
    const error = refusalOf(() => encodePayload("a".repeat(defaultMaxPayloadBytes - 1)));

    expect(error).toMatchObject({ code: "PAWL_PAYLOAD_TOO_LARGE", path: "payload" });
  });

  it("says how large it may be and how large it is", () => {
    expect(() => encodePayload("aaaa", { maxBytes: 5 })).toThrow(
      "expected `payload` to have at most 5 bytes as JSON, got 6: " +
        "store the data elsewhere and send a reference",
    );
  });

  it.each([
    ["éé", 6, true],
    ["éé", 5, false],
    ["👍", 6, true],
    ["👍", 5, false],
    ["日本", 8, true],
    ["日本", 7, false],
  ])("counts bytes of UTF-8, not characters: %s in %d", (value, maxBytes, fits) => {
    const encode = (): unknown => encodePayload(value, { maxBytes });

    if (fits) expect(encode()).toBe(`"${value}"`);
    else expect(refusalOf(encode).code).toBe("PAWL_PAYLOAD_TOO_LARGE");
  });

  it("turns an error of a getter into a PayloadError with its cause", () => {
    const cause = new Error("no getting");
    const value = {
      get secret(): never {
        throw cause;
      },
    };

    const error = refusalOf(() => encodePayload(value));

    expect(error).toMatchObject({ code: "PAWL_PAYLOAD_INVALID", path: "payload", cause });
  });
});

describe("encodePayload with another serializer", () => {
  it("stores what the serializer gives", () => {
    expect(encodePayload(new Date(5), { serializer: dates })).toBe('{"date":5}');
  });

  it.each([
    ["undefined", undefined],
    ["an object", { a: 1 }],
    ["a number", 5],
    ["text that is no JSON", "a=1"],
    ["no text", ""],
    ["a NUL escape", '{"a":"x\\u0000"}'],
    ["a NUL escape in a key", '{"x\\u0000":1}'],
    ["a lone surrogate escape", '["\\ud83d"]'],
    ["a lone surrogate in capitals", '["\\uDC4D"]'],
    ["a raw lone surrogate", '["\ud83d"]'],
    ["a raw NUL", '["a\0"]'],
  ])("refuses %s", (_what, text) => {
    const error = refusalOf(() => encodePayload(1, { serializer: serializerGiving(text) }));

    expect(error.code).toBe("PAWL_PAYLOAD_INVALID");
  });

  it.each(['"\\\\u0000"', '"\\ud83d\\udc4d"', '["\\u0001"]', " { } "])("accepts %s", (text) => {
    expect(encodePayload(1, { serializer: serializerGiving(text) })).toBe(text);
  });

  it("keeps the serializer's own error as the cause", () => {
    const cause = new Error("cannot write this");
    const serializer: Serializer = {
      serialize: () => {
        throw cause;
      },
      deserialize: (text) => text,
    };

    expect(refusalOf(() => encodePayload(1, { serializer })).cause).toBe(cause);
  });

  it("checks the size of what the serializer gives", () => {
    const serializer = serializerGiving('"aaaaaaaa"');

    expect(refusalOf(() => encodePayload(1, { serializer, maxBytes: 9 })).code).toBe(
      "PAWL_PAYLOAD_TOO_LARGE",
    );
  });
});

describe("decodePayload", () => {
  it("gives the value back", () => {
    expect(decodePayload('{"a":[1,null]}')).toEqual({ a: [1, null] });
  });

  it("uses the serializer it is given", () => {
    expect(decodePayload('{"date":5}', dates)).toEqual(new Date(5));
  });

  it("throws a PayloadError with the cause when it cannot", () => {
    const error = refusalOf(() => decodePayload('{"secret":'));

    expect(error).toMatchObject({ code: "PAWL_PAYLOAD_UNDECODABLE", path: "payload" });
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  it("does not show the stored text in its message", () => {
    expect(refusalOf(() => decodePayload("hunter2")).message).not.toContain("hunter2");
  });
});
