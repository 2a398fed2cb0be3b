import { defineTask, typed } from "pawl";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ClaimedJob, type ClaimedRow } from "#pawl/store/claimed-job";
import { AdaptiveRefetching } from "#pawl/worker/adaptive-refetching";
import { JobBuffer } from "#pawl/worker/job-buffer";
import { WorkerQueue } from "#pawl/worker/worker-queue";
import { forever } from "../fixtures/aborted.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { eventually } from "../support/eventually.ts";

interface Stage {
  readonly queue: WorkerQueue;
  readonly claims: { readonly at: number; readonly limit: number }[];
  readonly errors: unknown[];
  /** How many jobs have been taken from the buffer. */
  started: number;
  mostBuffered: number;
}

interface StageOptions {
  readonly slots: number;
  /** How many jobs there are to claim. */
  readonly ready?: number;
  readonly claimMs?: number;
  /** How long a job takes; without it, none ends. */
  readonly jobMs?: number;
  readonly fails?: (claim: number) => boolean;
}

/** A local queue with a database and a starter that are played, on a clock that is played too. */
function stage({ slots, ready = 0, claimMs = 0, jobMs, fails = () => false }: StageOptions): Stage {
  let left = ready;
  let free = slots;
  const startedAt = performance.now();
  const startReady = (): void => {
    set.mostBuffered = Math.max(set.mostBuffered, set.queue.depth);
    while (free > 0 && set.queue.shift() !== undefined) {
      free -= 1;
      set.started += 1;
      if (jobMs === undefined) continue;
      setTimeout(() => {
        free += 1;
        set.queue.noteFinished();
        startReady();
      }, jobMs);
    }
  };
  const queue = new WorkerQueue({
    workerId: "worker",
    claim: async (limit) => {
      set.claims.push({ at: performance.now() - startedAt, limit });
      if (claimMs > 0) await new Promise((resolve) => setTimeout(resolve, claimMs));
      if (fails(set.claims.length)) throw new Error("down");
      const count = Math.min(limit, left);
      left -= count;
      return Array.from({ length: count }, (_, n) => jobCalled(`${set.claims.length}.${n}`));
    },
    freeSlots: () => free,
    longestPauseMs: () => 100,
    isWoken: () => false,
    release: () => undefined,
    onJobs: startReady,
    onError: (error) => set.errors.push(error),
    random: () => 0.5,
  });
  const set: Stage = { queue, claims: [], errors: [], started: 0, mostBuffered: 0 };
  return set;
}

function jobCalled(id: string): ClaimedJob {
  return new ClaimedJob("default", 1, { id, keys: null } as ClaimedRow); // nothing else of it is looked at
}

describe("the local queue", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("claims as many jobs as can start", async () => {
    const { queue, claims } = stage({ slots: 5, ready: 100 });

    queue.start();
    await vi.advanceTimersByTimeAsync(1);

    expect(claims).toEqual([{ at: 0, limit: 5 }]);
  });

  it("claims nothing ahead while jobs are slow, so that none waits here for long", async () => {
    const played = stage({ slots: 3, ready: 100, jobMs: 2_000, claimMs: 2 });

    played.queue.start();
    await vi.advanceTimersByTimeAsync(20_000);

    expect(played.started).toBeGreaterThanOrEqual(27);
    expect(played.mostBuffered).toBeLessThanOrEqual(3);
    expect(played.queue.depth).toBe(0);
  });

  it("claims ahead while jobs are fast, so that no place is empty during a claim", async () => {
    const played = stage({ slots: 4, ready: 100_000, jobMs: 1, claimMs: 10 });

    played.queue.start();
    await vi.advanceTimersByTimeAsync(2_000);

    // Four places with a job each millisecond; without a buffer there would be 4 jobs in 11 ms.
    expect(played.started).toBeGreaterThan(5_000);
  });

  it("never holds more than a thousand jobs", async () => {
    const played = stage({ slots: 50, ready: 1_000_000, jobMs: 1, claimMs: 200 });

    played.queue.start();
    await vi.advanceTimersByTimeAsync(3_000);

    expect(played.mostBuffered).toBeGreaterThan(300);
    expect(played.mostBuffered).toBeLessThanOrEqual(1_000);
  });

  it("looks again after a pause that grows from 2 ms when there is nothing to do", async () => {
    const { queue, claims } = stage({ slots: 1 });

    queue.start();
    await vi.advanceTimersByTimeAsync(400);

    expect(claims.map(({ at }) => at)).toEqual([0, 2, 6, 14, 30, 62, 126, 226, 326]);
  });

  it("looks at once, and often for a while, when it is woken", async () => {
    const { queue, claims } = stage({ slots: 1 });
    queue.start();
    await vi.advanceTimersByTimeAsync(350);

    claims.length = 0;
    queue.wake();
    await vi.advanceTimersByTimeAsync(20);

    expect(claims.map(({ at }) => at)).toEqual([350, 352, 356, 364]);
  });

  it("claims more when a place falls free", async () => {
    const { queue, claims } = stage({ slots: 2, ready: 3, jobMs: 30 });

    queue.start();
    await vi.advanceTimersByTimeAsync(30);

    expect(claims.slice(0, 2)).toEqual([
      { at: 0, limit: 2 },
      { at: 30, limit: expect.toBeOneOf([1, 2]) },
    ]);
  });

  it("goes on after a claim that failed, and waits longer after each failure", async () => {
    const { queue, claims, errors } = stage({ slots: 1, ready: 1, fails: (claim) => claim < 4 });

    queue.start();
    await vi.advanceTimersByTimeAsync(60_000);

    const pauses = claims.slice(0, 4).map(({ at }, n) => at - (claims[n - 1]?.at ?? at));
    expect(errors).toHaveLength(3);
    expect(pauses).toEqual([0, 25, 50, 100]);
  });

  it("notes that it looked, though all places are taken", async () => {
    const { queue } = stage({ slots: 1, ready: 2 });
    queue.start();
    await vi.advanceTimersByTimeAsync(10);
    const before = Number(queue.lastClaimAt);

    await vi.advanceTimersByTimeAsync(500);

    expect(Number(queue.lastClaimAt) - before).toBeGreaterThanOrEqual(400);
  });

  it("has stopped when the claim under way has ended, whose jobs are there", async () => {
    const played = stage({ slots: 2, ready: 2, claimMs: 50 });
    let isStopped = false;
    played.queue.start();
    await vi.advanceTimersByTimeAsync(10);

    const stopped = played.queue.stop().then(() => (isStopped = true));
    await vi.advanceTimersByTimeAsync(30);
    const isStoppedEarly = isStopped;
    await vi.advanceTimersByTimeAsync(10);
    await stopped;

    expect(isStoppedEarly).toBe(false);
    expect(played.started).toBe(2);
    expect(played.claims).toHaveLength(1);
  });

  it("gives back what has waited here for long, and not what has just come", async () => {
    const freeSlots = () => 0;
    const isWoken = () => true;
    const longestPauseMs = () => 100;
    const random = () => 0.5;
    const refetching = new AdaptiveRefetching({ freeSlots, isWoken, longestPauseMs, random });
    const buffer = new JobBuffer<unknown>();
    // For this long nothing was taken from the buffer, as there was nothing.
    await vi.advanceTimersByTimeAsync(10_000);

    buffer.push(["a"], performance.now());
    await vi.advanceTimersByTimeAsync(1_000);
    const soon = refetching.removeOverdue(buffer, performance.now());
    await vi.advanceTimersByTimeAsync(1_500);
    const late = refetching.removeOverdue(buffer, performance.now());

    expect({ soon, late }).toEqual({ soon: [], late: ["a"] });
  });
});

describe("jobs that a busy worker could hold", () => {
  it("are left to an idle one", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", payload: typed<number>() });
    const ran: string[] = [];
    const handlerOf = (name: string) =>
      task.handle(() => {
        ran.push(name);
        return forever();
      });
    await pawl.enqueueMany([1, 2, 3].map((n) => task.job(n)));
    // A lost lease would run jobs again.
    const lease = "30s";
    const patience = { within: 15_000 };
    const handlers = [handlerOf("busy")];
    const busy = await startWorker(pawl, { handlers, concurrency: 2, lease });
    await eventually(() => ran.length === 2, patience);

    await startWorker(pawl, { handlers: [handlerOf("idle")], concurrency: 1, lease });
    await eventually(() => ran.length === 3, patience);

    expect(ran).toEqual(["busy", "busy", "idle"]);
    expect(busy.health()).toMatchObject({ running: 2, buffered: 0 });
  });
});
