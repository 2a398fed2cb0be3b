import { setImmediate as turn } from "node:timers/promises";
import { defineTask } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginTransaction,
  countJobs,
  isSomebodyWaiting,
  jobsIn,
  migratedSchema,
  openPawl,
} from "../support/producer.ts";

const number = defineTask({ name: "number", payload: z.number() });
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("concurrent enqueues", () => {
  it("share far fewer transactions than there are calls", async () => {
    const pawl = openPawl(schema);

    const results = await Promise.all(numbers(200).map((n) => pawl.enqueue(number, n)));

    const rows = await jobsIn(schema);
    expect(rows.map(({ id }) => id)).toEqual(results.map(({ job }) => job.id));
    expect(rows.map(({ payload }) => payload)).toEqual(numbers(200));
    expect(transactionsOf(rows)).toBeLessThan(10);
  });

  it("collect while an earlier one is being written", async () => {
    const pawl = openPawl(schema);
    const blocker = await beginTransaction();
    await blocker.query(`lock table ${schema}.jobs in exclusive mode`);
    const first = pawl.enqueue(number, 0);
    await eventually(() => isSomebodyWaiting(schema));
    const later = [];
    for (const n of numbers(20)) {
      later.push(pawl.enqueue(number, n + 1));
      await turn();
    }

    await blocker.query("commit");

    await Promise.all([first, ...later]);
    const rows = await jobsIn(schema);
    expect(rows).toHaveLength(21);
    expect(transactionsOf(rows)).toBe(2);
  });

  it("are each answered after their own commit", async () => {
    const pawl = openPawl(schema);
    const isThere = async (id: string): Promise<boolean> =>
      (await execute(`select from ${schema}.jobs where id = $1`, [id])).length === 1;

    const seen = await Promise.all(
      numbers(10).map(async (n) => isThere((await pawl.enqueue(number, n)).job.id)),
    );

    expect(seen).toEqual(numbers(10).map(() => true));
  });

  it("keep their own options", async () => {
    const pawl = openPawl(schema);

    await Promise.all([
      pawl.enqueue(number, 0),
      pawl.enqueue(number, 1, { queue: "one", priority: 1 }),
      pawl.enqueue(number, 2, { delay: "1h", correlationId: "c2" }),
      pawl.enqueue(number, 3, { maxAttempts: 3 }),
    ]);

    expect(await jobsIn(schema)).toMatchObject([
      { payload: 0, queue: "default", priority: 0, state: "ready", max_attempts: 25 },
      { payload: 1, queue: "one", priority: 1, state: "ready", correlation_id: null },
      { payload: 2, queue: "default", state: "scheduled", correlation_id: "c2" },
      { payload: 3, priority: 0, state: "ready", max_attempts: 3 },
    ]);
  });

  it("may be thousands", async () => {
    const pawl = openPawl(schema);

    const results = await Promise.all(numbers(5_000).map((n) => pawl.enqueue(number, n)));

    const ids = new Set(results.map(({ job }) => job.id));
    expect(ids.size).toBe(5_000);
    expect(await countJobs(schema)).toBe(5_000);
  });

  it("fail alone when the database refuses one of them", async () => {
    const pawl = openPawl(schema);
    await refuse(schema, "payload::text <> '17'");

    const outcomes = await Promise.allSettled(numbers(50).map((n) => pawl.enqueue(number, n)));

    const rejected = outcomes.filter(({ status }) => status === "rejected");
    expect(outcomes[17]).toMatchObject({
      reason: { name: "DatabaseError", code: "PAWL_DATABASE_FAILED", cause: { code: "23514" } },
    });
    expect(rejected).toHaveLength(1);
    expect((await jobsIn(schema)).map(({ payload }) => payload)).toEqual(
      numbers(50).filter((n) => n !== 17),
    );
  });

  it("fail alone when the database refuses many of them", async () => {
    const pawl = openPawl(schema);
    await refuse(schema, "payload::text::integer % 3 <> 0");

    const outcomes = await Promise.allSettled(numbers(60).map((n) => pawl.enqueue(number, n)));

    expect(outcomes.map(({ status }) => status === "rejected")).toEqual(
      numbers(60).map((n) => n % 3 === 0),
    );
    expect(await countJobs(schema)).toBe(40);
  });

  it("fail alone when a trigger of the application's throws", async () => {
    const pawl = openPawl(schema);
    await execute(`create function ${schema}.refuse() returns trigger language plpgsql as $$
      begin
        if new.payload::text = '3' then raise exception 'not this one'; end if;
        return new;
      end $$`);
    await execute(
      `create trigger refuse before insert on ${schema}.jobs for each row execute function ${schema}.refuse()`,
    );

    const outcomes = await Promise.allSettled(numbers(8).map((n) => pawl.enqueue(number, n)));

    expect(outcomes.map(({ status }) => status === "rejected")).toEqual(
      numbers(8).map((n) => n === 3),
    );
    expect(await countJobs(schema)).toBe(7);
  });

  it("go on after one was refused", async () => {
    const pawl = openPawl(schema);
    await refuse(schema, "payload::text <> '1'");
    await Promise.allSettled([pawl.enqueue(number, 1), pawl.enqueue(number, 2)]);

    const { outcome } = await pawl.enqueue(number, 3);

    expect(outcome).toBe("created");
    expect(await countJobs(schema)).toBe(2);
  });

  it("do not carry one with a bad payload along", async () => {
    const pawl = openPawl(schema);

    const outcomes = await Promise.allSettled([
      pawl.enqueue(number, 0),
      pawl.enqueue(number, Infinity),
      pawl.enqueue(number, 2),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((await jobsIn(schema)).map(({ payload }) => payload)).toEqual([0, 2]);
  });

  it("do not draw in one that belongs to the caller's transaction", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();

    await Promise.all([
      pawl.enqueue(number, 0),
      pawl.enqueue(number, 1, { db: client }),
      pawl.enqueue(number, 2),
    ]);

    const before = await jobsIn(schema);
    await client.query("rollback");
    expect(before.map(({ payload }) => payload)).toEqual([0, 2]);
    expect(await countJobs(schema)).toBe(2);
  });

  it("are all written before close resolves", async () => {
    const pawl = openPawl(schema);
    const enqueued = numbers(100).map((n) => pawl.enqueue(number, n));
    await turn();

    await pawl.close();

    const outcomes = await Promise.allSettled(enqueued);
    expect(outcomes.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(await countJobs(schema)).toBe(100);
  });
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function transactionsOf(rows: readonly { readonly xmin: string }[]): number {
  return new Set(rows.map(({ xmin }) => xmin)).size;
}

async function refuse(name: string, check: string): Promise<void> {
  await execute(`alter table ${name}.jobs add constraint refused check (${check})`);
}
