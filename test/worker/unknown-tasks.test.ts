import { defineTask, typed } from "pawl";
import { describe, expect, it } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const known = defineTask({ name: "known", payload: typed<number>() });
const unknown = defineTask({ name: "unknown", payload: typed<number>() });
const handlers = [known.handle(() => undefined)];
const unknownTaskGrace = "400ms";

describe("a job whose task a worker does not know", () => {
  it("is left to a worker that does", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers });
    const { job } = await pawl.enqueue(unknown, 1);
    const { job: other } = await pawl.enqueue(known, 1);
    await endedOutcomes(pawl, other);
    const left = await pawl.jobs.get(job);

    await startWorker(pawl, { handlers: [unknown.handle(() => undefined)] });

    expect(left).toMatchObject({ state: "ready", attempt: 0 });
    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
  });

  it("fails after the grace period when no worker knows it, and not before", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, unknownTaskGrace });

    const { job } = await pawl.enqueue(unknown, 7, { correlationId: "chain" });
    const [attempt, ...more] = await endedAttempts(pawl, job);

    expect(more).toEqual([]);
    expect(attempt).toMatchObject({
      outcome: "failed",
      final: true,
      payload: 7,
      correlationId: "chain",
      startedAt: null,
      error: {
        code: "PAWL_TASK_UNHANDLED",
        message: expect.stringMatching(/"default".*"unknown"/),
      },
    });
    expect(Number(attempt?.finishedAt) - job.runAt.getTime()).toBeGreaterThanOrEqual(399);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "finished" });
  });

  it("does not keep those behind it from running, however many there are", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, concurrency: 2 });
    await pawl.enqueueMany(
      Array.from({ length: 1_000 }, (_, n) => unknown.job(n, { priority: -1 })),
    );

    const waits: number[] = [];
    for (let n = 0; n < 5; n++) {
      const { job } = await pawl.enqueue(known, n);
      const [attempt] = await endedAttempts(pawl, job);
      waits.push(Number(attempt?.queueMs));
    }

    // One or two of them may meet a pause of the machine.
    waits.sort((a, b) => a - b);
    expect(waits[2]).toBeLessThan(1_500);
  });

  it("waits as long as a worker lives that knows it, busy as it may be", async () => {
    const pawl = await freshPawl();
    const other = await startWorker(pawl, {
      handlers: [
        unknown.handle(
          ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
        ),
      ],
      concurrency: 1,
      lease: "30s",
    });
    await pawl.enqueue(unknown, 0);
    await eventually(() => other.health().running === 1);
    await startWorker(pawl, { handlers, unknownTaskGrace });

    const { job: waiting } = await pawl.enqueue(unknown, 1);
    const { job: failing } = await pawl.enqueueByName("nobody knows");
    await endedAttempts(pawl, failing);

    expect(await pawl.jobs.get(waiting)).toMatchObject({ state: "ready" });
  });

  it("is given the grace period again when the worker that knew it has just ended, as in a deploy", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, unknownTaskGrace: "1s" });
    const former = await startWorker(pawl, { handlers: [unknown.handle(() => undefined)] });
    const { workerId } = former.health();
    await former.stop();
    const { job } = await pawl.enqueue(unknown, 1, { runAt: new Date(0) });

    const [attempt] = await endedAttempts(pawl, job);

    expect(attempt).toMatchObject({ error: { code: "PAWL_TASK_UNHANDLED" } });
    const [row] = await execute<{ ended_at: Date }>(
      `select ended_at from "${pawl.schema}".workers where id = $1`,
      [workerId],
    );
    expect(Number(attempt?.finishedAt) - Number(row?.ended_at)).toBeGreaterThanOrEqual(999);
  });

  it("fails though another worker knows its task, if that one serves other queues only", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers: [unknown.handle(() => undefined)], queues: ["elsewhere"] });
    await startWorker(pawl, { handlers, queues: ["here"], unknownTaskGrace });

    const { job } = await pawl.enqueue(unknown, 1, { queue: "here" });

    expect(await endedAttempts(pawl, job)).toMatchObject([
      { outcome: "failed", error: { code: "PAWL_TASK_UNHANDLED" } },
    ]);
  });

  it("fails with all the others of its kind when there are more than go in one batch", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, unknownTaskGrace });

    const results = await pawl.enqueueMany(Array.from({ length: 1_200 }, (_, n) => unknown.job(n)));

    for (const { job } of [results[0], results.at(-1)].filter((result) => result !== undefined)) {
      expect(await endedOutcomes(pawl, job)).toEqual(["failed"]);
    }
  });
});
