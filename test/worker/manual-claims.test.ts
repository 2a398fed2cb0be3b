import { Pawl } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { claimOne, other, stage, startHolder, task } from "../fixtures/by-hand.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

describe("a claim by hand", () => {
  it("takes one job by default, and as many as asked for, in order", async () => {
    const { pawl, ids } = await stage(4);

    const first = await pawl.jobs.claim("ada");
    const others = await pawl.jobs.claim("ada", { batchSize: 5 });

    expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 1));
    expect(others.map(({ id }) => id)).toEqual(ids.slice(1));
    expect(await pawl.jobs.claim("ada")).toEqual([]);
  });

  it("hands out what is known of a job, and its payload", async () => {
    const { pawl, ids } = await stage(1);

    const job = await claimOne(pawl);

    expect(job).toMatchObject({
      id: ids[0],
      queue: "default",
      task: "task",
      attempt: 1,
      attemptId: `${ids[0]}.1`,
      failures: 0,
      maxAttempts: 3,
      flags: [],
      payload: 0,
    });
    expect(JSON.parse(JSON.stringify(job))).not.toHaveProperty("payload");
  });

  it("takes only jobs of the tasks and queues that it names", async () => {
    const { pawl } = await stage(1);
    await pawl.enqueue(other, 1);
    await pawl.enqueue(other, 2, { queue: "elsewhere" });

    const byTask = await pawl.jobs.claim("ada", { tasks: ["other"], queues: ["others"] });
    const byQueue = await pawl.jobs.claim("ada", { queues: ["elsewhere"], batchSize: 9 });
    const rest = await pawl.jobs.claim("ada", { batchSize: 9 });

    expect([byTask, byQueue, rest].map((jobs) => jobs.map(({ payload }) => payload))).toEqual([
      [1],
      [2],
      [0],
    ]);
  });

  it("leaves jobs with a forbidden flag to others", async () => {
    const { pawl, ids } = await stage(3);
    await execute(`update ${pawl.schema}.jobs set flags = '{eu}' where id = $1`, [ids[0]]);
    await execute(`update ${pawl.schema}.jobs set flags = '{us}' where id = $1`, [ids[1]]);

    const first = await pawl.jobs.claim("ada", { batchSize: 3, forbiddenFlags: ["eu", "us"] });
    const second = await pawl.jobs.claim("ada", { batchSize: 3, forbiddenFlags: () => ["us"] });
    const third = await pawl.jobs.claim("bob", { batchSize: 3 });

    expect([first, second, third].map((jobs) => jobs.map(({ id, flags }) => [id, flags]))).toEqual([
      [[ids[2], []]],
      [[ids[0], ["eu"]]],
      [[ids[1], ["us"]]],
    ]);
  });

  it("finds a job that has fallen due, with no worker about", async () => {
    const { pawl } = await stage();
    const { job } = await pawl.enqueue(task, 1, { delay: "50ms" });

    const claimed = await eventually(async () => (await pawl.jobs.claim("ada"))[0]);

    expect(claimed.id).toBe(job.id);
  });

  it("hands out a job whose payload cannot be read; only the look at it fails", async () => {
    const { schema } = await freshPawl();
    const serializer = {
      serialize: JSON.stringify,
      deserialize: (): never => {
        throw new Error("garbled");
      },
    };
    const pawl = new Pawl({ database: databaseUrl(), schema, serializer });
    onTestFinished(() => pawl.close());
    await pawl.enqueueByName("task", 1);

    const job = await claimOne(pawl);

    expect(() => job.payload).toThrow(
      expect.objectContaining({ code: "PAWL_PAYLOAD_UNDECODABLE" }),
    );
    await pawl.jobs.fail("ada", [{ job, error: "cannot be read" }]);
  });

  it("gives each job to one of several processes", async () => {
    const { pawl, ids } = await stage(200);
    const holders = [1, 2].map(() => startHolder(pawl, 70));
    const here = pawl.jobs.claim("ada", { batchSize: 60 });

    const claimed = [...(await here).map(({ id }) => id)];
    for (const holder of holders) claimed.push(...(await holder.claimed));

    expect(claimed).toHaveLength(200);
    expect(new Set(claimed)).toEqual(new Set(ids));
  });
});
