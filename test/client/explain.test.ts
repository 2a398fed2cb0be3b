import { randomUUID } from "node:crypto";
import { defineTask, OptionError, rateLimited, snooze, typed } from "pawl";
import { describe, expect, it } from "vitest";
import {
  enqueue,
  explain,
  explained,
  kindsOf,
  task,
  waitingWorker,
} from "../fixtures/explanations.ts";
import { giveJob, knownWorker, loseWorker } from "../fixtures/known-workers.ts";
import { freshEngine } from "../support/engine.ts";
import { rejectionOf } from "../support/producer.ts";

const failing = defineTask({
  name: "failing",
  payload: typed<string>(),
  retry: { retries: 1, delays: ["1h"] },
});

describe("an explanation", () => {
  it("is of a job, by its id alone or with its queue, and is undefined of one that never was", async () => {
    const engine = await freshEngine();
    const job = await enqueue(engine, { queue: "mail" });

    expect(await explain(engine, job.id)).toMatchObject({
      ...{ queue: "mail", id: job.id, task: "task", state: "ready" },
    });
    expect(await explain(engine, job)).toMatchObject({ id: job.id });
    expect(await engine.pawl.jobs.explain({ queue: "other", id: job.id })).toBeUndefined();
    expect(await engine.pawl.jobs.explain(randomUUID())).toBeUndefined();
  });

  it("says everything that holds, and shows no payload", async () => {
    const engine = await freshEngine();
    await enqueue(engine);
    const job = await enqueue(engine);
    await engine.pawl.queues.pause("default");
    await engine.pawl.tasks.pause("task");

    const explanation = await explain(engine, job);

    expect(kindsOf(explanation)).toEqual(["queuePaused", "taskPaused", "noWorker", "behind"]);
    expect(explanation.text).toBe(explanation.reasons.map(({ text }) => text).join(" "));
    expect(explanation.text).toContain('The queue "default" is paused');
    expect(JSON.stringify(explanation)).not.toContain("secret");
  });

  it("refuses what names no job", async () => {
    const engine = await freshEngine();

    expect(await rejectionOf(engine.pawl.jobs.explain("1"))).toBeInstanceOf(OptionError);
  });
});

describe("a job that has ended", () => {
  it("is said to have succeeded", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(() => undefined)] });
    const job = await enqueue(engine);
    await engine.finished(job);

    const explanation = await explain(engine, job);

    expect(explanation).toMatchObject({
      state: "finished",
      reasons: [{ kind: "finished", outcome: "succeeded", error: null, attempt: 1, replay: null }],
    });
    expect(explanation.text).toMatch(/^It succeeded at \d{4}-.*, with attempt 1\.$/);
  });

  it("is said to have failed, with the first line of the error and the job that replays it", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(failing, "x");
    await engine.pawl.jobs.failPermanently(job, "no such address\nand more");
    const [retried] = await engine.pawl.jobs.retry(job);

    const explanation = await explain(engine, job);

    const replay = { queue: job.queue, id: retried?.job?.id, state: "ready" };
    expect(explanation.reasons).toMatchObject([
      {
        ...{ kind: "finished", outcome: "failed", replay },
        error: "FailedByHandError: no such address",
      },
    ]);
    expect(explanation.text).toContain(`enqueued anew as job ${retried?.job?.id}, which is ready.`);
  });

  it("is said to have been cancelled", async () => {
    const engine = await freshEngine();
    const job = await enqueue(engine);
    await engine.pawl.jobs.cancel(job, "not wanted");

    expect((await explain(engine, job)).text).toMatch(/^It was cancelled at .*: .*not wanted\.$/);
  });
});

describe("a running job", () => {
  it("is said to run, on which worker and since when", async () => {
    const engine = await freshEngine();
    const { started, finish } = await waitingWorker(engine, { name: "grace" });
    const job = await enqueue(engine);
    await engine.until(() => started.includes(job.id));

    const explanation = await explain(engine, job);
    finish();

    expect(explanation).toMatchObject({
      state: "running",
      reasons: [
        {
          ...{ kind: "running", workerName: "grace", attempt: 1, leaseMs: 30_000, isAlive: true },
          since: expect.any(Date) as Date,
          heartbeatAgeMs: expect.any(Number) as number,
        },
      ],
    });
    expect(explanation.text).toMatch(
      /^Worker "grace" on .* claimed it .* its last heartbeat came /,
    );
  });

  it("is said to be cancelled while it runs", async () => {
    const engine = await freshEngine();
    const { started, finish } = await waitingWorker(engine);
    const job = await enqueue(engine);
    await engine.until(() => started.includes(job.id));
    await engine.pawl.jobs.cancel(job, "not wanted");

    const explanation = await explain(engine, job);
    finish();

    expect(explanation.reasons).toMatchObject([
      { kind: "running" },
      { kind: "cancelling", reason: "not wanted" },
    ]);
  });

  it.each([
    ["is silent beyond its lease", "heartbeat_at", "has been silent for 2 hours"],
    ["has ended", "ended_at", "has ended"],
  ] as const)("is said to be for others when its worker %s", async (_, column, text) => {
    const engine = await freshEngine();
    const job = await enqueue(engine);
    const worker = await knownWorker(engine);
    await giveJob(engine, worker, job);
    await loseWorker(engine, worker, { column, ago: "2 hours" });

    const explanation = await explain(engine, job);

    expect(explanation.reasons).toMatchObject([{ kind: "running", isAlive: false }]);
    expect(explanation.text).toContain('Worker "ada" on engine-room claimed it 60 minutes ago');
    expect(explanation.text).toContain(text);
    expect(explanation.text).toContain("resetLockedJobs()");
  });

  it("is said to be held by a worker of which nothing is known", async () => {
    const engine = await freshEngine();
    const job = await enqueue(engine);
    await giveJob(engine, randomUUID(), job);

    expect((await explain(engine, job)).reasons).toMatchObject([
      { kind: "running", workerName: null, heartbeatAgeMs: null, isAlive: false },
    ]);
  });
});

describe("a scheduled job", () => {
  it("waits for the time that its enqueue gave", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    const job = await enqueue(engine, { delay: "1h" });

    const explanation = await explain(engine, job);

    expect(explanation.reasons).toMatchObject([
      { kind: "scheduled", because: "delay", error: null, until: expect.any(Date) as Date },
    ]);
    expect(explanation.text).toContain("in 60 minutes, at ");
  });

  it("waits for its next attempt, with what the last one said", async () => {
    const engine = await freshEngine();
    const fail = (): never => {
      throw new Error("no luck\nat all");
    };
    await engine.work({ handlers: [failing.handle(fail)] });
    const { job } = await engine.pawl.enqueue(failing, "x");

    const explanation = await explained(engine, job, "scheduled");

    expect(explanation.reasons).toMatchObject([
      { kind: "scheduled", because: "retry", error: "no luck" },
    ]);
    expect(explanation.text).toContain(
      "Attempt 1 did not succeed (no luck): it runs again in 60 m",
    );
  });

  it.each([
    ["snooze", () => snooze("1h")],
    ["rateLimited", () => rateLimited({ retryAfter: "1h" })],
  ] as const)("waits because its handler said so: %s", async (because, run) => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(run)] });
    const job = await enqueue(engine);

    expect((await explained(engine, job, "scheduled")).reasons).toMatchObject([{ because }]);
  });

  it("waits for a reason that no history tells", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(failing, "x", { delay: "1h" });
    await engine.sql("update jobs set attempt = 3");

    expect((await explain(engine, job)).reasons).toMatchObject([{ because: "unknown" }, {}]);
  });

  it("is about to be made ready when it has fallen due", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    const job = await enqueue(engine, { delay: "1h" });
    await engine.sql("update jobs set run_at = now() - interval '3 minutes'");

    const explanation = await explain(engine, job);

    expect(kindsOf(explanation)).toEqual(["due"]);
    expect(explanation.text).toContain("It fell due 3 minutes ago");
  });

  it("is said to have no worker as well", async () => {
    const engine = await freshEngine();
    const job = await enqueue(engine, { delay: "1h" });

    expect(kindsOf(await explain(engine, job))).toEqual(["scheduled", "noWorker"]);
  });
});
