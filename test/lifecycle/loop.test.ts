import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Loop } from "#pawl/lifecycle/loop";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A loop that notes when its passes begin; `pass` says how each one goes. */
function looping(pass: (count: number, signal: AbortSignal) => number | Promise<number>): {
  loop: Loop;
  begun: number[];
  errors: unknown[];
} {
  const startedAt = performance.now();
  const begun: number[] = [];
  const errors: unknown[] = [];
  const loop = new Loop({
    pass: async (signal) => {
      begun.push(performance.now() - startedAt);
      return pass(begun.length, signal);
    },
    onError: (error) => errors.push(error),
    random: () => 1,
    maxBackoffMs: 400,
  });
  return { loop, begun, errors };
}

function takes(ms: number, then: number | Error): Promise<number> {
  return new Promise((resolve, reject) => {
    setTimeout(() => (then instanceof Error ? reject(then) : resolve(then)), ms);
  });
}

describe("a loop", () => {
  it("waits after each pass for as long as the pass says", async () => {
    const { loop, begun } = looping((count) => count * 10);

    loop.start();
    await vi.advanceTimersByTimeAsync(60);

    expect(begun).toEqual([0, 10, 30, 60]);
  });

  it("goes on at once when a pass says 0", async () => {
    const { loop, begun } = looping((count) => (count < 4 ? 0 : 1_000));

    loop.start();
    await vi.advanceTimersByTimeAsync(0);

    expect(begun).toEqual([0, 0, 0, 0]);
  });

  it("does not begin a pass before the last one has ended", async () => {
    const { loop, begun } = looping(() => takes(100, 10));

    loop.start();
    loop.start();
    await vi.advanceTimersByTimeAsync(250);

    expect(begun).toEqual([0, 110, 220]);
  });

  it("begins the next pass at once when it is woken", async () => {
    const { loop, begun } = looping(() => 1_000);
    loop.start();
    await vi.advanceTimersByTimeAsync(300);

    loop.wake();
    await vi.advanceTimersByTimeAsync(999);

    expect(begun).toEqual([0, 300]);
  });

  it("begins another pass right after the one in which it was woken", async () => {
    const { loop, begun } = looping(() => takes(100, 1_000));
    loop.start();
    await vi.advanceTimersByTimeAsync(50);

    loop.wake();
    await vi.advanceTimersByTimeAsync(500);

    expect(begun).toEqual([0, 100]);
  });

  it("is not ended by a failure, and waits longer after each one", async () => {
    const { loop, begun, errors } = looping(() => Promise.reject(new Error("down")));

    loop.start();
    await vi.advanceTimersByTimeAsync(1_500);

    expect(begun).toEqual([0, 50, 150, 350, 750, 1_150]);
    expect(errors).toHaveLength(6);
  });

  it("is not ended by a pass that throws at once", async () => {
    const { loop, begun, errors } = looping((count) => {
      if (count === 1) throw new Error("broken");
      return 1_000;
    });

    loop.start();
    await vi.advanceTimersByTimeAsync(100);

    expect(begun).toEqual([0, 50]);
    expect(errors).toMatchObject([{ message: "broken" }]);
  });

  it("forgets its failures after a success", async () => {
    const { loop, begun } = looping((count) =>
      count === 3 ? 10 : Promise.reject(new Error("down")),
    );

    loop.start();
    await vi.advanceTimersByTimeAsync(220);

    expect(begun).toEqual([0, 50, 150, 160, 210]);
  });

  it("does not spin through an outage because it is woken all the time", async () => {
    const { loop, begun } = looping(() => {
      loop.wake();
      return Promise.reject(new Error("down"));
    });

    loop.start();
    await vi.advanceTimersByTimeAsync(400);

    expect(begun).toEqual([0, 50, 150, 350]);
  });

  it("stops during its wait", async () => {
    const { loop, begun } = looping(() => 1_000);
    loop.start();
    await vi.advanceTimersByTimeAsync(10);

    await loop.stop();

    await vi.advanceTimersByTimeAsync(5_000);
    expect(begun).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has stopped when the pass under way has ended, which is told so", async () => {
    const { loop, begun } = looping(async (_, signal) => {
      await takes(100, 0);
      if (signal.aborted) events.push("told");
      return 0;
    });
    const events: string[] = [];
    loop.start();
    await vi.advanceTimersByTimeAsync(10);

    const stopped = loop.stop().then(() => events.push("stopped"));
    await vi.advanceTimersByTimeAsync(200);
    await stopped;

    expect(events).toEqual(["told", "stopped"]);
    expect(begun).toEqual([0]);
  });

  it("may be stopped before it was started", async () => {
    const { loop, begun } = looping(() => 0);

    await loop.stop();
    loop.start();
    await vi.advanceTimersByTimeAsync(100);

    expect(begun).toEqual([]);
  });
});
