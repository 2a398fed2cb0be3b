import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatJson, parseJson, tryParseJson, type JsonNode } from "../src/json-text.ts";

function valueOf(node: JsonNode): unknown {
  switch (node.kind) {
    case "object":
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, valueOf(value)]));
    case "array":
      return node.items.map(valueOf);
    case "string":
    case "boolean":
      return node.value;
    case "number":
      return Number(node.text);
    case "null":
      return null;
  }
}

describe("parseJson", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(valueOf(parseJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it("refuses what JSON.parse refuses, whatever is cut out or put in", () => {
    const change = fc.tuple(fc.json(), fc.nat(), fc.nat(3), fc.constantFrom("", ",", '"', "\\", "}", "0"));
    fc.assert(
      fc.property(change, ([text, place, length, put]) => {
        const at = place % (text.length + 1);
        const broken = text.slice(0, at) + put + text.slice(at + length);
        expect(tryParseJson(broken) !== undefined).toBe(isJson(broken));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    "12345678901234567890123456789",
    "0.1000000000000000055511151231257827",
    "-0",
    "1e400",
    "1E+5",
  ])("keeps the number %s as it is", (text) => {
    expect(parseJson(text)).toEqual({ kind: "number", text });
    expect(formatJson(parseJson(`[${text}]`))).toBe(`[\n  ${text}\n]`);
  });

  it("keeps the order of keys, and keys that come twice", () => {
    const node = parseJson('{"b":1,"a":2,"b":3,"__proto__":4}');

    expect(node.kind === "object" && node.entries.map(({ key }) => key)).toEqual([
      ...["b", "a", "b", "__proto__"],
    ]);
  });

  it.each(["", " ", "[1,]", "{a:1}", "01", "1.", "+1", "NaN", "'a'", '"\n"', "[1] 2", '"\\x"'])(
    "refuses %j",
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    },
  );

  it("says where it went wrong", () => {
    expect(() => parseJson('{\n  "a": 1\n  "b": 2\n}')).toThrow(
      'expected a comma or } in line 3, got "\\"b\\": 2\\n}"',
    );
  });

  it("refuses what is too deep instead of running out of stack", () => {
    expect(() => parseJson("[".repeat(100_000))).toThrow("at most 500 levels");
  });
});

describe("formatJson", () => {
  it("writes what is read again as the same", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const node = parseJson(text);
        expect(parseJson(formatJson(node))).toEqual(node);
      }),
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
