import { describe, expect, it } from "vitest";
import { formatBound, formatDuration, formatRelative, plural } from "../../../web/src/format.ts";
import { tellOutcomes } from "../../../web/src/outcomes.ts";

describe("durations", () => {
  it.each([
    [0, "0 ms"],
    [2.34, "2.3 ms"],
    [12.4, "12 ms"],
    [999, "999 ms"],
    [3_400, "3.4 s"],
    [12_900, "12 s"],
    [60_000, "1 min"],
    [125_000, "2 min 5 s"],
    [12_000_000, "3 h 20 min"],
    [180_000_000, "2 d 2 h"],
  ])("%d ms are %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("moments", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");

  it.each([
    ["2026-01-31T12:00:00.400Z", "now"],
    ["2026-01-31T11:59:57Z", "3 s ago"],
    ["2026-01-31T11:57:55Z", "2 min ago"],
    ["2026-01-31T14:20:00Z", "in 2 h"],
    ["2026-01-25T12:00:00Z", "6 d ago"],
  ])("%s is %s", (moment, text) => {
    expect(formatRelative(moment, now)).toBe(text);
  });
});

describe("counts", () => {
  it("say when they are only a lower bound", () => {
    expect(formatBound({ count: 10_000, isAtLeast: true })).toBe("10,000+");
    expect(formatBound({ count: 12, isAtLeast: false })).toBe("12");
  });

  it("agree with their noun", () => {
    expect([plural(1, "job"), plural(2, "job")]).toEqual(["1 job", "2 jobs"]);
  });

  it("of outcomes are one sentence", () => {
    const outcomes = ["retried", "retried", "notFound", "something"].map((outcome) => ({
      queue: "q",
      id: "1",
      outcome,
    }));

    expect(tellOutcomes({ outcomes })).toBe("2 retried, 1 not found, 1 something.");
  });
});
