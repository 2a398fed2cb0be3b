import { randomUUID } from "node:crypto";
import {
  defineTask,
  OptionError,
  typed,
  type EnqueuedJob,
  type EnqueueOptions,
  type Pawl,
} from "pawl";
import { beforeAll, describe, expect, it } from "vitest";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { migratedSchema, openPawl, rejectionOf } from "../support/producer.ts";

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

describe("pawl.jobs.reschedule", () => {
  it("changes any subset of what a waiting job has", async () => {
    const { pawl, job } = await pawlWithJob({ delay: "1h" });
    const runAt = new Date(Date.now() + 7_200_000);

    expect(await pawl.jobs.reschedule(job, { priority: -5 })).toEqual([
      { queue: job.queue, id: job.id, outcome: "rescheduled" },
    ]);
    expect(await pawl.jobs.get(job)).toMatchObject({
      ...{ state: "scheduled", priority: -5, maxAttempts: 25, runAt: job.runAt },
    });
    await pawl.jobs.reschedule(job, { runAt, maxAttempts: 3 });
    expect(await pawl.jobs.get(job)).toMatchObject({
      ...{ state: "scheduled", priority: -5, maxAttempts: 3, runAt },
    });
  });

  it.each([
    ["scheduled", { delay: "1h" }, { delay: 0 }, "ready"],
    ["scheduled", { delay: "1h" }, { runAt: new Date(0) }, "ready"],
    ["ready", {}, { delay: "1h" }, "scheduled"],
    ["ready", {}, { priority: 3 }, "ready"],
  ] as const)("moves a %s job (%j) by %j to %s", async (_, enqueued, change, state) => {
    const { pawl, job } = await pawlWithJob(enqueued);
    const before = await now();

    await pawl.jobs.reschedule(job, change);

    const found = await pawl.jobs.get(job);
    expect(found).toMatchObject({ state });
    // A fresh position is in front of every worker's cursor.
    if (state === "ready") expect(Number(found?.runAt)).toBeGreaterThanOrEqual(before);
  });

  it.each([
    // A job that waits for its turn, is due later, has been admitted, or holds its lane while it waits for a retry.
    [
      "scheduled",
      null,
      { delay: 0 },
      { state: "blocked", concurrency_lane: null, ordered: true },
      1,
    ],
    ["blocked", null, { delay: 0 }, { state: "blocked", concurrency_lane: null, ordered: true }, 0],
    [
      "blocked",
      null,
      { delay: "1h" },
      { state: "scheduled", concurrency_lane: null, ordered: false },
      0,
    ],
    [
      "ready",
      1,
      { delay: "1h" },
      { state: "scheduled", concurrency_lane: null, ordered: false },
      1,
    ],
    ["ready", 1, { priority: 7 }, { state: "ready", concurrency_lane: 1, ordered: true }, 0],
    [
      "scheduled",
      1,
      { delay: "2h" },
      { state: "scheduled", concurrency_lane: 1, ordered: true },
      0,
    ],
    ["scheduled", 1, { delay: 0 }, { state: "ready", concurrency_lane: 1, ordered: true }, 0],
  ] as const)(
    "keeps the rules of concurrency keys for a %s job with lane %s by %j",
    async (...[state, lane, change, expected, arrived]) => {
      const { pawl, job } = await pawlWithJob();
      await execute(
        `update ${schema}.jobs
            set indexed_as = $1, concurrency_key = 'k', concurrency_lane = $2::integer,
                concurrency_order = case when $1 <> 'scheduled' or $2::integer is not null then 5 end,
                run_at = run_at + case when $1 = 'scheduled' then interval '1 hour' else '0' end
          where id = $3`,
        [state, lane, job.id],
      );

      await pawl.jobs.reschedule(job, change);

      const rows = await execute(
        `select state, concurrency_lane, concurrency_order is not null as ordered from ${schema}.jobs where id = $1`,
        [job.id],
      );
      expect(rows).toEqual([expected]);
      expect(await arrivals(job)).toHaveLength(arrived);
    },
  );

  it("lets a job that has run before get in line when it is due again", async () => {
    const { pawl, queue } = open();
    const add = async (payload: number, limit: number): Promise<EnqueuedJob> =>
      (await pawl.enqueue(task, payload, { queue, concurrency: { key: "k", limit } })).job;
    const [first] = [await add(1, 2), await add(2, 2)];
    const [held, again] = await pawl.jobs.claim("by hand", { queues: [queue], batchSize: 2 });
    if (held === undefined || again === undefined) throw new Error("expected two jobs");
    await pawl.jobs.release("by hand", [again]);
    await pawl.jobs.reschedule(again, { delay: "1ms" });
    await add(3, 1);

    const ran: number[] = [];
    const handlers = [task.handle(({ payload }) => void ran.push(payload))];
    const work = { queues: [queue], handlers };
    await eventually(async () => {
      await pawl.workOnce(work);
      return (await pawl.jobs.get(again))?.state === "blocked";
    });
    await add(4, 1);
    await pawl.jobs.complete("by hand", [held]);
    while ((await pawl.workOnce(work)) !== null);

    expect(held.id).toBe(first.id);
    expect(ran).toEqual([3, 2, 4]);
  });

  it("announces a limited job that may run now", async () => {
    const { pawl, job } = await pawlWithJob({ delay: "1h" });
    await execute(`update ${schema}.jobs set rate_limit_key = 'api', rate_limit_weight = 1`);

    await pawl.jobs.reschedule(job, { delay: 0 });

    expect(await arrivals(job)).toEqual([{ concurrency_key: null, rate_limit_key: "api" }]);
  });

  it("refuses to change nothing", async () => {
    const { pawl, job } = await pawlWithJob();

    expect(await rejectionOf(pawl.jobs.reschedule(job, {}))).toBeInstanceOf(OptionError);
  });
});

describe("pawl.jobs.retry", () => {
  it("runs a scheduled job now", async () => {
    const { pawl, job } = await pawlWithJob({ delay: "1h" });

    expect(await pawl.jobs.retry(job)).toEqual([
      { queue: job.queue, id: job.id, outcome: "retried" },
    ]);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready" });
  });

  it("leaves a job alone that waits for a worker", async () => {
    const { pawl, job } = await pawlWithJob();

    expect(await pawl.jobs.retry(job)).toMatchObject([{ outcome: "waiting" }]);
    expect(await pawl.jobs.get(job)).toMatchObject({ runAt: job.runAt });
  });

  it("enqueues failed and cancelled jobs anew, linked to what they come from", async () => {
    const { pawl, queue } = open();
    const jobs = (await pawl.enqueueMany([1, 2, 3].map((n) => task.job(n, { queue })))).map(
      ({ job }) => job,
    );
    const [failed, cancelled, live] = jobs;
    await pawl.jobs.failPermanently(failed?.id ?? "", "no");
    await pawl.jobs.cancel(cancelled?.id ?? "");

    const results = await pawl.jobs.retry([...jobs.map(({ id }) => id), unknown]);

    expect(results.map(({ outcome }) => outcome)).toEqual([
      ...["replayed", "replayed", "waiting", "notFound"],
    ]);
    for (const [place, payload] of [1, 2].entries()) {
      const job = results[place]?.job;
      expect(await pawl.jobs.get(job ?? "")).toMatchObject({ state: "ready", attempt: 0, payload });
      const rows = await execute(`select replay_of::text from ${schema}.jobs where id = $1`, [
        job?.id,
      ]);
      expect(rows).toEqual([{ replay_of: jobs[place]?.id }]);
    }
    expect(results[2]).toMatchObject({ id: live?.id });
  });
});

function arrivals({ queue }: EnqueuedJob): Promise<unknown[]> {
  return execute(
    `select concurrency_key, rate_limit_key from ${schema}.arrivals where queue = $1`,
    [queue],
  );
}

async function now(): Promise<number> {
  const [row] = await execute<{ ms: number }>(
    "select (extract(epoch from date_trunc('milliseconds', clock_timestamp())) * 1000)::float8 as ms",
  );
  return row?.ms ?? NaN;
}
