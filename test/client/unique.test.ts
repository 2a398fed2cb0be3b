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
  migratedSchema,
  onlyJobIn,
  openPawl,
  rejectionOf,
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

describe("keep", () => {
  const unique = { key: "k" };

  it("answers with the live job and writes nothing", async () => {
    const pawl = openPawl(schema);

    const first = await pawl.enqueue(note, "1", { unique, correlationId: "c" });
    const second = await pawl.enqueue(other, "2", { unique, delay: "1h" });

    expect(first.outcome).toBe("created");
    expect(second).toEqual({ job: first.job, outcome: "kept" });
    expect(await onlyJobIn(schema)).toMatchObject({ id: first.job.id, payload: "1" });
  });

  it("holds within a queue", async () => {
    const pawl = openPawl(schema);

    await pawl.enqueue(note, "1", { unique });
    const second = await pawl.enqueue(note, "2", { unique, queue: "elsewhere" });

    expect(second.outcome).toBe("created");
  });

  it("holds while the job runs, and no longer", async () => {
    const pawl = openPawl(schema);
    const { running, finish } = await runningJob(pawl, { unique });

    const during = await pawl.enqueue(note, "during", { unique });
    finish();
    await eventually(async () => (await countJobs(schema)) === 0, patience);
    const after = await pawl.enqueue(note, "after", { unique, delay: "1h" });

    expect(during).toMatchObject({ job: { id: running, state: "running" }, outcome: "kept" });
    expect(after.outcome).toBe("created");
  });

  it("waits for a transaction that has the key, and is created when that one rolls back", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    await pawl.enqueue(note, "1", { unique, db: client });

    const second = pawl.enqueue(note, "2", { unique });
    await eventually(() => isSomebodyWaiting(schema), patience);
    await client.query("rollback");

    expect((await second).outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "2" });
  });

  it("is to be tried again where the transaction cannot see the job that has the key", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction("begin isolation level repeatable read");
    await client.query("select 1");
    await pawl.enqueue(note, "1", { unique });

    const refusal = await rejectionOf(pawl.enqueue(note, "2", { unique, db: client }));

    expect(refusal).toMatchObject({ cause: { code: "40001" } });
  });
});

describe("debounce", () => {
  it("postpones the job with every enqueue", async () => {
    const pawl = openPawl(schema);
    const unique = { key: "k", mode: "debounce" } as const;
    const first = await pawl.enqueue(note, "1", { unique, delay: "1h" });
    await age("2h");

    const second = await pawl.enqueue(note, "2", { unique, delay: "1h" });

    expect(second).toMatchObject({
      job: { id: first.job.id, state: "scheduled" },
      outcome: "replaced",
    });
    const row = await onlyJobIn(schema);
    expect(row.payload).toBe("2");
    expect(row.run_at_ms - row.created_at_ms).toBeGreaterThan(3 * hourMs - 1);
  });

  it("postpones it no longer than it may wait", async () => {
    const pawl = openPawl(schema);
    const unique = { key: "k", mode: "debounce", wait: "90m" } as const;
    await pawl.enqueue(note, "1", { unique, delay: "1h" });
    await age("1h");

    await pawl.enqueue(note, "2", { unique, delay: "1h" });
    const row = await onlyJobIn(schema);
    await age("1h");
    const last = await pawl.enqueue(note, "3", { unique, delay: "1h" });

    expect(row.run_at_ms - row.created_at_ms).toBeCloseTo(1.5 * hourMs, 0);
    expect(last).toMatchObject({ job: { state: "ready" }, outcome: "replaced" });
  });

  it("counts the wait for the first enqueue as well", async () => {
    const pawl = openPawl(schema);
    const unique = { key: "k", mode: "debounce", wait: "30m" } as const;

    const { job } = await pawl.enqueue(note, "1", { unique, delay: "1h" });

    const row = await onlyJobIn(schema);
    expect(row.run_at_ms - row.created_at_ms).toBeCloseTo(hourMs / 2, 0);
    expect(Math.abs(job.runAt.getTime() - row.run_at_ms)).toBeLessThan(1);
  });
});

describe("throttle", () => {
  const unique = { key: "k", mode: "throttle", wait: "1h" } as const;

  it("answers with the job that was created last, live or finished, until the wait is over", async () => {
    const pawl = openPawl(schema);
    const first = await pawl.enqueue(note, "1", { unique });
    const live = await pawl.enqueue(note, "2", { unique });
    const worker = await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    await eventually(async () => (await countJobs(schema)) === 0, patience);
    await worker.stop();

    const finished = await pawl.enqueue(note, "3", { unique });
    await execute(`update ${schema}.throttles set until = until - interval '1 hour'`);
    const later = await pawl.enqueue(note, "4", { unique });

    expect(live).toEqual({ job: first.job, outcome: "kept" });
    expect(finished).toMatchObject({
      job: { id: first.job.id, state: "finished" },
      outcome: "kept",
    });
    expect(later.outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({ id: later.job.id, payload: "4" });
  });

  it("answers with a live job also when the wait is over", async () => {
    const pawl = openPawl(schema);
    const first = await pawl.enqueue(note, "1", { unique, delay: "2h" });
    await execute(`update ${schema}.throttles set until = until - interval '1 hour'`);

    const second = await pawl.enqueue(note, "2", { unique });

    expect(second).toMatchObject({ job: { id: first.job.id }, outcome: "kept" });
  });

  it("creates one job for many calls at the same time", async () => {
    const pawls = [openPawl(schema), openPawl(schema), openPawl(schema)];

    const results = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        at(pawls, index % 3).enqueueMany([note.job(`${index}`, { unique })]),
      ),
    );

    const all = results.flat();
    expect(all.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
    expect(new Set(all.map(({ job }) => job.id)).size).toBe(1);
    expect(await countJobs(schema)).toBe(1);
  });

  it("creates again after a rollback", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    await pawl.enqueue(note, "1", { unique, db: client });
    await client.query("rollback");

    const { outcome } = await pawl.enqueue(note, "2", { unique });

    expect(outcome).toBe("created");
  });
});

describe("keepRunningAndOneWaiting", () => {
  it("lets one wait beside the one that runs, and keeps it", async () => {
    const pawl = openPawl(schema);
    const unique = { key: "k", mode: "keepRunningAndOneWaiting" } as const;
    const { running, finish } = await runningJob(pawl, { unique });

    const second = await pawl.enqueue(note, "2", { unique, delay: "1h" });
    const third = await pawl.enqueue(note, "3", { unique });
    finish();

    expect(second.outcome).toBe("created");
    expect(second.job.id).not.toBe(running);
    expect(third).toEqual({ job: second.job, outcome: "kept" });
  });
});

describe("a unique key", () => {
  it("may have 255 bytes, and a task may make it of the payload", async () => {
    const pawl = openPawl(schema);
    const long = defineTask({
      name: "long",
      payload: z.string(),
      unique: { key: (text) => text.repeat(127) + "!", mode: "replace" },
    });

    await pawl.enqueue(long, "ž");
    const { outcome } = await pawl.enqueue(long, "ž", { unique: { mode: "keep" } });

    expect(outcome).toBe("kept");
  });

  it.each([
    ["an empty one", ""],
    ["a NUL", "a\0"],
    ["256 bytes", "x".repeat(256)],
    ["a number", 1 as never],
  ])("is refused when it is %s", async (_, key) => {
    const pawl = openPawl(schema);

    const refusal = await rejectionOf(pawl.enqueue(note, "1", { unique: { key } }));

    expect(refusal).toMatchObject({ name: "OptionError", option: "unique.key" });
    expect(await countJobs(schema)).toBe(0);
  });

  it("goes with a refused rate limit into nothing", async () => {
    const pawl = openPawl(schema);
    const unique = { key: "k" };

    const refusal = await rejectionOf(
      pawl.enqueueMany([
        note.job("1", { unique }),
        note.job("2", { rateLimit: { key: "nobody's" } }),
      ]),
    );

    expect(refusal).toMatchObject({ code: "PAWL_RATE_LIMIT_UNKNOWN" });
    expect(await countJobs(schema)).toBe(0);
  });

  it("leaves the places in line in the order of the list", async () => {
    const pawl = openPawl(schema);
    const concurrency = { key: "line" };
    const keys = ["z", undefined, "a", "m", undefined, "b"];

    const results = await pawl.enqueueMany(
      keys.map((key) =>
        note.job("x", key === undefined ? { concurrency } : { concurrency, unique: { key } }),
      ),
    );

    expect(await ordersInLine()).toEqual(results.map(({ job }) => job.id));
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

/** Makes all jobs older. */
async function age(by: string): Promise<void> {
  await execute(
    `update ${schema}.jobs
        set created_at = created_at - $1::interval, run_at = run_at - $1::interval`,
    [by],
  );
}

async function ordersInLine(): Promise<string[]> {
  const rows = await execute<{ id: string }>(
    `select id::text from ${schema}.jobs where state = 'blocked' order by concurrency_order`,
  );
  return rows.map(({ id }) => id);
}

function at<Value>(values: readonly Value[], place: number): Value {
  const value = values[place];
  if (value === undefined) throw new Error(`expected something in place ${place}`);
  return value;
}
