import { defineTask, typed, type Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { act, startWorkerProcess } from "../fixtures/worker-process.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const other = defineTask({ name: "other", payload: typed<number>() });

async function waitingIn(pawl: Pawl, queue: string): Promise<number | undefined> {
  const queues = await pawl.queues.list();
  return queues.find(({ name }) => name === queue)?.counts.ready;
}

describe("a paused queue", () => {
  it("is left alone by a worker process within a second, and served again after", async () => {
    const pawl = await freshPawl();
    const child = await startWorkerProcess(pawl, { worker: { queues: ["default"] } });
    const before = await pawl.enqueue(act, { does: "succeed" });
    await child.says("settled", before.job);

    expect(await pawl.queues.pause("default")).toBe(true);
    const pausedAt = performance.now();
    await eventually(async () => (await child.health()).pausedQueues.includes("default"));
    const pausedAfterMs = performance.now() - pausedAt;
    const { job } = await pawl.enqueue(act, { does: "succeed" });
    const elsewhere = await pawl.enqueue(act, { does: "succeed" }, { queue: "elsewhere" });
    // A worker that serves both finds the other one, and by then has looked at this one too.
    const second = await startWorkerProcess(pawl, { worker: { queues: ["default", "elsewhere"] } });
    await second.says("settled", elsewhere.job);
    const state = (await pawl.jobs.get(job))?.state;
    expect(await pawl.queues.resume("default")).toBe(true);
    const resumedAt = performance.now();
    await eventually(() => child.said("settled", job) || second.said("settled", job));
    const resumedAfterMs = performance.now() - resumedAt;

    expect(state).toBe("ready");
    expect(pausedAfterMs).toBeLessThan(1_000);
    expect(resumedAfterMs).toBeLessThan(1_000);
  });

  it.each([
    ["one queue", ["paused"]],
    ["several", ["paused", "open"]],
    ["any queue", undefined],
  ])("is left alone by a new worker of %s from its first claim on", async (_, queues) => {
    const pawl = await freshPawl();
    const ran: string[] = [];
    await pawl.queues.pause("paused");
    await pawl.enqueue(task, 1, { queue: "paused" });
    await pawl.enqueue(task, 2, { queue: "open" });
    const handler = task.handle(({ job }) => void ran.push(job.queue));

    const worker = await startWorker(pawl, { handlers: [handler], ...(queues && { queues }) });
    await eventually(() => ran.includes("open") || worker.health().lastClaimAt !== null);
    await eventually(() => queues?.length === 1 || ran.includes("open"));
    const ranWhilePaused = [...ran];
    const waiting = await waitingIn(pawl, "paused");
    await pawl.queues.resume("paused");
    await eventually(() => ran.includes("paused"));

    expect(ranWhilePaused).not.toContain("paused");
    expect(waiting).toBe(1);
  });

  it("gets back what a worker had buffered, while its running handlers go on", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const handler = task.handle(({ payload }) => (payload < 0 ? finish.opened : undefined));
    const quick = Array.from({ length: 3_000 }, (_, n) => task.job(n));
    const more = Array.from({ length: 500 }, (_, n) => task.job(n));
    await pawl.enqueueMany([...quick, task.job(-1), ...more]);
    const worker = await startWorker(pawl, {
      ...{ handlers: [handler], concurrency: 1, shutdownGrace: "5s" },
    });
    await eventually(async () => {
      const { jobs } = await pawl.jobs.list({ state: "running" });
      return worker.health().running === 1 && jobs.length > 1;
    });

    await pawl.queues.pause("default");

    await eventually(async () => (await waitingIn(pawl, "default")) === 500);
    expect(worker.health()).toMatchObject({ running: 1, buffered: 0 });
    finish.open();
    await eventually(() => worker.health().running === 0);
    expect(await waitingIn(pawl, "default")).toBe(500);
    const [row] = await execute<{ failures: number }>(
      `select sum(failures)::int as failures from ${pawl.schema}.jobs`,
    );
    expect(row?.failures).toBe(0);
  }, 60_000);

  it("is in the list, and counts if and only if the caller's transaction commits", async () => {
    const pawl = await freshPawl();
    await pawl.enqueue(task, 1, { queue: "a", delay: "1h" });
    const { job } = await pawl.enqueue(task, 1, { queue: "b" });

    expect(await pawl.queues.pause("b")).toBe(true);
    expect(await pawl.queues.pause("b")).toBe(false);
    await pawl.queues.pause("empty");

    const none = { scheduled: 0, ready: 0, blocked: 0, running: 0 };
    expect(await pawl.queues.list()).toEqual([
      { name: "a", paused: false, counts: { ...none, scheduled: 1 }, oldestReadyAt: null },
      { name: "b", paused: true, counts: { ...none, ready: 1 }, oldestReadyAt: job.runAt },
      { name: "empty", paused: true, counts: none, oldestReadyAt: null },
    ]);
  });
});

describe("a paused task", () => {
  it("is not started by any worker, while others of its queue are", async () => {
    const pawl = await freshPawl();
    const ran: string[] = [];
    const note = ({ job }: { job: { task: string } }): void => void ran.push(job.task);
    await startWorker(pawl, { handlers: [task.handle(note), other.handle(note)] });
    expect(await pawl.tasks.pause("task")).toBe(true);
    await eventually(async () => {
      await pawl.enqueue(task, 1);
      const { job } = await pawl.enqueue(other, 1);
      await eventually(async () => (await pawl.jobs.get(job))?.state === "finished");
      return !ran.splice(0).includes("task");
    });

    await pawl.enqueueMany([task.job(1), other.job(1)]);
    await eventually(() => ran.includes("other"));

    expect(ran).toEqual(["other"]);
    expect((await pawl.tasks.list()).find(({ name }) => name === "task")).toMatchObject({
      ...{ paused: true, counts: { ready: expect.any(Number) as number } },
    });
    await pawl.tasks.resume("task");
    await eventually(() => ran.includes("task"));
  });
});
