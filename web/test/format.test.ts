import { describe, expect, it } from "vitest";
import { formatCount, formatDuration, formatRate, formatRelative, plural } from "../src/format.ts";

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [0.42, "0.4 ms"],
    [840, "840 ms"],
    [4_200, "4.2 s"],
    [59_940, "59.9 s"],
    [59_990, "1 min"],
    [200_000, "3 min 20 s"],
    [7_200_000, "2 h"],
    [187_200_000, "2 d 4 h"],
    [-5, "0 ms"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe("formatRelative", () => {
  it.each([
    [0, "now"],
    [-12_000, "12 s ago"],
    [300_000, "in 5 min"],
    [-7_200_000, "2 h ago"],
    [-400_000_000, "4 d ago"],
  ])("writes %d ms as %s", (distance, text) => {
    expect(formatRelative(1_000_000_000 + distance, 1_000_000_000)).toBe(text);
  });
});

describe("numbers", () => {
  it("have their thousands apart, and say when there may be more", () => {
    expect(formatCount({ count: 12_345, isAtLeast: false })).toBe("12,345");
    expect(formatCount({ count: 10_000, isAtLeast: true })).toBe("10,000+");
  });

  it("have as many digits as say something", () => {
    expect([0, 0.42, 3.14, 1_204.4].map(formatRate)).toEqual(["0", "0.42", "3.1", "1,204"]);
  });

  it("go with their noun", () => {
    expect([plural(1, "job"), plural(1_200, "job")]).toEqual(["1 job", "1,200 jobs"]);
  });
});
