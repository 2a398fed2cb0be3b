import { randomUUID } from "node:crypto";
import { defineTask, typed, type EnqueuedJob, type EnqueueOptions, type Pawl } from "pawl";
import { beforeAll, describe, expect, it } from "vitest";
import { execute } from "../support/database.ts";
import { beginTransaction, migratedSchema, openPawl, rejectionOf } from "../support/producer.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const unknown = randomUUID();
let schema: string;

beforeAll(async () => {
  schema = await migratedSchema();
});

/** A Pawl, and a queue that no other test uses. */
function open(): { pawl: Pawl; queue: string } {
  return { pawl: openPawl(schema), queue: randomUUID() };
}

async function pawlWithJob(
  options: EnqueueOptions = {},
): Promise<{ pawl: Pawl; job: EnqueuedJob; queue: string }> {
  const { pawl, queue } = open();
  const { job } = await pawl.enqueue(task, 1, { queue, ...options });
  return { pawl, job, queue };
}

describe("pawl.jobs.get", () => {
  it("finds a live job by its id alone", async () => {
    const { pawl, job, queue } = await pawlWithJob();

    expect(await pawl.jobs.get(job.id)).toMatchObject({
      ...{ id: job.id, queue, state: "ready", payload: 1, cancelReason: null },
    });
  });

  it("finds a job that has ended, with what became of it", async () => {
    const { pawl, job } = await pawlWithJob();
    await pawl.jobs.cancel(job, "not wanted");

    for (const name of [job, job.id]) {
      expect(await pawl.jobs.get(name)).toMatchObject({
        ...{ id: job.id, queue: job.queue, state: "finished", outcome: "cancelled", payload: 1 },
        error: { code: "PAWL_JOB_CANCELLED", message: "not wanted" },
        finishedAt: expect.any(Date) as Date,
      });
    }
  });

  it("knows nothing of a job that never was", async () => {
    const { pawl } = open();

    expect(await pawl.jobs.get(unknown)).toBeUndefined();
    expect(await pawl.jobs.get({ queue: "default", id: unknown })).toBeUndefined();
  });
});

describe("pawl.jobs.list", () => {
  it("gives every live job once, page by page", async () => {
    const { pawl, queue } = open();
    const results = await pawl.enqueueMany(
      Array.from({ length: 25 }, (_, n) => task.job(n, { queue })),
    );
    const expected = results.map(({ job }) => `${job.queue} ${job.id}`).sort();

    const seen: string[] = [];
    const sizes: number[] = [];
    let page = await pawl.jobs.list({ queue, limit: 10 });
    for (;;) {
      sizes.push(page.jobs.length);
      seen.push(...page.jobs.map(({ queue, id }) => `${queue} ${id}`));
      if (page.next === undefined) break;
      page = await pawl.jobs.list({ queue, limit: 10, after: page.next });
    }

    expect(seen).toEqual(expected);
    expect(sizes).toEqual([10, 10, 5]);
  });

  it.each([
    ["task", { task: "other" }],
    ["state", { state: "scheduled" }],
    ["correlation id", { correlationId: "chain" }],
  ] as const)("filters by %s", async (_, filter) => {
    const { pawl, queue } = open();
    const other = defineTask({ name: "other" });
    const wanted = {
      task: () => pawl.enqueue(other, undefined, { queue }),
      state: () => pawl.enqueue(task, 1, { queue, delay: "1h" }),
      correlationId: () => pawl.enqueue(task, 1, { queue, correlationId: "chain" }),
    };
    await pawl.enqueue(task, 2, { queue });
    const { job } = await wanted[Object.keys(filter)[0] as keyof typeof wanted]();

    const { jobs } = await pawl.jobs.list({ queue, ...filter });

    expect(jobs.map(({ id }) => id)).toEqual([job.id]);
  });
});

describe("pawl.jobs.cancel", () => {
  it.each(["ready", "scheduled"] as const)("ends a %s job at once", async (state) => {
    const { pawl, job } = await pawlWithJob(state === "scheduled" ? { delay: "1h" } : {});

    const results = await pawl.jobs.cancel(job, "not wanted");

    expect(results).toEqual([{ queue: job.queue, id: job.id, outcome: "cancelled" }]);
    expect(await pawl.history.attempts(job)).toMatchObject([
      {
        ...{ outcome: "cancelled", final: true, attempt: 1, startedAt: null, payload: 1 },
        error: { code: "PAWL_JOB_CANCELLED", message: "not wanted" },
      },
    ]);
  });

  it("does 10,000 jobs in one call, with an answer for each in order", async () => {
    const { pawl, queue } = open();
    const enqueued = await pawl.enqueueMany(
      Array.from({ length: 10_001 }, (_, n) => task.job(n, { queue: `${queue} ${n % 3}` })),
    );
    const jobs = enqueued.map(({ job: { queue, id } }) => ({ queue, id })).reverse();

    const results = await pawl.jobs.cancel(jobs);

    expect(results).toEqual(jobs.map((job) => ({ ...job, outcome: "cancelled" })));
    expect((await pawl.jobs.list({ queue: `${queue} 0` })).jobs).toEqual([]);
  });

  it("cancels every job of an id in whatever queue", async () => {
    const { pawl, queue } = open();
    const id = randomUUID();
    const queues = ["a", "b", "c"].map((name) => `${queue} ${name}`);
    for (const queue of queues) await pawl.enqueue(task, 1, { id, queue });

    const results = await pawl.jobs.cancel(id);

    expect(results).toEqual(queues.map((queue) => ({ queue, id, outcome: "cancelled" })));
  });

  it("answers once for a job that is named twice, and says which are not there", async () => {
    const { pawl, job } = await pawlWithJob();
    const gone = { queue: "nowhere", id: unknown };

    const results = await pawl.jobs.cancel([job.id, gone, job, unknown, job.id]);

    expect(results).toEqual([
      { queue: job.queue, id: job.id, outcome: "cancelled" },
      { ...gone, outcome: "notFound" },
      { queue: null, id: unknown, outcome: "notFound" },
    ]);
  });

  it("does nothing about an empty list", async () => {
    const { pawl, job } = await pawlWithJob();

    expect(await pawl.jobs.cancel([])).toEqual([]);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready" });
  });

  it("counts if and only if the caller's transaction commits", async () => {
    const { pawl, job } = await pawlWithJob();
    const db = await beginTransaction();

    await pawl.jobs.cancel(job, "no", { db });
    const before = await pawl.jobs.get(job);
    await db.query("rollback");
    const after = await pawl.jobs.get(job);
    await db.query("begin");
    await pawl.jobs.cancel(job, "yes", { db });
    await db.query("commit");

    expect([before, after]).toMatchObject([{ state: "ready" }, { state: "ready" }]);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "finished" });
  });

  it("keeps no history of a task that keeps only failures, and for as long as the task says", async () => {
    const { pawl, queue } = open();
    const { job } = await pawl.enqueueByName("discarded", null, { queue });
    const other = await pawl.enqueueByName("kept", null, { queue });
    await execute(
      `insert into ${schema}.tasks (name, keep, retention_ms)
       values ('discarded', 'failures', null), ('kept', 'all', 3 * 86400000.0)`,
    );

    await pawl.jobs.cancel([job, other.job]);

    expect(await pawl.history.attempts(job)).toEqual([]);
    const [kept] = await pawl.history.attempts(other.job);
    expect(Number(kept?.expiresAt) - Number(kept?.finishedAt)).toBe(3 * 86_400_000);
  });
});

describe("pawl.jobs.failPermanently", () => {
  it("ends waiting jobs as failed, with the reason", async () => {
    const { pawl, job } = await pawlWithJob({ delay: "1h" });

    const results = await pawl.jobs.failPermanently([job, unknown], "the customer has left");

    expect(results).toEqual([
      { queue: job.queue, id: job.id, outcome: "failed" },
      { queue: null, id: unknown, outcome: "notFound" },
    ]);
    expect(await pawl.history.attempts(job)).toMatchObject([
      {
        ...{ outcome: "failed", final: true, payload: 1 },
        error: { code: "PAWL_JOB_FAILED_BY_HAND", message: "the customer has left" },
      },
    ]);
  });

  it("frees the lane of a job that was about to run", async () => {
    const { pawl, job } = await pawlWithJob();
    await execute(
      `update ${schema}.jobs set concurrency_key = 'k', concurrency_lane = 1, concurrency_order = 1
        where id = $1`,
      [job.id],
    );

    await pawl.jobs.failPermanently(job, "no");

    expect(await arrivals(job)).toEqual([{ concurrency_key: "k", rate_limit_key: null }]);
  });
});

describe("bad input", () => {
  it.each([
    ["job", "1"],
    ["jobs[1]", [randomUUID(), "1"]],
    ["jobs[0]", [1]],
    ["job", null],
    ["job.queue", { queue: "", id: randomUUID() }],
    ["job.id", { queue: "default", id: "1" }],
    ["jobs[0]", [{ queue: "default" }]],
  ])("is refused, naming `%s`", async (option, jobs) => {
    const { pawl } = open();

    for (const command of [
      () => pawl.jobs.cancel(jobs as string),
      () => pawl.jobs.failPermanently(jobs as string, "no"),
      () => pawl.jobs.reschedule(jobs as string, { priority: 1 }),
      () => pawl.jobs.retry(jobs as string),
    ]) {
      expect(await rejectionOf(command())).toMatchObject({ code: "PAWL_OPTION_INVALID", option });
    }
  });

  it.each([
    ["reason", (pawl: Pawl) => pawl.jobs.cancel([], "")],
    ["reason", (pawl: Pawl) => pawl.jobs.failPermanently([], undefined as unknown as string)],
    ["workers[0]", (pawl: Pawl) => pawl.jobs.forceUnlock([""])],
    ["keys[0]", (pawl: Pawl) => pawl.concurrencyKeys.forceUnlock([1 as unknown as string])],
    ["keys[0].queue", (pawl: Pawl) => pawl.concurrencyKeys.forceUnlock({ queue: "", key: "k" })],
    ["name", (pawl: Pawl) => pawl.queues.pause("")],
    ["name", (pawl: Pawl) => pawl.tasks.resume("t".repeat(256))],
    ["limit", (pawl: Pawl) => pawl.jobs.list({ limit: 0 })],
    ["state", (pawl: Pawl) => pawl.jobs.list({ state: "done" as "ready" })],
    ["after", (pawl: Pawl) => pawl.jobs.list({ after: randomUUID() as never })],
  ])("is refused: `%s` (%#)", async (option, call) => {
    const { pawl } = open();

    expect(await rejectionOf(call(pawl) as Promise<unknown>)).toMatchObject({
      ...{ code: "PAWL_OPTION_INVALID", option },
    });
  });
});

function arrivals({ queue }: EnqueuedJob): Promise<unknown[]> {
  return execute(
    `select concurrency_key, rate_limit_key from ${schema}.arrivals where queue = $1`,
    [queue],
  );
}
