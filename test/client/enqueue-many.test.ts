import { defineTask } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import {
  beginTransaction,
  countJobs,
  jobsIn,
  migratedSchema,
  openPawl,
  rejectionOf,
  type JobRow,
} from "../support/producer.ts";

const number = defineTask({ name: "number", payload: z.number() });
const text = defineTask({ name: "text", payload: z.string(), queue: "texts", priority: 2 });
// More than one statement takes.
const many = Array.from({ length: 25_000 }, (_, index) => number.job(index));
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("enqueueMany", () => {
  it("writes jobs of different tasks, each with its own defaults and options", async () => {
    const pawl = openPawl(schema);
    const runAt = new Date("2055-01-01T00:00:00Z");

    await pawl.enqueueMany([
      number.job(0),
      text.job("1"),
      number.job(2, { queue: "two", priority: -1, correlationId: "c2", maxAttempts: 2 }),
      text.job("3", { delay: "1h" }),
      number.job(4, { runAt }),
    ]);

    const rows = await inPayloadOrder(schema);
    expect(rows).toMatchObject([
      { task: "number", queue: "default", priority: 0, max_attempts: 25, state: "ready" },
      { task: "text", queue: "texts", priority: 2, correlation_id: null, state: "ready" },
      { task: "number", queue: "two", priority: -1, max_attempts: 2, correlation_id: "c2" },
      { task: "text", queue: "texts", state: "scheduled" },
      { task: "number", state: "scheduled", run_at_ms: runAt.getTime() },
    ]);
    expect(delayMs(rows[3])).toBeCloseTo(3_600_000, 1);
    expect([delayMs(rows[0]), delayMs(rows[1]), delayMs(rows[2])]).toEqual([0, 0, 0]);
  });

  it("returns the jobs in the order of the requests", async () => {
    const pawl = openPawl(schema);
    const ids = Array.from({ length: 20 }, () => crypto.randomUUID());

    const own = await pawl.enqueueMany(ids.map((id, index) => number.job(index, { id })));
    const made = await pawl.enqueueMany([number.job(100), text.job("101"), number.job(102)]);

    expect(own.map(({ job }) => job.id)).toEqual(ids);
    const payloads = new Map((await jobsIn(schema)).map((row) => [row.id, row.payload]));
    expect(made.map(({ job }) => payloads.get(job.id))).toEqual([100, "101", 102]);
    expect(made.map(({ job }) => job.queue)).toEqual(["default", "texts", "default"]);
  });

  it("does nothing for no jobs", async () => {
    const pawl = openPawl(schema);

    expect(await pawl.enqueueMany([])).toEqual([]);
  });

  it("writes 25,000 jobs in one call, all in one transaction", async () => {
    const pawl = openPawl(schema);

    const results = await pawl.enqueueMany(many);

    const rows = await jobsIn(schema);
    expect(results.map(({ job }) => job.id)).toEqual(rows.map(({ id }) => id));
    expect(rows.map(({ payload }) => payload)).toEqual(many.map(({ payload }) => payload));
    expect(new Set(rows.map(({ xmin }) => xmin)).size).toBe(1);
  });

  it("writes 25,000 jobs in the caller's transaction", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();

    await pawl.enqueueMany(many, { db: client });

    expect(await countJobs(schema)).toBe(0);
    await client.query("commit");
    expect(await countJobs(schema)).toBe(25_000);
  });

  it("writes nothing when the payload in the middle is refused", async () => {
    const pawl = openPawl(schema);
    const requests = [number.job(0), number.job("one" as never), number.job(2)];

    const refusal = await rejectionOf(pawl.enqueueMany(requests));

    expect(refusal).toMatchObject({ name: "PayloadError", code: "PAWL_PAYLOAD_INVALID" });
    expect(await countJobs(schema)).toBe(0);
  });

  it("says which of the jobs has the bad payload", async () => {
    const pawl = openPawl(schema);
    const requests = [number.job(0), number.job("one" as never), number.job(2)];

    const refusal = await rejectionOf(pawl.enqueueMany(requests));

    expect(refusal).toMatchObject({ message: expect.stringMatching(/\[1\]/) });
  });

  it("writes nothing when the options of the last job are refused", async () => {
    const pawl = openPawl(schema);
    const requests = [number.job(0), number.job(1, { priority: 0.5 })];

    const refusal = await rejectionOf(pawl.enqueueMany(requests));

    expect(refusal).toMatchObject({ name: "OptionError", option: "priority" });
    expect(await countJobs(schema)).toBe(0);
  });

  it("writes nothing of 25,000 jobs when the database refuses the last", async () => {
    const pawl = openPawl(schema);
    await execute(
      `alter table ${schema}.jobs add constraint not_the_last check (payload::text <> '24999')`,
    );

    const refusal = await rejectionOf(pawl.enqueueMany(many));

    expect(refusal).toMatchObject({ name: "DatabaseError", cause: { code: "23514" } });
    expect(await countJobs(schema)).toBe(0);
  });

  it("can be followed by others after it was refused", async () => {
    const pawl = openPawl(schema);
    await rejectionOf(pawl.enqueueMany([number.job(1n as never)]));

    await pawl.enqueueMany([number.job(1)]);

    expect(await countJobs(schema)).toBe(1);
  });
});

async function inPayloadOrder(name: string): Promise<JobRow[]> {
  const rows = await jobsIn(name);
  return rows.sort((left, right) => Number(left.payload) - Number(right.payload));
}

function delayMs(row: JobRow | undefined): number | undefined {
  return row && row.run_at_ms - row.created_at_ms;
}
