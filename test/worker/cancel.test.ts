import { CancelledError, defineTask, LeaseLostError, snooze, typed } from "pawl";
import { describe, expect, it } from "vitest";
import { aborted, forever } from "../fixtures/aborted.ts";
import { endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { act, startWorkerProcess } from "../fixtures/worker-process.ts";
import { freshEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const writing = defineTask({ name: "writing", transactional: true });

describe("cancelling a running job", () => {
  it("aborts its signal in another process, within a second, and ends it", async () => {
    const pawl = await freshPawl();
    const child = await startWorkerProcess(pawl);
    const { job } = await pawl.enqueue(act, { does: "hang" });
    await child.says("running", job);

    const startedAt = performance.now();
    const results = await pawl.jobs.cancel(job, "not wanted");
    await child.says("aborted", job);
    const tookMs = performance.now() - startedAt;

    expect(results).toMatchObject([{ outcome: "cancelling" }]);
    expect(child.messages).toContainEqual({
      ...{ kind: "aborted", id: job.id, name: "CancelledError" },
    });
    expect(tookMs).toBeLessThan(1_000);
    expect(await endedAttempts(pawl, job)).toMatchObject([
      {
        ...{ outcome: "cancelled", attempt: 1, startedAt: expect.any(Date) as Date },
        error: { code: "PAWL_JOB_CANCELLED", message: "not wanted" },
      },
    ]);
    expect(child.said("lease lost", job)).toBe(false);
  });

  it("gives the handler the reason", async () => {
    const pawl = await freshPawl();
    const reasons: Error[] = [];
    const handler = task.handle(async ({ signal }) => {
      const reason = await aborted(signal);
      reasons.push(reason);
      throw reason;
    });
    const worker = await startWorker(pawl, { handlers: [handler] });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    await pawl.jobs.cancel(job, "not wanted");
    await endedAttempts(pawl, job);

    expect(reasons[0]).toBeInstanceOf(CancelledError);
    expect(reasons[0]).toMatchObject({ code: "PAWL_JOB_CANCELLED", message: "not wanted" });
  });

  it.each([
    ["returns in spite of it has succeeded", () => undefined, "succeeded"],
    ["wants to go on later is cancelled", () => snooze("1h"), "cancelled"],
    ["throws is cancelled", () => Promise.reject(new Error("no")), "cancelled"],
  ])("means that a handler that %s", async (_, end, outcome) => {
    const pawl = await freshPawl();
    const handler = task.handle(async ({ signal }) => {
      await aborted(signal);
      return end();
    });
    const worker = await startWorker(pawl, { handlers: [handler] });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    await pawl.jobs.cancel(job);

    expect(await endedAttempts(pawl, job)).toMatchObject([{ outcome, final: true }]);
  });

  it("ends a job whose handler ignores its signal", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers: [task.handle(forever)] });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    await pawl.jobs.cancel(job);

    expect(await endedAttempts(pawl, job)).toMatchObject([{ outcome: "cancelled" }]);
  });

  it("ends a job that waits in a worker's buffer, without starting it", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const started: number[] = [];
    const handler = task.handle(({ payload }) => {
      started.push(payload);
      return payload === -1 ? finish.opened : undefined;
    });
    const quick = Array.from({ length: 3_000 }, (_, n) => task.job(n));
    const slow = [task.job(-1)];
    const last = Array.from({ length: 300 }, () => task.job(-2));
    const enqueued = await pawl.enqueueMany([...quick, ...slow, ...last]);
    const worker = await startWorker(pawl, { handlers: [handler], concurrency: 1 });
    await eventually(() => started.at(-1) === -1 && worker.health().buffered > 0, {
      within: 30_000,
    });
    const { jobs: running } = await pawl.jobs.list({ state: "running", limit: 1_000 });
    const slowId = enqueued[3_000]?.job.id;
    const buffered = running.filter(({ id }) => id !== slowId);

    const results = await pawl.jobs.cancel(buffered);

    expect(new Set(results.map(({ outcome }) => outcome))).toContain("cancelling");
    // Whether it was still buffered, or had been given back by then.
    await eventually(async () => {
      const { jobs } = await pawl.jobs.list({ state: "running", limit: 1_000 });
      return !jobs.some(({ id }) => results.some((result) => result.id === id));
    });
    expect(started.at(-1)).toBe(-1);
    finish.open();
  }, 60_000);

  it("leaves other jobs of the worker alone", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const reasons: unknown[] = [];
    const handler = task.handle(async ({ payload, signal }) => {
      void aborted(signal).then((reason) => reasons.push([payload, reason]));
      if (payload === 1) throw await aborted(signal);
      return finish.opened;
    });
    const worker = await startWorker(pawl, { handlers: [handler], shutdownGrace: "5s" });
    const [first, second] = await pawl.enqueueMany([task.job(1), task.job(2)]);
    await eventually(() => worker.health().running === 2);

    await pawl.jobs.cancel(first?.job ?? []);
    await endedAttempts(pawl, first?.job ?? { queue: "", id: "" });
    finish.open();

    expect(await endedAttempts(pawl, second?.job ?? { queue: "", id: "" })).toMatchObject([
      { outcome: "succeeded" },
    ]);
    expect(reasons).toHaveLength(1);
  });
});

describe("cancelling the job of a transactional handler", () => {
  it.each([
    ["throws", true],
    ["returns in spite of it", false],
  ])("rolls back what it wrote when it %s", async (_, throws) => {
    const engine = await freshEngine();
    const started = gate();
    const handler = writing.handle(async ({ tx, signal }) => {
      await engine.write(tx, "written");
      started.open();
      const reason = await aborted(signal);
      if (throws) throw reason;
    });
    await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(writing);
    await started.opened;

    const results = await engine.pawl.jobs.cancel(job);

    expect(results).toMatchObject([{ outcome: "cancelling" }]);
    expect(await engine.finished(job)).toMatchObject([{ outcome: "cancelled" }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("leaves its success alone when it returned before it was told", async () => {
    const engine = await freshEngine();
    const started = gate();
    const finish = gate();
    const handler = writing.handle(async ({ tx }) => {
      await engine.write(tx, "written");
      started.open();
      await finish.opened;
    });
    await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(writing);
    await started.opened;

    const db = await engine.connect();
    await db.query("begin");
    await engine.pawl.jobs.cancel(job, "too late", { db });
    await db.query("rollback");
    finish.open();

    expect(await engine.finished(job)).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["written"]);
  });
});

describe("failing a running job by hand", () => {
  it("ends it at once; its handler is told, and what it says no longer counts", async () => {
    const engine = await freshEngine();
    const reasons: Error[] = [];
    const handler = task.handle(async ({ signal }) => {
      reasons.push(await aborted(signal));
    });
    const { worker, lost } = await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(task, 1);
    await engine.until(() => worker.health().running === 1);

    const results = await engine.pawl.jobs.failPermanently(job, "not wanted");

    expect(results).toMatchObject([{ outcome: "failed" }]);
    expect(await engine.pawl.jobs.get(job)).toMatchObject({ state: "finished", outcome: "failed" });
    await engine.until(() => reasons.length === 1 && worker.health().running === 0);
    expect(reasons[0]).toBeInstanceOf(LeaseLostError);
    expect(lost[0]?.jobs).toMatchObject([{ id: job.id }]);
    expect(await engine.pawl.history.attempts(job)).toMatchObject([
      { outcome: "failed", error: { message: "not wanted" } },
    ]);
  });

  it("does not wait for a transactional handler, whose writes roll back", async () => {
    const engine = await freshEngine();
    const started = gate();
    const handler = writing.handle(async ({ tx }) => {
      await engine.write(tx, "written");
      started.open();
      await forever();
    });
    await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(writing);
    await started.opened;

    const results = await engine.pawl.jobs.failPermanently(job, "not wanted");

    expect(results).toMatchObject([{ outcome: "failed" }]);
    expect(await engine.finished(job)).toMatchObject([{ outcome: "failed" }]);
    expect(await engine.notes()).toEqual([]);
  });
});

describe("rescheduling a running job", () => {
  it("is refused", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const worker = await startWorker(pawl, { handlers: [task.handle(() => finish.opened)] });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    expect(await pawl.jobs.reschedule(job, { delay: "1h" })).toMatchObject([
      { outcome: "running" },
    ]);
    expect(await pawl.jobs.retry(job)).toMatchObject([{ outcome: "running" }]);
    finish.open();
    expect(await endedAttempts(pawl, job)).toMatchObject([{ outcome: "succeeded" }]);
  });
});
