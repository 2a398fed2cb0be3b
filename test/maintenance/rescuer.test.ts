import { spawnSync } from "node:child_process";
import { ownIdentity } from "#pawl/lifecycle/process-identity";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Rescuer } from "#pawl/maintenance/rescuer";
import type { LostWorker } from "#pawl/store/workers";

const leaseMs = 1_000;
const alive: LostWorker = {
  ...{ id: "alive", lease_ms: leaseMs, ended: false, silent: false },
  ...{ pid: null, process_start: null },
};
const silent: LostWorker = { ...alive, id: "silent", silent: true };
const ended: LostWorker = { ...alive, id: "ended", ended: true };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

interface Stage {
  readonly rescuer: Rescuer;
  /** Whom it has rescued, and when. */
  readonly rescues: { readonly id: string; readonly at: number }[];
  /** What the database says; "nothing" is a question that is never answered. */
  answer: readonly LostWorker[] | Error | "nothing";
}

/** A rescuer with a database that is played: whoever was rescued is not found again. */
function stage(answer: Stage["answer"]): Stage {
  const startedAt = performance.now();
  const query = (statement: { name: string }, values: readonly unknown[]): Promise<object[]> => {
    if (statement.name === "jobs/rescue") {
      set.rescues.push({ id: String(values[0]), at: performance.now() - startedAt });
      return Promise.resolve([{ rescued: 1 }]);
    }
    if (set.answer === "nothing") return new Promise(() => undefined);
    if (set.answer instanceof Error) return Promise.reject(set.answer);
    const known = new Set(set.rescues.map(({ id }) => id));
    return Promise.resolve(set.answer.filter(({ id }) => !known.has(id)));
  };
  const store = { sql: (name: string) => ({ name, text: name }), db: { query } };
  const rescuer = new Rescuer(store as never, {
    everyMs: leaseMs / 5,
    toleratedMs: 1_000,
    onError: () => undefined,
    random: () => 0.5,
  });
  const set: Stage = { rescuer, rescues: [], answer };
  rescuer.loop.start();
  return set;
}

describe("the rescuer", () => {
  it("takes the jobs of a worker that has ended at once", async () => {
    const { rescues } = stage([ended]);

    await vi.advanceTimersByTimeAsync(0);

    expect(rescues).toEqual([{ id: "ended", at: 0 }]);
  });

  it("takes the jobs of a worker whose process on this machine is gone, when what it had sent has come", async () => {
    const { pid } = spawnSync("true");
    const { rescues } = stage([{ ...alive, id: "killed", pid, process_start: 1 }]);

    await vi.advanceTimersByTimeAsync(100);

    expect(rescues).toEqual([{ id: "killed", at: 100 }]);
  });

  it("leaves a worker alone whose process lives", async () => {
    const { pid, processStart } = ownIdentity();
    const { rescues } = stage([{ ...alive, pid, process_start: processStart }]);

    await vi.advanceTimersByTimeAsync(10 * leaseMs);

    expect(rescues).toEqual([]);
  });

  it("judges a silent worker when the database has been answering for a full lease, not before", async () => {
    const { rescues } = stage([silent]);

    await vi.advanceTimersByTimeAsync(leaseMs - 1);
    expect(rescues).toEqual([]);
    await vi.advanceTimersByTimeAsync(leaseMs / 5 + 1);

    expect(rescues).toEqual([{ id: "silent", at: leaseMs }]);
  });

  it("judges at the next look when the database has been answering all along", async () => {
    const played = stage([]);
    await vi.advanceTimersByTimeAsync(5 * leaseMs + 1);

    played.answer = [silent];
    await vi.advanceTimersByTimeAsync(leaseMs / 5);

    expect(played.rescues).toEqual([{ id: "silent", at: 5 * leaseMs + leaseMs / 5 }]);
  });

  it("waits for a full lease again after a failed look", async () => {
    const played = stage([]);
    await vi.advanceTimersByTimeAsync(5 * leaseMs);
    played.answer = new Error("down");
    await vi.advanceTimersByTimeAsync(leaseMs);

    played.answer = [silent];
    await vi.advanceTimersByTimeAsync(leaseMs - 1);
    expect(played.rescues).toEqual([]);
    await vi.advanceTimersByTimeAsync(leaseMs);

    expect(played.rescues).toHaveLength(1);
  });

  it("waits for a full lease again when it was frozen itself, though no look has failed", async () => {
    const played = stage([]);
    await vi.advanceTimersByTimeAsync(5 * leaseMs + 1);

    played.answer = [silent];
    skipAhead(10 * leaseMs);
    await vi.advanceTimersByTimeAsync(leaseMs - 1);

    expect(played.rescues).toEqual([]);
  });

  it("goes on looking for ever when nobody is lost", async () => {
    const played = stage([]);
    await vi.advanceTimersByTimeAsync(100 * leaseMs);

    played.answer = [ended];
    await vi.advanceTimersByTimeAsync(leaseMs / 5);

    expect(played.rescues).toHaveLength(1);
  });
});

// The clock jumps and no timer has fired in between: what a process sees that was stopped.
function skipAhead(ms: number): void {
  const now = performance.now.bind(performance);
  const jumped = vi.spyOn(performance, "now").mockImplementation(() => now() + ms);
  onTestFinished(() => jumped.mockRestore());
}
