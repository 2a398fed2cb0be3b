import { describe, expect, it } from "vitest";
import { defineTask, UnrecoverableError, type JobReference } from "pawl";
import { dashboard } from "pawl/dashboard";
import { byHeader, change } from "../support/dashboard.ts";
import { freshEngine, type Engine } from "../support/engine.ts";

const send = defineTask({ name: "send" });
const missing = { queue: "default", id: "01890000-0000-7000-8000-000000000000" };

async function freshDashboard() {
  const engine = await freshEngine();
  return { engine, pawl: engine.pawl, handler: dashboard(engine.pawl, { authorize: byHeader }) };
}

describe("jobs that are named", () => {
  it("are retried: scheduled ones run now, failed ones are enqueued anew", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    const scheduled = await enqueue(engine, { delay: "1h" });
    const failed = await failedJob(engine);

    const jobs = [scheduled, failed, missing];
    const answer = await (await change(handler, "retry-jobs", { jobs })).json();

    expect(answer).toEqual({
      outcomes: [
        { ...scheduled, outcome: "retried" },
        { ...failed, outcome: "replayed" },
        { ...missing, outcome: "notFound" },
      ],
    });
    expect(await pawl.jobs.get(scheduled)).toMatchObject({ state: "ready" });
  });

  it("are cancelled, with the reason", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    const job = await enqueue(engine, {});

    const body = { jobs: [job, job], reason: "no longer wanted" };
    const answer = await (await change(handler, "cancel-jobs", body)).json();

    expect(answer).toEqual({ outcomes: [{ ...job, outcome: "cancelled" }] });
    const [attempt] = await pawl.history.attempts(job);
    expect(attempt).toMatchObject({ outcome: "cancelled", error: { message: "no longer wanted" } });
  });

  it.each([
    ["runAt", { runAt: "2030-01-31T12:00:00Z" }, { runAt: new Date("2030-01-31T12:00:00Z") }],
    ["priority", { priority: -3 }, { priority: -3 }],
  ])("are rescheduled by %s", async (_, rescheduling, expected) => {
    const { engine, pawl, handler } = await freshDashboard();
    const job = await enqueue(engine, {});

    const answer = await (
      await change(handler, "reschedule-jobs", { jobs: [job], ...rescheduling })
    ).json();

    expect(answer).toEqual({ outcomes: [{ ...job, outcome: "rescheduled" }] });
    expect(await pawl.jobs.get(job)).toMatchObject(expected);
  });
});

describe("ended jobs that are named", () => {
  it("are replayed once", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    const job = await failedJob(engine);

    const body = { jobs: [job] };
    const first = await (await change(handler, "replay-jobs", body)).json();
    const second = await (await change(handler, "replay-jobs", body)).json();

    expect(first).toEqual({ outcomes: [{ ...job, outcome: "replayed" }] });
    expect(second).toEqual({ outcomes: [{ ...job, outcome: "replayedBefore" }] });
    const { jobs } = await pawl.jobs.list();
    expect(jobs).toHaveLength(1);
    expect(await pawl.jobs.get(jobs[0] ?? missing)).toMatchObject({
      payload: { text: "hello" },
    });
  });

  it("are told apart from those that cannot be", async () => {
    const { engine, handler } = await freshDashboard();
    const live = await enqueue(engine, { delay: "1h" });
    const succeeded = await succeededJob(engine);

    const body = { jobs: [live, succeeded, missing] };
    const answer = await (await change(handler, "replay-jobs", body)).json();

    expect(answer).toEqual({
      outcomes: [
        { ...live, outcome: "live" },
        { ...succeeded, outcome: "succeeded" },
        { ...missing, outcome: "notFound" },
      ],
    });
  });
});

describe("a job", () => {
  it("is enqueued as a copy with its payload edited", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    const old = await enqueue(engine, {});

    const answer = (await (
      await change(handler, "enqueue", {
        task: "send",
        payload: '{"text": "edited"}',
        queue: "slow",
        priority: 7,
        delay: "1h",
        correlationId: "chain",
        copyOf: old,
      })
    ).json()) as JobReference;

    expect(await pawl.jobs.get(answer)).toMatchObject({
      ...{ queue: "slow", task: "send", priority: 7, correlationId: "chain", state: "scheduled" },
      payload: { text: "edited" },
    });
  });

  it("is not enqueued without its secrets", async () => {
    const { pawl, handler } = await freshDashboard();

    const body = { task: "send", payload: '{"password":"[redacted]"}' };
    const response = await change(handler, "enqueue", body);

    expect(response.status).toBe(400);
    expect(await pawl.jobs.list()).toMatchObject({ jobs: [] });
  });
});

async function enqueue(
  { pawl }: Engine,
  options: { readonly delay?: string },
): Promise<JobReference> {
  const { job } = await pawl.enqueueByName("send", { text: "hello" }, options);
  return { queue: job.queue, id: job.id };
}

async function failedJob(engine: Engine): Promise<JobReference> {
  return ended(engine, () => {
    throw new UnrecoverableError("on purpose");
  });
}

async function succeededJob(engine: Engine): Promise<JobReference> {
  return ended(engine, () => undefined);
}

async function ended(engine: Engine, run: () => void): Promise<JobReference> {
  const job = await enqueue(engine, {});
  const { worker } = await engine.work({ handlers: [send.handle(run)] });
  await engine.finished(job);
  await worker.stop();
  return job;
}
