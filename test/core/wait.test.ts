import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { backoff, startTimer, wait, withDeadline } from "#pawl/core/wait";

const month = 31 * 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function watch(promise: Promise<unknown>): { state: string } {
  const seen = { state: "pending" };
  promise.then(
    () => (seen.state = "resolved"),
    (error: unknown) => (seen.state = `rejected: ${String(error)}`),
  );
  return seen;
}

describe("wait", () => {
  // Calls that were tried again in an outage, eleven at a time, made Node warn of a leak: found by the fault campaign.
  it("is waited by as many as want to, without a warning", async () => {
    const warned = vi.fn();
    process.on("warning", warned);
    onTestFinished(() => void process.off("warning", warned));
    const over = new AbortController();

    const waiting = Array.from({ length: 50 }, () => wait(1_000, over.signal));
    over.abort();
    await Promise.all(waiting);
    await vi.advanceTimersByTimeAsync(0);

    expect(warned).not.toHaveBeenCalled();
  });

  it("resolves after the time", async () => {
    const seen = watch(wait(1_000));

    await vi.advanceTimersByTimeAsync(999);
    expect(seen.state).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);

    expect(seen.state).toBe("resolved");
  });

  it("resolves at once when the signal aborts", async () => {
    const controller = new AbortController();
    const seen = watch(wait(1_000, controller.signal));

    controller.abort(new Error("stop"));
    await vi.advanceTimersByTimeAsync(0);

    expect(seen.state).toBe("resolved");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("resolves at once when the signal is aborted already", async () => {
    const seen = watch(wait(1_000, AbortSignal.abort()));

    await vi.advanceTimersByTimeAsync(0);

    expect(seen.state).toBe("resolved");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    const waits = Promise.all([wait(5, signal), wait(10, signal)]);

    await vi.advanceTimersByTimeAsync(10);
    await waits;

    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("waits longer than one timer of Node can", async () => {
    const seen = watch(wait(month));

    await vi.advanceTimersByTimeAsync(month - 1);
    expect(seen.state).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);

    expect(seen.state).toBe("resolved");
  });
});

describe("startTimer", () => {
  it("fires once", async () => {
    const fire = vi.fn();
    startTimer(10, fire);

    await vi.advanceTimersByTimeAsync(1_000);

    expect(fire).toHaveBeenCalledTimes(1);
  });

  it("does not fire after it is cancelled", async () => {
    const fire = vi.fn();
    const cancel = startTimer(10, fire);

    cancel();
    await vi.advanceTimersByTimeAsync(1_000);

    expect(fire).not.toHaveBeenCalled();
  });

  it("can be cancelled in the second month", async () => {
    const fire = vi.fn();
    const cancel = startTimer(2 * month, fire);

    await vi.advanceTimersByTimeAsync(month);
    cancel();
    await vi.advanceTimersByTimeAsync(2 * month);

    expect(fire).not.toHaveBeenCalled();
  });
});

describe("withDeadline", () => {
  it("gives the promise's value and stops its timer", async () => {
    const value = await withDeadline(Promise.resolve(5), 1_000, () => new Error("late"));

    expect(value).toBe(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives the promise's error and stops its timer", async () => {
    const failing = withDeadline(Promise.reject(new Error("no")), 1_000, () => new Error("late"));

    await expect(failing).rejects.toThrow("no");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects with the error that onTimeout makes", async () => {
    const seen = watch(withDeadline(new Promise(() => undefined), 1_000, () => new Error("late")));

    await vi.advanceTimersByTimeAsync(1_000);

    expect(seen.state).toBe("rejected: Error: late");
  });

  it("makes no error when the promise is in time", async () => {
    const onTimeout = vi.fn(() => new Error("late"));

    await withDeadline(Promise.resolve(), 1_000, onTimeout);
    await vi.advanceTimersByTimeAsync(1_000);

    expect(onTimeout).not.toHaveBeenCalled();
  });

  it("handles a promise that rejects after the deadline", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const tooLate = wait(20).then(() => Promise.reject(new Error("too late to matter")));
    const seen = watch(withDeadline(tooLate, 10, () => new Error("late")));

    await vi.advanceTimersByTimeAsync(20);
    vi.useRealTimers();
    await new Promise(setImmediate);
    process.off("unhandledRejection", unhandled);

    expect(seen.state).toBe("rejected: Error: late");
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe("backoff", () => {
  it("doubles its ceiling up to the maximum", () => {
    const delays = backoff({ initialMs: 100, maxMs: 1_000, random: () => 1 });

    const taken = Array.from({ length: 6 }, () => delays.next());

    expect(taken).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it("spreads each delay over everything below its ceiling", () => {
    const numbers = [0, 0.25, 0.5, 0.999];
    let call = 0;
    const delays = backoff({ initialMs: 100, maxMs: 100, random: () => numbers[call++] ?? 0 });

    const taken = numbers.map(() => delays.next());

    expect(taken).toEqual([0, 25, 50, 100]);
  });

  it("starts over after a reset", () => {
    const delays = backoff({ initialMs: 100, maxMs: 1_000, random: () => 1 });
    delays.next();
    delays.next();

    delays.reset();

    expect(delays.next()).toBe(100);
  });

  it("never exceeds a maximum below its start", () => {
    const delays = backoff({ initialMs: 100, maxMs: 50, random: () => 1 });

    expect([delays.next(), delays.next()]).toEqual([50, 50]);
  });

  it("stays at its maximum after a million failures", () => {
    const delays = backoff({ initialMs: 1, maxMs: 60_000, random: () => 1 });

    for (let failure = 0; failure < 1_000_000; failure += 1) delays.next();

    expect(delays.next()).toBe(60_000);
  });
});
