import { defineTask, type EnqueueOptions } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import {
  beginTransaction,
  countJobs,
  isSomebodyWaiting,
  jobsIn,
  migratedSchema,
  onlyJobIn,
  openPawl,
  startWorker,
} from "../support/producer.ts";

const note = defineTask({ name: "note", payload: z.string() });
const other = defineTask({ name: "other", payload: z.string() });
const patience = { within: 10_000 };
const hourMs = 3_600_000;
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("replace", () => {
  const unique = { key: "k", mode: "replace" } as const;

  it("gives a waiting job all that the new enqueue says, and keeps its identity", async () => {
    const pawl = openPawl(schema);
    const first = await pawl.enqueue(note, "1", { unique, delay: "1h" });
    await execute(
      `update ${schema}.jobs set attempt = 2, failures = 2, last_error = 'e', partial_results = '1'`,
    );
    const [before] = await jobsIn(schema);

    const second = await pawl.enqueue(other, "2", {
      unique,
      delay: "2h",
      priority: 3,
      maxAttempts: 4,
      correlationId: "c",
      flags: ["f"],
    });

    expect(second).toMatchObject({
      job: { id: first.job.id, task: "other", state: "scheduled" },
      outcome: "replaced",
    });
    const row = await onlyJobIn(schema);
    expect(row).toMatchObject({
      ...{ payload: "2", task: "other", priority: 3, max_attempts: 4, correlation_id: "c" },
      ...{ attempt: 2, created_at_ms: before?.created_at_ms },
    });
    expect(row.run_at_ms - row.created_at_ms).toBeGreaterThan(2 * hourMs - 1);
    expect(await keysOfOnly()).toMatchObject({ failures: 2, flags: ["f"], partial_results: null });
  });

  it("makes the job ready now when the new enqueue says no time", async () => {
    const pawl = openPawl(schema);
    const first = await pawl.enqueue(note, "1", { unique, delay: "1h" });

    const second = await pawl.enqueue(note, "2", { unique });

    expect(second.job).toMatchObject({ id: first.job.id, state: "ready" });
    const row = await onlyJobIn(schema);
    expect(row.run_at_ms).toBeGreaterThan(row.created_at_ms);
    expect(row.run_at_ms).toBeLessThan(row.created_at_ms + hourMs);
  });

  it("creates a new job while the one with the key runs", async () => {
    const pawl = openPawl(schema);
    const { running, finish } = await runningJob(pawl, { unique });

    const next = await pawl.enqueue(note, "2", { unique, delay: "1h" });
    const again = await pawl.enqueue(note, "3", { unique, delay: "1h" });
    finish();

    expect(next.outcome).toBe("created");
    expect(next.job.id).not.toBe(running);
    expect(again).toMatchObject({ job: { id: next.job.id }, outcome: "replaced" });
  });

  it("puts a job with a concurrency key back in line, in its old place", async () => {
    const pawl = openPawl(schema);
    const concurrency = { key: "line" };
    await pawl.enqueue(note, "1", { unique, concurrency });
    await pawl.enqueue(note, "2", { concurrency });
    const before = await ordersInLine();
    await execute(`delete from ${schema}.arrivals`);

    const replaced = await pawl.enqueue(note, "3", { unique, concurrency });

    expect(replaced).toMatchObject({ job: { state: "blocked" }, outcome: "replaced" });
    expect(await ordersInLine()).toEqual(before);
    expect(await arrivals()).toMatchObject([{ concurrency_key: "line", is_enqueue: true }]);
  });

  it("frees the lane of a job that is to run later", async () => {
    const pawl = openPawl(schema);
    await pawl.enqueue(note, "1", { unique, concurrency: { key: "line" } });
    await execute(`update ${schema}.jobs set indexed_as = 'ready', concurrency_lane = 1`);
    await execute(`delete from ${schema}.arrivals`);

    const replaced = await pawl.enqueue(note, "2", { unique, delay: "1h" });

    expect(replaced.job.state).toBe("scheduled");
    expect(await keysOfOnly()).toMatchObject({ concurrency_lane: null, concurrency_key: null });
    expect(await arrivals()).toMatchObject([{ concurrency_key: "line", is_enqueue: false }]);
  });

  it("announces a job that takes on a rate limit", async () => {
    const pawl = openPawl(schema);
    const rateLimit = { key: "mail", capacity: 1, interval: "1s" };
    await pawl.enqueue(note, "1", { unique });

    await pawl.enqueue(note, "2", { unique, rateLimit });

    expect(await keysOfOnly()).toMatchObject({ rate_limit_key: "mail", state: "ready" });
    expect(await arrivals()).toMatchObject([{ rate_limit_key: "mail", capacity: 1 }]);
  });

  it("sees the first of two in one call", async () => {
    const pawl = openPawl(schema);

    const results = await pawl.enqueueMany([
      note.job("1", { unique }),
      note.job("2"),
      note.job("3", { unique }),
      note.job("4", { unique: { key: "k" } }),
    ]);

    expect(results.map(({ outcome }) => outcome)).toEqual([
      ...["created", "created", "replaced", "kept"],
    ]);
    expect(new Set([0, 2, 3].map((place) => results[place]?.job.id)).size).toBe(1);
    expect((await jobsIn(schema)).map(({ payload }) => payload).sort()).toEqual(["2", "3"]);
  });

  it("takes an id of the caller's, once", async () => {
    const pawl = openPawl(schema);
    const id = crypto.randomUUID();

    const first = await pawl.enqueue(note, "1", { unique, id });
    const again = await pawl.enqueue(note, "2", { unique, id });
    const [, twice] = await pawl.enqueueMany([note.job("x"), note.job("3", { unique, id })]);

    expect([first, again, twice].map((result) => result?.outcome)).toEqual([
      ...["created", "kept", "kept"],
    ]);
    expect((await jobsIn(schema)).map(({ payload }) => payload).sort()).toEqual(["1", "x"]);
  });

  it("keeps an id that has run, whoever has the key now", async () => {
    const pawl = openPawl(schema);
    const id = crypto.randomUUID();
    await pawl.enqueue(note, "1", { unique, id });
    const worker = await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    await eventually(async () => (await countJobs(schema)) === 0, patience);
    await worker.stop();

    const alone = await pawl.enqueue(note, "2", { unique, id });
    await pawl.enqueue(note, "3", { unique });
    const beside = await pawl.enqueue(note, "4", { unique, id });

    expect(alone).toMatchObject({ job: { id, state: "finished" }, outcome: "kept" });
    expect(beside).toMatchObject({ job: { id, state: "finished" }, outcome: "kept" });
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "3" });
  });

  it("does not touch a job that a claim takes in between", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(note, "1", { unique });
    const client = await beginTransaction();
    await client.query(
      `update ${schema}.jobs set indexed_as = 'running', attempt = 1, worker_id = gen_random_uuid(), claim_number = 1`,
    );

    const second = pawl.enqueue(note, "2", { unique, delay: "1h" });
    await eventually(() => isSomebodyWaiting(schema), patience);
    await client.query("commit");

    expect(await second).toMatchObject({ outcome: "created", job: { state: "scheduled" } });
    const rows = await jobsIn(schema);
    expect(rows.find(({ id }) => id === job.id)).toMatchObject({ payload: "1", state: "running" });
  });
});

async function runningJob(
  pawl: ReturnType<typeof openPawl>,
  options: EnqueueOptions,
): Promise<{ running: string; finish: () => void }> {
  const { opened, open } = gate();
  const { job } = await pawl.enqueue(note, "running", options);
  await startWorker(pawl, { handlers: [note.handle(() => opened)] });
  await eventually(async () => (await onlyJobIn(schema)).state === "running", patience);
  return { running: job.id, finish: open };
}

async function keysOfOnly(): Promise<Record<string, unknown> | undefined> {
  const [row] = await execute(`select * from ${schema}.jobs`);
  return row;
}

async function ordersInLine(): Promise<string[]> {
  const rows = await execute<{ id: string }>(
    `select id::text from ${schema}.jobs where state = 'blocked' order by concurrency_order`,
  );
  return rows.map(({ id }) => id);
}

function arrivals(): Promise<Record<string, unknown>[]> {
  return execute(`select * from ${schema}.arrivals`);
}
