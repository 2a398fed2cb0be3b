import { describe, expect, it } from "vitest";
import { roughDuration } from "#pawl/core/duration";

describe("a rough duration", () => {
  it.each([
    [-5, "less than a second"],
    [499, "less than a second"],
    [500, "1 second"],
    [1_499, "1 second"],
    [1_500, "2 seconds"],
    [80_000, "80 seconds"],
    [125_000, "2 minutes"],
    [3_600_000, "60 minutes"],
    [7_200_000, "2 hours"],
    [86_400_000, "24 hours"],
    [30 * 86_400_000, "30 days"],
  ])("of %i ms is %s", (milliseconds, words) => {
    expect(roughDuration(milliseconds)).toBe(words);
  });
});
