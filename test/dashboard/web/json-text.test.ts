import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compactJson,
  indentJson,
  parseJsonText,
  type JsonNode,
} from "../../../web/src/json-text.ts";

// What `JSON.parse` would say, with the numbers it would make of the texts.
function valueOf(node: JsonNode): unknown {
  switch (node.kind) {
    case "array":
      return node.items.map(valueOf);
    case "object":
      return Object.fromEntries(node.members.map(({ name, value }) => [name, valueOf(value)]));
    default:
      return JSON.parse(node.text);
  }
}

function succeeds(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

const fragments = fc.array(
  fc.constantFrom(
    ...["{", "}", "[", "]", ",", ":", '"', '"a"', "1", "-", "0", ".5", "e1", "true", "null"],
    ...[" ", "\n", "\\", "\\u12", '"\\u00e9"', "tru", "01", "\u00a0", '"\u0001"'],
  ),
  { maxLength: 8 },
);

describe("JSON text", () => {
  it.each([
    "12345678901234567890",
    "0.1000000000000000000000001",
    "-0",
    "1e400",
    "1E+2",
    "9007199254740993",
  ])("keeps every digit of %s", (number) => {
    const text = `{"a":[${number}]}`;

    expect(compactJson(parseJsonText(text))).toBe(text);
  });

  it("says what JSON.parse says, of any value in any spelling", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indentation) => {
        const text = JSON.stringify(value, null, indentation);

        expect(valueOf(parseJsonText(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it("is text again that says the same", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const node = parseJsonText(JSON.stringify(value));

        expect(compactJson(node)).toBe(JSON.stringify(value));
        expect(JSON.parse(indentJson(node))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("refuses what JSON.parse refuses, and nothing else", () => {
    fc.assert(
      fc.property(fragments, (parts) => {
        const text = parts.join("");

        expect(succeeds(parseJsonText, text)).toBe(succeeds(JSON.parse, text));
      }),
      { numRuns: 3_000 },
    );
  });

  it("is read at any depth", () => {
    const depth = 100_000;
    const text = "[".repeat(depth) + "]".repeat(depth);

    expect(compactJson(parseJsonText(text))).toBe(text);
    expect(indentJson(parseJsonText(text)).replace(/\s/g, "")).toBe(text);
  });

  it("is read in linear time", () => {
    const text = `[${Array.from({ length: 200_000 }, (_, index) => `"${index}"`).join(",")}]`;

    expect(compactJson(parseJsonText(text))).toBe(text);
  });

  it("keeps members that have the same name, in their order", () => {
    const text = '{"b":1,"a":2,"b":3,"__proto__":4}';

    expect(compactJson(parseJsonText(text))).toBe(text);
  });

  it("is indented by two spaces", () => {
    const text = indentJson(parseJsonText('{"a":[1,{}],"b":[]}'));

    expect(text).toBe('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}');
  });
});
