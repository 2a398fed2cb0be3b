import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { HandClaimer, released } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";

// Enough to be told from nothing on a busy machine.
const whileMs = 250;

describe.each([
  ["plain", false],
  ["transactional", true],
])("the history of a %s job", (_, transactional) => {
  const task = defineTask({
    name: "task",
    transactional,
    retry: { retries: 1, delays: [whileMs] },
  });

  it("has one row per attempt", async () => {
    const engine = await freshEngine();
    const handler = task.handle(({ job }) => {
      if (job.attempt === 1) throw new Error("not yet");
    });
    const { worker } = await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(task);
    const attempts = await engine.finished(job);

    expect(attempts.map(({ attemptId }) => attemptId)).toEqual([`${job.id}.1`, `${job.id}.2`]);
    expect(new Set(attempts.map(({ workerId }) => workerId))).toEqual(
      new Set([worker.health().workerId]),
    );
  });

  it("says how long the handler ran", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(() => aWhile(engine))] });

    const { job } = await engine.pawl.enqueue(task);
    const [attempt] = await engine.finished(job);

    expect(attempt?.runMs).toBeGreaterThanOrEqual(whileMs);
    expect(attempt?.runMs).toBeLessThan(whileMs * 8);
    expect(attempt?.queueMs).toBeLessThan(whileMs * 8);
  });

  it("says how long the job waited for a worker", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(task);
    await aWhile(engine);

    await engine.work({ handlers: [task.handle(() => undefined)] });
    const [attempt] = await engine.finished(job);

    expect(attempt?.queueMs).toBeGreaterThanOrEqual(whileMs);
    expect(attempt?.runMs).toBeLessThan(whileMs);
  });

  it("counts the wait behind another job of the worker as time in the queue", async () => {
    const engine = await freshEngine();
    const results = await engine.pawl.enqueueMany([task.job(), task.job()]);
    await engine.work({ handlers: [task.handle(() => aWhile(engine))], concurrency: 1 });

    const ended = await Promise.all(results.map(({ job }) => engine.finished(job)));
    const queueTimes = ended.map(([attempt]) => attempt?.queueMs ?? 0).sort((a, b) => a - b);

    expect(queueTimes[1]).toBeGreaterThanOrEqual((queueTimes[0] ?? 0) + whileMs - 20);
  });

  it("counts no time in the queue before the job was due", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(() => undefined)] });

    const { job } = await engine.pawl.enqueue(task, undefined, { delay: "1s" });
    const [attempt] = await engine.finished(job);

    expect(attempt?.queueMs).toBeLessThan(900);
    expect(attempt?.startedAt?.getTime()).toBeGreaterThanOrEqual(job.runAt.getTime() - 20);
  });

  it("counts the pause before a retry neither as waiting nor as running", async () => {
    const engine = await freshEngine();
    const slow = defineTask({
      name: "slow",
      transactional,
      retry: { retries: 1, delays: ["1s"] },
    });
    const handler = slow.handle(({ job }) => {
      if (job.attempt === 1) throw new Error("not yet");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(slow);
    const [first, second] = await engine.finished(job);

    expect(second?.queueMs).toBeLessThan(900);
    expect(second?.runMs).toBeLessThan(900);
    expect(second?.startedAt?.getTime()).toBeGreaterThan(first?.finishedAt.getTime() ?? Infinity);
  });
});

it("has neither time for a job that was given back before it started", async () => {
  const engine = await freshEngine();
  const { job } = await engine.pawl.enqueue(defineTask({ name: "task" }));
  const claimer = new HandClaimer(engine.store);
  const claimed = await claimer.claimOne();

  await claimer.settle([released(claimed)]);

  expect(await engine.pawl.history.list(job)).toMatchObject([
    { outcome: "released", final: false, startedAt: null, queueMs: null, runMs: null },
  ]);
});

function aWhile(engine: Engine): Promise<boolean> {
  const startedAt = performance.now();
  return engine.until(() => performance.now() - startedAt >= whileMs);
}
