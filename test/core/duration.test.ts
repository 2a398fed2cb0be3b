import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "#pawl/core/duration";
import { OptionError } from "#pawl/core/errors";

describe("parseDuration", () => {
  it.each([
    [0, 0],
    [1, 1],
    [1500, 1500],
    [0.6, 1],
    ["0s", 0],
    ["500ms", 500],
    ["1 millisecond", 1],
    ["250 milliseconds", 250],
    ["5s", 5_000],
    ["1 sec", 1_000],
    ["1 second", 1_000],
    ["30 seconds", 30_000],
    ["2m", 120_000],
    ["3 min", 180_000],
    ["1 minute", 60_000],
    ["10 minutes", 600_000],
    ["1h", 3_600_000],
    ["1.5h", 5_400_000],
    ["1 hour", 3_600_000],
    ["36 hours", 129_600_000],
    ["1d", 86_400_000],
    ["1 day", 86_400_000],
    ["30 days", 2_592_000_000],
    ["1w", 604_800_000],
    ["1 week", 604_800_000],
    ["2  weeks", 1_209_600_000],
    ["1.1s", 1_100],
    ["36525d", 3_155_760_000_000],
  ])("reads %j as %d ms", (given, milliseconds) => {
    expect(parseDuration(given, "delay")).toBe(milliseconds);
  });

  it.each([
    [-1],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [3_155_760_000_001],
    [""],
    ["5"],
    ["s"],
    ["5 parsecs"],
    ["-5s"],
    ["5S"],
    [" 5s"],
    ["5s "],
    ["5\ns"],
    ["1h 30m"],
    ["1,5h"],
    [".5s"],
    ["1e3s"],
    ["1 constructor"],
    ["36526d"],
    ["Infinity s"],
    [null],
    [undefined],
    [true],
    [5n],
    [{}],
    [["5s"]],
    [new Date(0)],
  ])("refuses %o", (given) => {
    expect(() => parseDuration(given, "delay")).toThrow(OptionError);
  });

  it("says what was expected and what came", () => {
    expect(() => parseDuration("5 parsecs", "delay")).toThrow(
      'expected `delay` to be a duration in milliseconds or such as "5s", "2m" or "30 days", ' +
        'from 0 to 100 years, got "5 parsecs"',
    );
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0ms"],
    [1, "1ms"],
    [1_500, "1500ms"],
    [5_000, "5s"],
    [90_000, "90s"],
    [120_000, "2m"],
    [3_600_000, "1h"],
    [86_400_000, "1d"],
    [2_592_000_000, "30d"],
    [604_800_000, "1w"],
    [12.4, "12ms"],
    [12.6, "13ms"],
  ])("writes %d ms as %j", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it.each([1, 999, 61_000, 5_400_000, 172_800_000, 31_557_600_000])(
    "writes %d ms so that it reads back the same",
    (milliseconds) => {
      expect(parseDuration(formatDuration(milliseconds), "delay")).toBe(milliseconds);
    },
  );
});
