import { randomUUID } from "node:crypto";
import { defineTask, LeaseLostError, typed, type HeldJob, type Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { endedAttempts } from "../fixtures/attempts.ts";
import { claimOne } from "../fixtures/by-hand.ts";
import { clockedPawl } from "../fixtures/clocked-pawl.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { rejectionOf, startWorker } from "../support/producer.ts";

const hour = 3_600_000;
const task = defineTask({ name: "task", payload: typed<number>(), retry: "none" });
const serial = defineTask({
  name: "serial",
  payload: typed<number>(),
  concurrency: { key: "serial" },
});

describe("permanently-fail-jobs is final, and records the reason", () => {
  it("whatever attempts a job has left", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(serial, 1);
    const unknown = randomUUID();

    const results = await pawl.jobs.failPermanently([job.id, unknown], "the tenant has left");

    expect(results).toMatchObject([{ id: job.id, outcome: "failed" }, { outcome: "notFound" }]);
    expect(await pawl.history.attempts(job)).toMatchObject([
      { outcome: "failed", final: true, error: { message: "the tenant has left" } },
    ]);
    expect((await pawl.jobs.list()).jobs).toEqual([]);
  });

  it("frees the concurrency key that a running job held", async () => {
    const pawl = await freshPawl();
    const started = gate();
    const ran: number[] = [];
    await startWorker(pawl, {
      handlers: [
        serial.handle(async ({ payload, signal }) => {
          ran.push(payload);
          if (payload > 1) return;
          started.open();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        }),
      ],
    });
    const [first, second] = await pawl.enqueueMany([serial.job(1), serial.job(2)]);
    await started.opened;
    const before = await pawl.jobs.get(second?.job ?? "");

    const [result] = await pawl.jobs.failPermanently(first?.job.id ?? "", "stuck");

    expect(before).toMatchObject({ state: "blocked" });
    expect(result).toMatchObject({ outcome: "failed" });
    await eventually(() => ran.length === 2);
    expect(await endedAttempts(pawl, first?.job ?? { queue: "", id: "" })).toMatchObject([
      { outcome: "failed", error: { message: "stuck" } },
    ]);
  });
});

describe("reschedule-jobs changes any subset, and refuses running jobs with a clear result", () => {
  it("changes what it is given, and nothing else", async () => {
    const { pawl, clock } = await clockedPawl();
    const jobs = await pawl.enqueueMany([1, 2].map((n) => task.job(n, { delay: "1h" })));
    const ids = jobs.map(({ job }) => job.id);
    const found = (): Promise<unknown> => Promise.all(ids.map((id) => pawl.jobs.get(id)));
    const usual = { priority: 0, maxAttempts: 1, runAt: new Date(clock.now + hour) };
    const runAt = new Date(clock.now + 5 * hour);

    const results = await pawl.jobs.reschedule(ids, { priority: -5 });
    const first = await found();
    await pawl.jobs.reschedule(ids, { runAt });
    const second = await found();
    await pawl.jobs.reschedule(ids, { maxAttempts: 9 });
    const third = await found();

    expect(results.map(({ outcome }) => outcome)).toEqual(["rescheduled", "rescheduled"]);
    const both = (expected: object): object[] => [expected, expected];
    expect(first).toMatchObject(both({ ...usual, priority: -5 }));
    expect(second).toMatchObject(both({ ...usual, priority: -5, runAt }));
    expect(third).toMatchObject(both({ priority: -5, runAt, maxAttempts: 9 }));
  });

  it("leaves a running job as it is, and says so", async () => {
    const pawl = await freshPawl();
    await pawl.enqueue(task, 1);
    const held = await claimOne(pawl);

    const results = await pawl.jobs.reschedule(held.id, { priority: -5, maxAttempts: 9 });

    expect(results).toMatchObject([{ id: held.id, outcome: "running" }]);
    expect(await pawl.jobs.get(held)).toMatchObject({
      state: "running",
      priority: 0,
      maxAttempts: 1,
    });
  });
});

describe("replay-failed-jobs makes new jobs from failed history", () => {
  const other = defineTask({ name: "other", payload: typed<number>(), retry: "none" });

  async function fail(pawl: Pawl, failing: typeof task | typeof other, n: number): Promise<string> {
    await pawl.enqueue(failing, n);
    const job = await claimOne(pawl);
    await pawl.jobs.fail("ada", [{ job, error: "no luck" }]);
    return job.id;
  }

  it("linked to what they came from, once", async () => {
    const { pawl, clock } = await clockedPawl({ tasks: [task, other] });
    const id = await fail(pawl, task, 7);
    clock.now += 1;
    await pawl.enqueue(task, 8);
    await pawl.jobs.complete("ada", [await claimOne(pawl)]);

    const counted = await pawl.history.replay({ dryRun: true });
    const untouched = (await pawl.jobs.list()).jobs;
    const replayed = await pawl.history.replay();
    const again = await pawl.history.replay();

    const { jobs } = await pawl.jobs.list();
    expect(counted).toMatchObject({ matched: 1, created: 1 });
    expect(untouched).toEqual([]);
    expect(replayed).toMatchObject({ matched: 1, created: 1, skipped: 0 });
    expect(again).toMatchObject({ created: 0, skipped: 1 });
    expect(jobs).toMatchObject([{ task: "task", state: "ready", replayOf: id, attempt: 0 }]);
    expect(await pawl.jobs.get(jobs[0] ?? "")).toMatchObject({ payload: 7 });
  });

  it("chosen by their time and their task, with attempts of their own", async () => {
    const { pawl, clock } = await clockedPawl({ tasks: [task, other] });
    const start = clock.now;
    await fail(pawl, task, 1);
    clock.now += hour;
    await fail(pawl, other, 2);
    clock.now += hour;
    await fail(pawl, task, 3);
    clock.now += 1;
    const matched = async (options: object): Promise<number> =>
      (await pawl.history.replay({ dryRun: true, ...options })).matched;

    expect(await matched({})).toBe(3);
    expect(await matched({ from: new Date(start + hour) })).toBe(2);
    expect(await matched({ to: new Date(start + hour) })).toBe(1);
    expect(await matched({ from: new Date(start + 1), to: new Date(start + 2 * hour) })).toBe(1);
    expect(await matched({ task: "task" })).toBe(2);
    await pawl.history.replay({ task: "task", from: new Date(start + 1), maxAttempts: 4 });
    expect((await pawl.jobs.list()).jobs).toMatchObject([{ task: "task", maxAttempts: 4 }]);
  });
});

describe("force-unlock-jobs takes jobs from their workers, whose later settle is refused", () => {
  async function held(): Promise<{ pawl: Pawl; of: Record<"ada" | "bob", HeldJob> }> {
    const pawl = await freshPawl();
    await pawl.enqueueMany([task.job(1), task.job(2)]);
    return { pawl, of: { ada: await claimOne(pawl, "ada"), bob: await claimOne(pawl, "bob") } };
  }

  it("those of the named workers only", async () => {
    const { pawl, of } = await held();

    const unlocked = await pawl.jobs.forceUnlock(["ada"]);

    const refused = await rejectionOf(pawl.jobs.complete("ada", [of.ada]));
    await pawl.jobs.complete("bob", [of.bob]);
    expect(unlocked).toBe(1);
    expect(refused).toBeInstanceOf(LeaseLostError);
    expect(refused).toMatchObject({ jobs: [{ id: of.ada.id }] });
    expect(await endedAttempts(pawl, of.bob)).toMatchObject([{ outcome: "succeeded" }]);
    const again = await eventually(async () => (await pawl.jobs.claim("eve"))[0]);
    expect(again).toMatchObject({ id: of.ada.id, attempt: 2, failures: 0 });
  });

  it("all of them when no worker is named", async () => {
    const { pawl, of } = await held();

    const unlocked = await pawl.jobs.forceUnlock();

    expect(unlocked).toBe(2);
    expect((await pawl.jobs.list({ state: "ready" })).jobs).toHaveLength(2);
    for (const name of ["ada", "bob"] as const) {
      const settle = pawl.jobs.fail(name, [{ job: of[name], error: "too late" }]);
      expect(await rejectionOf(settle)).toBeInstanceOf(LeaseLostError);
    }
  });
});

describe("force-unlock-queues does the same for what runs one at a time", () => {
  async function heldByKey(): Promise<{ pawl: Pawl; of: Map<string | null, HeldJob> }> {
    const pawl = await freshPawl();
    for (const key of ["x", "y"]) {
      for (const n of [1, 2]) await pawl.enqueue(task, n, { concurrency: { key } });
    }
    const jobs = await pawl.jobs.claim("ada", { batchSize: 9 });
    expect(jobs).toHaveLength(2);
    return { pawl, of: new Map(jobs.map((job) => [job.concurrencyKey, job])) };
  }

  it("for the named keys only; the old holder's settle is refused", async () => {
    const { pawl, of } = await heldByKey();
    const [x, y] = [of.get("x"), of.get("y")];
    if (x === undefined || y === undefined) throw new Error("expected a job of each key");

    const unlocked = await pawl.concurrencyKeys.forceUnlock("x");

    expect(unlocked).toBe(1);
    expect(await rejectionOf(pawl.jobs.complete("ada", [x]))).toBeInstanceOf(LeaseLostError);
    await pawl.jobs.complete("ada", [y]);
    const next = await eventually(async () => (await pawl.jobs.claim("bob", { batchSize: 9 }))[0]);
    expect(next).toMatchObject({ failures: 0 });
  });

  it("for all keys when none is named", async () => {
    const { pawl, of } = await heldByKey();

    const unlocked = await pawl.concurrencyKeys.forceUnlock();

    const refused = await rejectionOf(pawl.jobs.complete("ada", [...of.values()]));
    expect(unlocked).toBe(2);
    expect(refused).toMatchObject({ jobs: [{ attempt: 1 }, { attempt: 1 }] });
    expect((await pawl.jobs.list({ state: "running" })).jobs).toEqual([]);
  });
});
