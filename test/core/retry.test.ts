import { describe, expect, it, vi } from "vitest";
import { OptionError, UnrecoverableError } from "#pawl/core/errors";
import {
  checkRetry,
  decideRetry,
  defaultRetry,
  exponential,
  maxAttemptsOf,
  type Retry,
} from "#pawl/core/retry";

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

describe("exponential", () => {
  it("retries 24 times, from a second to six hours, unless told otherwise", () => {
    expect(exponential()).toEqual({
      kind: "exponential",
      retries: 24,
      initial: 1_000,
      factor: 2,
      max: 21_600_000,
      jitter: 0.5,
    });
  });

  it("is what a task does that does not say", () => {
    expect(defaultRetry).toEqual(exponential());
  });

  it("survives JSON, so that it can be stored with a job", () => {
    const strategy = exponential({ retries: 3, initial: "5s", max: "1h" });

    expect(checkRetry("retry", JSON.parse(JSON.stringify(strategy)))).toEqual(strategy);
  });

  it.each([
    ["retries", -1],
    ["retries", 1.5],
    ["retries", 2 ** 31],
    ["initial", "0s"],
    ["initial", "5 parsecs"],
    ["factor", 0.5],
    ["factor", Number.NaN],
    ["factor", Infinity],
    ["max", -1],
    ["jitter", -0.1],
    ["jitter", 1.1],
    ["jitter", "0.5"],
  ])("refuses %s: %o", (option, value) => {
    expect(() => exponential({ [option]: value })).toThrow(`expected \`exponential.${option}\` to`);
  });

  it("refuses an option it does not know", () => {
    expect(() => exponential(JSON.parse('{ "jiter": 1 }') as object)).toThrow(
      "unknown option `jiter` of exponential(): did you mean `jitter`?",
    );
  });
});

describe("checkRetry", () => {
  it("gives delays in milliseconds", () => {
    const checked = checkRetry("retry", { retries: 4, delays: ["1s", 5_000, "1 minute"] });

    expect(checked).toEqual({ retries: 4, delays: [1_000, 5_000, 60_000] });
  });

  it("keeps its own copy, which nobody can change later", () => {
    const delays = ["1s"];
    const checked = checkRetry("retry", { retries: 4, delays });

    delays.push("9s");

    expect(checked).toEqual({ retries: 4, delays: [1_000] });
    expect(Object.isFrozen(checked)).toBe(true);
  });

  it("gives a function as it is", () => {
    const choose = (): "none" => "none";

    expect(checkRetry("retry", choose)).toBe(choose);
  });

  it("accepts none", () => {
    expect(checkRetry("retry", "none")).toBe("none");
  });

  it.each([
    [undefined, "expected `retry` to be"],
    [null, "expected `retry` to be"],
    [5, "expected `retry` to be"],
    ["forever", 'got "forever"'],
    [Promise.resolve("none"), "got a Promise"],
    [[], "to be an object, got an array of 0"],
    [{}, "expected `retry.delays`"],
    [{ retries: 1 }, "expected `retry.delays` to be an array of at least one duration"],
    [{ retries: 1, delays: [] }, "got an array of 0"],
    [{ retries: 1, delays: "1s" }, 'got "1s"'],
    [{ retries: 1, delays: ["1s", "soon"] }, "expected `retry.delays[1]` to be a duration"],
    [{ retries: -1, delays: ["1s"] }, "expected `retry.retries`"],
    [{ delays: ["1s"] }, "expected `retry.retries`"],
    [{ retries: 1, delay: ["1s"] }, "unknown option `delay` of `retry`: did you mean `delays`?"],
    [{ kind: "linear" }, 'expected `retry.kind` to be "exponential", got "linear"'],
    [{ kind: "exponential" }, "expected `retry.retries`"],
    [{ ...exponential(), max: null }, "expected `retry.max` to be a duration"],
    [{ ...exponential(), extra: 1 }, "unknown option `extra` of `retry`"],
  ])("refuses %o", (retry, message) => {
    expect(() => checkRetry("retry", retry)).toThrow(message);
    expect(() => checkRetry("retry", retry)).toThrow(OptionError);
  });
});

describe("maxAttemptsOf", () => {
  it.each<readonly [string, Retry, number]>([
    ["none", "none", 1],
    ["delays", { retries: 4, delays: ["1s"] }, 5],
    ["no retries", { retries: 0, delays: ["1s"] }, 1],
    ["exponential", exponential({ retries: 9 }), 10],
    ["the default", defaultRetry, 25],
    ["a function", () => "none", 25],
  ])("counts the attempts of %s", (_what, retry, attempts) => {
    expect(maxAttemptsOf(retry)).toBe(attempts);
  });
});

describe("decideRetry", () => {
  it("takes the delays in order and repeats the last", () => {
    const retry = checkRetry("retry", { retries: 9, delays: ["1s", "5s", "1m"] });

    expect(delaysOf(retry, [1, 2, 3, 4, 24])).toEqual([1_000, 5_000, 60_000, 60_000, 60_000]);
  });

  it("reads durations that were not checked before", () => {
    expect(delaysOf({ retries: 9, delays: ["2m"] }, [1])).toEqual([120_000]);
  });

  it("doubles up to the maximum without jitter", () => {
    const retry = exponential({ initial: "1s", max: "10s", jitter: 0 });

    expect(delaysOf(retry, [1, 2, 3, 4, 5, 24])).toEqual([
      1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });

  it("grows by the factor it was given", () => {
    const retry = exponential({ initial: 10, factor: 3, jitter: 0 });

    expect(delaysOf(retry, [1, 2, 3])).toEqual([10, 30, 90]);
  });

  it("stays finite after more failures than numbers can hold", () => {
    const retry = exponential({ retries: 1_000_000, factor: 1_000, jitter: 0 });

    const decision = decideRetry(retry, {
      ...failure,
      failures: 900_000,
      maxAttempts: 1_000_001,
    });

    expect(decision).toEqual({ delayMs: 21_600_000 });
  });

  it.each([
    [0.5, 0, 8_000],
    [0.5, 0.5, 6_000],
    [0.5, 0.999999, 4_000],
    [1, 0.999999, 0],
    [0.1, 0.5, 7_600],
  ])("with jitter %d and the random number %d waits %d ms", (jitter, random, delayMs) => {
    const retry = exponential({ initial: "8s", jitter });

    expect(decideRetry(retry, { ...failure, random: () => random })).toEqual({ delayMs });
  });

  it("rounds to whole milliseconds", () => {
    const retry = exponential({ initial: 1 });

    expect(decideRetry(retry, { ...failure, random: () => 0.5 })).toEqual({ delayMs: 1 });
  });

  it("uses no random number for fixed delays", () => {
    const random = vi.fn(() => 0.5);

    decideRetry({ retries: 1, delays: ["1s"] }, { ...failure, random });

    expect(random).not.toHaveBeenCalled();
  });

  it.each([
    [24, false],
    [25, true],
    [26, true],
  ])("after %d of 25 failures is final: %s", (failures, final) => {
    const decision = decideRetry(defaultRetry, { ...failure, failures });

    expect("final" in decision).toBe(final);
  });

  it("lets the job's own maxAttempts overrule the strategy", () => {
    const retry = checkRetry("retry", { retries: 1, delays: ["1s"] });

    expect(delaysOf(retry, [2, 24, 25])).toEqual([1_000, 1_000, "final"]);
  });

  it("never retries with none, whatever maxAttempts says", () => {
    expect(decideRetry("none", failure)).toEqual({ final: true, error: failure.error });
  });

  it("gives the job's own error when it is final", () => {
    const decision = decideRetry(defaultRetry, { ...failure, failures: 25 });

    expect(decision).toHaveProperty("error", failure.error);
  });

  it("is final for an UnrecoverableError", () => {
    const error = new UnrecoverableError("gone");

    expect(decideRetry(defaultRetry, { ...failure, error })).toEqual({ final: true, error });
  });

  it("is final for an UnrecoverableError of another copy of the package", () => {
    const error = Object.assign(new Error("gone"), { code: "PAWL_UNRECOVERABLE" });

    expect(decideRetry(defaultRetry, { ...failure, error })).toEqual({ final: true, error });
  });

  it("does not ask the function about an UnrecoverableError", () => {
    const choose = vi.fn(() => defaultRetry);

    decideRetry(choose, { ...failure, error: new UnrecoverableError("gone") });

    expect(choose).not.toHaveBeenCalled();
  });
});
