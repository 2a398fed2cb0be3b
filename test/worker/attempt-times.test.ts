import { describe, expect, it } from "vitest";
import { defineTask, type HistoryAttempt } from "pawl";
import { HandClaimer, released } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";

// Enough to be told from nothing on a busy machine.
const whileMs = 250;
// By so much the clocks of the test and of the database may disagree.
const clockMs = 20;
// A lost lease would add an attempt.
const lease = "30s";

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
    const { worker } = await engine.work({ handlers: [handler], lease });

    const { job } = await engine.pawl.enqueue(task);
    const attempts = await engine.finished(job);

    expect(attempts.map(({ attemptId }) => attemptId)).toEqual([`${job.id}.1`, `${job.id}.2`]);
    expect(new Set(attempts.map(({ workerId }) => workerId))).toEqual(
      new Set([worker.health().workerId]),
    );
  });

  it("says how long the handler ran", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(() => aWhile(engine))], lease });

    const before = performance.now();
    const { job } = await engine.pawl.enqueue(task);
    const [attempt] = await engine.finished(job);
    const elapsedMs = performance.now() - before;

    expect(attempt?.runMs).toBeGreaterThanOrEqual(whileMs);
    expect(totalMs(attempt)).toBeLessThanOrEqual(elapsedMs + clockMs);
  });

  it("says how long the job waited for a worker", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(task);
    await aWhile(engine);

    const before = performance.now();
    await engine.work({ handlers: [task.handle(() => undefined)], lease });
    const [attempt] = await engine.finished(job);
    const workedMs = performance.now() - before;

    expect(attempt?.queueMs).toBeGreaterThanOrEqual(whileMs);
    expect(attempt?.runMs).toBeLessThanOrEqual(workedMs);
  });

  it("counts the wait behind another job of the worker as time in the queue", async () => {
    const engine = await freshEngine();
    const ends: { readonly id: string; readonly at: number }[] = [];
    const handler = task.handle(async ({ job: { id } }) => {
      await aWhile(engine);
      ends.push({ id, at: performance.now() });
    });
    const results = await engine.pawl.enqueueMany([task.job(), task.job()]);
    const enqueuedAt = performance.now();
    await engine.work({ handlers: [handler], concurrency: 1, lease });

    const ended = await Promise.all(results.map(({ job }) => engine.finished(job)));
    const [first, second] = ends;
    const behind = ended.flat().find(({ id }) => id === second?.id);

    expect(behind?.queueMs).toBeGreaterThanOrEqual((first?.at ?? Infinity) - enqueuedAt - clockMs);
  });

  it("counts no time in the queue before the job was due", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(() => undefined)], lease });

    const before = performance.now();
    const { job } = await engine.pawl.enqueue(task, undefined, { delay: "1s" });
    const [attempt] = await engine.finished(job);
    const elapsedMs = performance.now() - before;

    expect(totalMs(attempt)).toBeLessThanOrEqual(elapsedMs - 1_000 + clockMs);
    expect(attempt?.startedAt?.getTime()).toBeGreaterThanOrEqual(job.runAt.getTime() - clockMs);
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
    await engine.work({ handlers: [handler], lease });

    const { job } = await engine.pawl.enqueue(slow);
    const [first, second] = await engine.finished(job);

    const betweenEndsMs = Number(second?.finishedAt) - Number(first?.finishedAt);
    expect(totalMs(second)).toBeLessThanOrEqual(betweenEndsMs - 1_000 + clockMs);
    expect(second?.startedAt?.getTime()).toBeGreaterThan(first?.finishedAt.getTime() ?? Infinity);
  });
});

it("has neither time for a job that was given back before it started", async () => {
  const engine = await freshEngine();
  const { job } = await engine.pawl.enqueue(defineTask({ name: "task" }));
  const claimer = new HandClaimer(engine.store);
  const claimed = await claimer.claimOne();

  await claimer.settle([released(claimed)]);

  expect(await engine.pawl.history.attempts(job)).toMatchObject([
    { outcome: "released", final: false, startedAt: null, queueMs: null, runMs: null },
  ]);
});

/** From when a job was due to the end of its attempt. */
function totalMs(attempt: HistoryAttempt | undefined): number {
  return (attempt?.queueMs ?? NaN) + (attempt?.runMs ?? NaN);
}

function aWhile(engine: Engine): Promise<boolean> {
  const startedAt = performance.now();
  return engine.until(() => performance.now() - startedAt >= whileMs);
}
