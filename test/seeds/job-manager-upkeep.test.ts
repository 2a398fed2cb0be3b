import { defineTask, typed } from "pawl";
import { describe, expect, it } from "vitest";
import { endedAttempts } from "../fixtures/attempts.ts";
import { claimOne } from "../fixtures/by-hand.ts";
import { clockedPawl } from "../fixtures/clocked-pawl.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { act, hideMachines, startWorkerProcess } from "../fixtures/worker-process.ts";
import { eventually } from "../support/eventually.ts";
import { startWorker } from "../support/producer.ts";

const minute = 60_000;
const day = 86_400_000;
const task = defineTask({ name: "task", payload: typed<number>() });
const limited = defineTask({
  name: "limited",
  payload: typed<number>(),
  rateLimit: { key: "api" },
});
const lasting = defineTask({
  name: "lasting",
  payload: typed<number>(),
  historyRetention: "90 days",
});
const handlers = [
  lasting.handle(() => "done"),
  limited.handle(() => "done"),
  task.handle(() => "done"),
];

describe("register-rate-limit creates a limit or updates it", () => {
  it('takes an interval like "1 minute"', async () => {
    const pawl = await freshPawl();

    await pawl.rateLimits.register("api", { capacity: 2, interval: "1 minute" });
    const created = await pawl.rateLimits.get("api");
    await pawl.rateLimits.register("api", { capacity: 5, interval: "2 hours" });

    expect(created).toMatchObject({ key: "api", capacity: 2, intervalMs: minute, used: 0 });
    expect(await pawl.rateLimits.list()).toMatchObject([{ capacity: 5, intervalMs: 120 * minute }]);
  });

  it("lets no more jobs start than it says, and more when it is raised", async () => {
    const pawl = await freshPawl();
    await pawl.rateLimits.register("api", { capacity: 2, interval: "1 hour" });
    for (let n = 0; n < 4; n += 1) await pawl.enqueue(limited, n);
    const work = async (): Promise<unknown> =>
      (await pawl.workOnce({ handlers }))?.job.task ?? null;

    expect([await work(), await work(), await work()]).toEqual(["limited", "limited", null]);
    await pawl.rateLimits.register("api", { capacity: 3, interval: "1 hour" });
    expect([await work(), await work()]).toEqual(["limited", null]);
  });
});

describe("refill-rate-limits refills windows that have passed", () => {
  it("and none that has not, and counts them", async () => {
    const { pawl, clock } = await clockedPawl();
    for (const [key, interval] of [
      ["short", "1m"],
      ["long", "1h"],
    ] as const) {
      await pawl.rateLimits.register(key, { capacity: 1, interval });
      await pawl.enqueue(task, 1, { rateLimit: { key } });
      await pawl.workOnce({ handlers });
    }
    const used = async (): Promise<unknown[]> =>
      (await pawl.rateLimits.list()).map((limit) => [limit.key, limit.used]);
    const before = await used();

    const tooEarly = await pawl.rateLimits.refill();
    clock.now += minute;
    const inTime = await pawl.rateLimits.refill();

    expect([tooEarly, inTime]).toEqual([0, 1]);
    expect(before).toEqual(expect.arrayContaining([["short", 1], ["long", 1]])); // prettier-ignore
    expect(await used()).toEqual(expect.arrayContaining([["short", 0], ["long", 1]])); // prettier-ignore
  });

  it("also by itself", async () => {
    const pawl = await freshPawl();
    const ran: number[] = [];
    await pawl.rateLimits.register("api", { capacity: 1, interval: "500ms" });
    await startWorker(pawl, {
      handlers: [limited.handle(({ payload }) => void ran.push(payload))],
    });

    for (let n = 0; n < 3; n += 1) await pawl.enqueue(limited, n);
    await eventually(() => ran.length === 3);

    expect(ran).toEqual([0, 1, 2]);
  });

  it("also by itself when jobs are claimed by hand, as the clock says", async () => {
    const { pawl, clock } = await clockedPawl();
    await pawl.rateLimits.register("api", { capacity: 1, interval: "1h" });
    for (const n of [1, 2]) await pawl.enqueue(limited, n);
    const first = await pawl.jobs.claim("ada", { batchSize: 9 });
    const none = await pawl.jobs.claim("ada", { batchSize: 9 });

    clock.now += 60 * minute;
    const second = await pawl.jobs.claim("ada", { batchSize: 9 });

    expect([first, none, second].map((jobs) => jobs.map(({ payload }) => payload))).toEqual([
      [1],
      [],
      [2],
    ]);
  });
});

describe("reset-locked-jobs gives back the jobs of dead workers, and counts them", () => {
  it("by hand: those that were claimed long enough ago, and none of a living worker", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(act, { does: "hang" });
    const doomed = await startWorkerProcess(pawl, { worker: { lease: "1s" } });
    await doomed.says("running", job);
    await pawl.enqueue(task, 1);
    const held = await claimOne(pawl);
    // Else the one that claims by hand sees that the process is gone, and takes the job itself.
    await hideMachines(pawl);
    doomed.process.kill("SIGKILL");
    await doomed.exited;

    const young = await pawl.maintenance.resetLockedJobs({ olderThan: "1h" });
    await eventually(async () => (await pawl.maintenance.resetLockedJobs()) === 1);

    expect(young).toBe(0);
    expect(await pawl.maintenance.resetLockedJobs()).toBe(0);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", attempt: 1 });
    await pawl.jobs.complete("ada", [held]);
  });

  it("also by itself, within seconds", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(act, { does: "hang" });
    const doomed = await startWorkerProcess(pawl, { worker: { lease: "1s" } });
    await doomed.says("running", job);
    await startWorker(pawl, { handlers: [act.handle(() => "done")], lease: "1s" });

    doomed.process.kill("SIGKILL");

    expect(await endedAttempts(pawl, job)).toMatchObject([
      { outcome: "crashed", final: false },
      { outcome: "succeeded", final: true },
    ]);
  });
});

describe("gc-job-history drops what has expired, and counts it", () => {
  it("and nothing that is still kept", async () => {
    const { pawl, clock } = await clockedPawl();
    for (const n of [1, 2]) await pawl.enqueue(task, n);
    await pawl.enqueue(lasting, 3);
    for (let turn = 0; turn < 3; turn += 1) await pawl.workOnce({ handlers });

    const tooEarly = await pawl.maintenance.pruneHistory();
    clock.now += 32 * day;
    const inTime = await pawl.maintenance.pruneHistory();

    expect([tooEarly, inTime]).toEqual([0, 2]);
    expect((await pawl.history.list()).attempts).toMatchObject([{ payload: 3 }]);
  });
});

describe("gc-job-queues removes empty, unlocked queues, and counts them", () => {
  it("and none with jobs", async () => {
    const pawl = await freshPawl();
    const busy = { queue: "busy", concurrency: { key: "busy" } };
    const empty = { queue: "empty", concurrency: { key: "empty" } };
    await pawl.enqueueMany([task.job(1, busy), task.job(2, busy), task.job(3, empty)]);
    await pawl.workOnce({ queues: ["busy"], handlers });
    await pawl.workOnce({ queues: ["empty"], handlers });
    const next = await pawl.workOnce({ queues: ["empty"], handlers }); // looks for whom the last one let through
    await pawl.queues.pause("paused");
    const keys = async (): Promise<unknown> =>
      (await pawl.concurrencyKeys.list()).map(({ key }) => key).sort();
    const before = await keys();

    const first = await pawl.maintenance.pruneQueues();

    expect(before).toEqual(["busy", "empty"]);
    expect(next).toBeNull();
    expect(first).toBe(1);
    expect(await keys()).toEqual(["busy"]);
    await pawl.queues.resume("paused");
    expect(await pawl.maintenance.pruneQueues()).toBe(1);
  });
});

describe("gc-task-identifiers removes tasks that are unreferenced and old, and counts them", () => {
  it("after 30 days, or as long as asked", async () => {
    const { pawl, clock } = await clockedPawl();
    const worker = await startWorker(pawl, { handlers });
    await worker.stop();
    await pawl.enqueue(task, 1, { delay: "90 days" });
    const known = async (): Promise<unknown> => (await pawl.tasks.list()).map(({ name }) => name);
    const before = await known();

    const young = await pawl.maintenance.pruneTasks();
    clock.now += 31 * day;
    const longer = await pawl.maintenance.pruneTasks({ keepFor: "60 days" });
    const old = await pawl.maintenance.pruneTasks();

    expect(before).toEqual(expect.arrayContaining(["limited", "task"]));
    expect([young, longer, old]).toEqual([0, 0, 2]);
    expect(await known()).toEqual(["task"]);
  });
});
