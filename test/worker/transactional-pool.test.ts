import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { freshEngine } from "../support/engine.ts";
import { gate } from "../support/gate.ts";

const heavy = defineTask({ name: "heavy", transactional: true, retry: "none" });
// A session that is idle in its transaction for two of these is ended, and a busy machine takes its time.
const lease = "4s";
const light = defineTask({ name: "light", retry: "none" });

describe("24 transactional handlers on a pool of 10 connections", () => {
  it("all end, although each needs another connection of the pool in the middle", async () => {
    const engine = await freshEngine({ connections: 10 });
    const handler = heavy.handle(async ({ tx, job }) => {
      await engine.write(tx, job.id);
      await engine.pool.query("select pg_sleep(0.02)");
    });
    const { errors, lost } = await engine.work({ handlers: [handler], concurrency: 24, lease });

    const jobs = await engine.pawl.enqueueMany(Array.from({ length: 72 }, () => heavy.job()));
    for (const { job } of jobs) await engine.finished(job);

    expect(await engine.notes()).toEqual(jobs.map(({ job }) => job.id).sort());
    expect(await engine.sql("select distinct outcome, attempt from history")).toEqual([
      { outcome: "succeeded", attempt: 1 },
    ]);
    expect([...errors, ...lost]).toEqual([]);
  });

  it("keep neither the heartbeat nor other jobs from going on while they hold all they can", async () => {
    const engine = await freshEngine({ connections: 10 });
    const isOver = gate();
    const handlers = [heavy.handle(() => isOver.opened), light.handle(() => undefined)];
    const { worker, errors, lost } = await engine.work({ handlers, concurrency: 30, lease });
    const jobs = await engine.pawl.enqueueMany(Array.from({ length: 24 }, () => heavy.job()));
    await engine.until(() => worker.health().running === 24);
    const { job: neighbour } = await engine.pawl.enqueue(light);
    const lastBeatAt = await engine.until(() => worker.health().lastBeatAt);

    const attempts = await engine.finished(neighbour);
    await engine.until(() => hasBeaten(worker.health().lastBeatAt, lastBeatAt, 1_500));
    const health = worker.health();
    isOver.open();
    for (const { job } of jobs) await engine.finished(job);

    expect(attempts).toMatchObject([{ attempt: 1, outcome: "succeeded" }]);
    expect(health).toMatchObject({ isReady: true, running: 24 });
    expect([...errors, ...lost]).toEqual([]);
  });

  it("leave some of the pool to the application", async () => {
    const engine = await freshEngine({ connections: 10 });
    const isOver = gate();
    const handler = heavy.handle(() => isOver.opened);
    const { worker } = await engine.work({ handlers: [handler], concurrency: 24 });
    await engine.pawl.enqueueMany(Array.from({ length: 24 }, () => heavy.job()));
    await engine.until(() => worker.health().running === 24);

    const { rows } = await engine.pool.query("select 1 as one");
    isOver.open();

    expect(rows).toEqual([{ one: 1 }]);
  });
});

describe("transactional handlers on a pool of one connection", () => {
  it("run one after another", async () => {
    const engine = await freshEngine({ connections: 1 });
    const handler = heavy.handle(({ tx, job }) => engine.write(tx, job.id));
    const { errors } = await engine.work({ handlers: [handler] });

    const jobs = await engine.pawl.enqueueMany(Array.from({ length: 20 }, () => heavy.job()));
    for (const { job } of jobs) await engine.finished(job);

    expect(await engine.notes()).toEqual(jobs.map(({ job }) => job.id).sort());
    expect(errors).toEqual([]);
  });
});

describe("a transactional job that waits for a connection", () => {
  it("has not begun to run: the wait counts as time in the queue", async () => {
    const engine = await freshEngine({ connections: 3 });
    const isOver = gate();
    const first = heavy.handle(({ job }) => (job.correlationId === "first" ? isOver.opened : 0));
    const { worker } = await engine.work({ handlers: [first], concurrency: 2 });
    await engine.pawl.enqueue(heavy, undefined, { correlationId: "first" });
    await engine.until(() => worker.health().running === 1);

    const { job } = await engine.pawl.enqueue(heavy);
    await engine.until(() => worker.health().running === 2);
    await engine.sqlUntil(
      "select from jobs where id = $1 and clock_timestamp() > claimed_at + interval '500 milliseconds'",
      [job.id],
    );
    isOver.open();
    const [attempt] = await engine.finished(job);

    expect(attempt?.queueMs).toBeGreaterThan(400);
    expect(attempt?.runMs).toBeLessThan(400);
  });

  it("does not use up the time that its task has", async () => {
    const engine = await freshEngine({ connections: 3 });
    const brief = defineTask({
      name: "brief",
      transactional: true,
      retry: "none",
      timeout: "2s",
    });
    const isOver = gate();
    const handlers = [
      heavy.handle(() => isOver.opened),
      brief.handle(({ tx }) => engine.write(tx, "done")),
    ];
    const { worker } = await engine.work({ handlers, concurrency: 2, lease });
    await engine.pawl.enqueue(heavy);
    await engine.until(() => worker.health().running === 1);

    const { job } = await engine.pawl.enqueue(brief);
    await engine.until(() => worker.health().running === 2);
    await engine.sqlUntil(
      "select from jobs where id = $1 and clock_timestamp() > claimed_at + interval '2500 milliseconds'",
      [job.id],
    );
    isOver.open();
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ attempt: 1, outcome: "succeeded" }]);
  });
});

function hasBeaten(now: Date | null, before: Date, forMs: number): boolean {
  return now !== null && now.getTime() - before.getTime() >= forMs;
}
