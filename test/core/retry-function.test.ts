import { describe, expect, it, vi } from "vitest";
import { OptionError } from "#pawl/core/errors";
import { decideRetry, defaultRetry, type Retry } from "#pawl/core/retry";

const failure = {
  job: { id: "1" },
  error: new Error("no"),
  failures: 1,
  maxAttempts: 25,
  random: () => 0,
};

function delaysOf(retry: Retry, failures: readonly number[]): unknown[] {
  return failures.map((count) => {
    const decision = decideRetry(retry, { ...failure, failures: count });
    return "delayMs" in decision ? decision.delayMs : "final";
  });
}

describe("decideRetry with a function", () => {
  it("gives it the job and the error", () => {
    const choose = vi.fn(() => defaultRetry);

    decideRetry(choose, failure);

    expect(choose).toHaveBeenCalledExactlyOnceWith(failure.job, failure.error);
  });

  it("takes the delay of the strategy it returns", () => {
    const choose = () => ({ retries: 4, delays: ["1s", "7s"] });

    expect(delaysOf(choose, [1, 2])).toEqual([1_000, 7_000]);
  });

  it("stops when the strategy has no retries left", () => {
    const choose = () => ({ retries: 2, delays: ["1s"] });

    expect(delaysOf(choose, [2, 3])).toEqual([1_000, "final"]);
  });

  it("never goes beyond the job's maxAttempts", () => {
    const choose = () => ({ retries: 100, delays: ["1s"] });

    expect(delaysOf(choose, [24, 25])).toEqual([1_000, "final"]);
  });

  it("is final with the job's own error when it returns none", () => {
    expect(decideRetry(() => "none", failure)).toEqual({ final: true, error: failure.error });
  });

  it("is final with both errors when it throws", () => {
    const thrown = new Error("bug in the function");

    const decision = decideRetry(() => {
      throw thrown;
    }, failure);

    expect(decision).toMatchObject({ final: true });
    expect("error" in decision && (decision.error as AggregateError).errors).toEqual([
      failure.error,
      thrown,
    ]);
  });

  it.each([[undefined], [5], ["sometimes"], [{ retries: 1 }], [{ retries: 1, delays: ["soon"] }]])(
    "is final with both errors when it returns %o",
    (nonsense) => {
      const choose = (() => nonsense) as unknown as Retry;

      const decision = decideRetry(choose, failure);

      expect("error" in decision && (decision.error as AggregateError).errors).toEqual([
        failure.error,
        expect.any(OptionError),
      ]);
    },
  );

  it("is final when it is asynchronous, without an unhandled rejection", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const choose = (() => Promise.reject(new Error("late"))) as unknown as Retry;

    const decision = decideRetry(choose, failure);
    await new Promise(setImmediate);
    process.off("unhandledRejection", unhandled);

    expect(decision).toMatchObject({ final: true });
    expect(unhandled).not.toHaveBeenCalled();
  });
});
