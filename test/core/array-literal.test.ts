import { describe, expect, it } from "vitest";
import { arrayLiteral } from "#pawl/core/array-literal";

describe("arrayLiteral", () => {
  it.each([
    ["no values", [], "{}"],
    ["plain words", ["a", "b-c", "d.e"], "{a,b-c,d.e}"],
    ["words of four letters", ["four", "nul2"], "{four,nul2}"],
    ["numbers", [1, -2, 0.5, 1e21], "{1,-2,0.5,1e+21}"],
    ["numbers that are not finite", [Number.NaN, Infinity], "{NaN,Infinity}"],
    ["nulls", [null, "a", null], "{NULL,a,NULL}"],
    [
      "the word null in any case",
      ["NULL", "null", "Null", "nullable"],
      '{"NULL","null","Null",nullable}',
    ],
    ["empty strings", ["", ""], '{"",""}'],
    ["spaces", ["a b", " ", "a\u00a0b"], '{"a b"," ","a\u00a0b"}'],
    ["commas and braces", ["a,b", "{", "}"], '{"a,b","{","}"}'],
    ["quotes", ['a"b', '"'], '{"a\\"b","\\""}'],
    ["backslashes", ["a\\b", "\\"], '{"a\\\\b","\\\\"}'],
    ["line breaks and tabs", ["a\nb", "a\tb", "\r"], '{"a\nb","a\tb","\r"}'],
    ["quotes beside a line break", ['a\n"b"\\'], '{"a\n\\"b\\"\\\\"}'],
    ["letters beyond ASCII", ["é", "日本", "👍", "a 👍"], '{é,日本,👍,"a 👍"}'],
    ["a lone surrogate as it is", ["a\ud800b", "a \ud800"], '{a\ud800b,"a \ud800"}'],
    ["JSON text", ['{"a":"x\\ny"}'], '{"{\\"a\\":\\"x\\\\ny\\"}"}'],
    ["line separators", ["a \u2028"], '{"a \u2028"}'],
  ])("writes %s", (_what, values, literal) => {
    expect(arrayLiteral(values)).toBe(literal);
  });
});
