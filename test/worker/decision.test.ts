import { describe, expect, it } from "vitest";
import {
  cancel,
  defineTask,
  LeaseLostError,
  partialSuccess,
  PayloadError,
  rateLimited,
  ShutdownError,
  snooze,
  UnrecoverableError,
  type Retry,
} from "pawl";
import { ClaimedJob } from "#pawl/store/claimed-job";
import type { Settlement } from "#pawl/store/settles";
import {
  BadPayload,
  decideReturned,
  decideThrown,
  released,
  type Attempt,
} from "#pawl/worker/decision";

const retryTwice: Retry = { retries: 2, delays: ["1s", "5s"] };
const gone = "gone";

describe("what follows from what a handler returned", () => {
  it.each<[string, unknown, Partial<Settlement>]>([
    ["nothing", undefined, { outcome: "succeeded", then: gone, output: null, error: null }],
    ["a value", { rows: 7 }, { outcome: "succeeded", then: gone, output: null }],
    ["null", null, { outcome: "succeeded", then: gone }],
    ["an error, as a value", new Error("no"), { outcome: "succeeded", then: gone }],
    ["what looks like an outcome", { name: "snoozed" }, { outcome: "succeeded", then: gone }],
    ["snooze", snooze("2s"), { outcome: "snoozed", then: { delayMs: 2_000, counted: false } }],
    ["snooze(0)", snooze(0), { outcome: "snoozed", then: { delayMs: 0, counted: false } }],
    [
      "rateLimited",
      rateLimited({ retryAfter: "3s" }),
      { outcome: "rate-limited", then: { delayMs: 3_000, counted: false } },
    ],
    [
      "cancel",
      cancel("unwanted"),
      {
        outcome: "cancelled",
        then: gone,
        error: JSON.stringify({ name: "Cancelled", message: "unwanted" }),
      },
    ],
    [
      "partialSuccess",
      partialSuccess({ results: 1 }),
      { outcome: "partial", then: { delayMs: 1_000, counted: true }, output: '{"results":1}' },
    ],
  ])("%s", (_, value, expected) => {
    const settlement = decideReturned(attempt(), value);

    expect(settlement).toMatchObject({ ...expected, runMs: 12 });
  });

  it.each<[string, unknown, string | null]>([
    ["an object", { rows: 7 }, '{"rows":7}'],
    ["null", null, "null"],
    ["nothing", undefined, null],
    ["false", false, "false"],
  ])("keeps %s as output when the task says so", (_, value, output) => {
    const settlement = decideReturned(attempt({ storeOutput: true }), value);

    expect(settlement).toMatchObject({ outcome: "succeeded", output, error: null });
  });

  it.each([
    ["a BigInt", 1n],
    ["a Date", new Date(0)],
    ["a NUL", "\u0000"],
    ["a lone surrogate", "\ud800"],
    ["what is too large", "x".repeat(2 ** 21)],
  ])("is done, with a note, when its output cannot be kept: %s", (_, value) => {
    const settlement = decideReturned(attempt({ storeOutput: true }), value);

    expect(settlement).toMatchObject({ outcome: "succeeded", output: null, then: gone });
    expect(settlement.error).toMatch(/PAWL_PAYLOAD_(INVALID|TOO_LARGE)/);
  });

  it("ends with the last partial success, and says that it was one", () => {
    const settlement = decideReturned(attempt({ failures: 2 }), partialSuccess({ results: 1 }));

    expect(settlement).toMatchObject({ outcome: "partial", then: gone, output: '{"results":1}' });
    expect(settlement.error).toContain("partial success");
  });
});

describe("partial results that are no JSON", () => {
  it("are what the handler gets the blame for, as if it had thrown", () => {
    const partial = partialSuccess({ results: 1n });

    expect(() => decideReturned(attempt(), partial)).toThrow(PayloadError);
  });
});

describe("what follows from what a handler threw", () => {
  it.each<[string, number, Settlement["then"]]>([
    ["for the first time", 0, { delayMs: 1_000, counted: true }],
    ["for the second time", 1, { delayMs: 5_000, counted: true }],
    ["for the last time", 2, gone],
  ])("%s", (_, failures, then) => {
    const settlement = decideThrown(attempt({ failures }), new Error("no luck"));

    expect(settlement).toMatchObject({ outcome: "failed", then, runMs: 12, output: null });
    expect(settlement.error).toContain("no luck");
  });

  it("counts what the job was enqueued with, not what its task says", () => {
    const settlement = decideThrown(attempt({ maxAttempts: 1 }), new Error("no luck"));

    expect(settlement.then).toBe(gone);
  });

  it("fails for good when it says that no retry can help", () => {
    const settlement = decideThrown(attempt(), new UnrecoverableError("never"));

    expect(settlement).toMatchObject({ outcome: "failed", then: gone });
  });

  it("fails for good, with the reason, when the payload could not be given to the handler", () => {
    const reason = new PayloadError("PAWL_PAYLOAD_UNDECODABLE", "bad", issues());

    const settlement = decideThrown(attempt(), new BadPayload(reason));

    expect(settlement).toMatchObject({ outcome: "failed", then: gone });
    expect(JSON.parse(settlement.error ?? "")).toMatchObject({ code: "PAWL_PAYLOAD_UNDECODABLE" });
  });

  it("tries again when the handler met a bad payload of its own", () => {
    const thrown = new PayloadError("PAWL_PAYLOAD_INVALID", "a child's", issues());

    const settlement = decideThrown(attempt(), thrown);

    expect(settlement.then).toEqual({ delayMs: 1_000, counted: true });
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a string", "no luck"],
    ["an object without a prototype", Object.create(null)],
    ["an error that cannot be read", unreadable()],
    ["a lost lease", new LeaseLostError("gone", [])],
  ])("is a failure with a record, whatever it is: %s", (_, thrown) => {
    const settlement = decideThrown(attempt(), thrown);

    expect(settlement).toMatchObject({ outcome: "failed", then: { delayMs: 1_000 } });
    expect(JSON.parse(settlement.error ?? "")).toMatchObject({ message: expect.any(String) });
  });

  it("goes back without a failure when the worker stopped it", () => {
    const settlement = decideThrown(attempt(), new ShutdownError("the worker is stopping"));

    expect(settlement).toMatchObject({
      outcome: "released",
      then: { delayMs: null, counted: false },
      error: null,
    });
  });

  it("asks the task's function with the job and the error", () => {
    const asked: unknown[] = [];
    const retry: Retry = (...given) => {
      asked.push(...given);
      return { retries: 1, delays: ["7s"] };
    };
    const error = new Error("no luck");
    const given = attempt({ retry });

    const settlement = decideThrown(given, error);

    expect(settlement.then).toEqual({ delayMs: 7_000, counted: true });
    expect(asked).toEqual([given.job, error]);
  });

  it("fails for good with both errors when the task's function throws", () => {
    const retry: Retry = () => {
      throw new Error("no idea");
    };

    const settlement = decideThrown(attempt({ retry }), new Error("no luck"));

    expect(settlement.then).toBe(gone);
    expect(settlement.error).toMatch(/no luck.*no idea/s);
  });
});

describe("a release", () => {
  it.each([null, 12])("says nothing but how long the handler ran: %s", (runMs) => {
    const { job } = attempt();

    expect(released(job, runMs)).toEqual({
      job,
      runMs,
      outcome: "released",
      error: null,
      output: null,
      then: { delayMs: null, counted: false },
    });
  });
});

function attempt(
  given: { failures?: number; maxAttempts?: number; storeOutput?: boolean; retry?: Retry } = {},
): Attempt {
  const { failures = 0, maxAttempts = 3, storeOutput = false, retry = retryTwice } = given;
  const job = new ClaimedJob("default", 1, {
    id: "018f2d3c-0000-7000-8000-000000000001",
    task: "task",
    attempt: failures + 1,
    failures,
    max_attempts: maxAttempts,
    crashes: 0,
    priority: 0,
    run_at: "2026-01-01 00:00:00.000000+00",
    created_at: "2026-01-01 00:00:00.000000+00",
    correlation_id: null,
    last_error: null,
    partial_results: null,
    payload: "null",
    keys: null,
  });
  const task = defineTask({ name: "task", storeOutput, retry });
  return { job, task, runMs: 12, random: () => 0.5 };
}

function issues() {
  return { path: "payload", issues: [] };
}

function unreadable(): Error {
  const error = new Error("hidden");
  Object.defineProperty(error, "message", {
    get() {
      throw new Error("no");
    },
  });
  return error;
}
