import type { LeaseLostError } from "pawl";
import { defineTask, Pawl, typed } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { claimOne, jobsOf, rejectionOf, stage, task } from "../fixtures/by-hand.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { beginTransaction } from "../support/producer.ts";

describe("jobs with keys and limits, by hand", () => {
  it("run one at a time and in order when they share a concurrency key", async () => {
    const { pawl } = await stage();
    for (const n of [1, 2, 3]) await pawl.enqueue(task, n, { concurrency: { key: "serial" } });

    const payloads: unknown[] = [];
    const together: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const jobs = await pawl.jobs.claim("ada", { batchSize: 5 });
      together.push(jobs.length);
      payloads.push(...jobs.map(({ payload }) => payload));
      await pawl.jobs.complete("ada", jobs);
    }

    expect(together).toEqual([1, 1, 1]);
    expect(payloads).toEqual([1, 2, 3]);
  });

  it("free their concurrency key when the caller's transaction commits", async () => {
    const { pawl } = await stage();
    for (const n of [1, 2]) await pawl.enqueue(task, n, { concurrency: { key: "serial" } });
    const first = await claimOne(pawl);
    const client = await beginTransaction();

    await pawl.jobs.complete("ada", [first], { db: client });
    const before = await pawl.jobs.claim("ada");
    await client.query("commit");
    const second = await claimOne(pawl);

    expect(before).toEqual([]);
    expect(second.payload).toBe(2);
  });

  it("are handed out within their rate limit", async () => {
    const { pawl } = await stage();
    const limited = defineTask({
      name: "limited",
      payload: typed<number>(),
      rateLimit: { key: "api", capacity: 2, interval: "1h" },
    });
    await pawl.enqueueMany([1, 2, 3].map((n) => limited.job(n)));
    await pawl.enqueue(task, 4);

    const jobs = [
      ...(await pawl.jobs.claim("ada", { batchSize: 9 })),
      ...(await pawl.jobs.claim("ada", { batchSize: 9 })),
    ];

    expect(jobs.map(({ payload }) => payload).sort()).toEqual([1, 2, 4]);
  });

  it("leave no history when their task says so, and are told apart from lost ones all the same", async () => {
    const { pawl: owner } = await stage();
    const silent = defineTask({ name: "silent", payload: typed<number>(), keep: "failures" });
    const pawl = new Pawl({ database: databaseUrl(), schema: owner.schema, tasks: [silent] });
    onTestFinished(() => pawl.close());
    await pawl.enqueueMany([1, 2, 3].map((n) => silent.job(n)));
    const jobs = await pawl.jobs.claim("ada", { batchSize: 3 });
    const lost = jobs[1];
    await execute(`delete from ${pawl.schema}.jobs where id = $1`, [lost?.id]);

    const error = await rejectionOf(pawl.jobs.complete("ada", jobs));

    expect((error as LeaseLostError).jobs.map(({ id }) => id)).toEqual([lost?.id]);
    expect(await jobsOf(pawl)).toEqual([]);
    expect(await execute(`select from ${pawl.schema}.history`)).toEqual([]);
  });
});
