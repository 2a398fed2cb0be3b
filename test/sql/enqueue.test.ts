import { defineTask } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginTransaction,
  connectClient,
  countJobs,
  historyOf,
  jobsIn,
  migratedSchema,
  onlyJobIn,
  openPawl,
  rejectionOf,
  startWorker,
} from "../support/producer.ts";

const hourMs = 3_600_000;
const id = "0190a5d0-1234-7abc-8def-00000000000a";
const note = defineTask({ name: "note", payload: z.string() });
const patience = { within: 10_000 };
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("the SQL function enqueue", () => {
  it("needs no more than the name of a task", async () => {
    const made = await enqueue("'note'");

    const row = await onlyJobIn(schema);
    expect(row).toMatchObject({
      id: made,
      task: "note",
      queue: "default",
      state: "ready",
      payload: null,
      priority: 0,
      attempt: 0,
      max_attempts: 25,
      correlation_id: null,
    });
    expect(row.run_at_ms).toBe(row.created_at_ms);
  });

  it("takes every argument by its place", async () => {
    await enqueue(
      `'note', '{"a":[1]}', 'queue', '${id}', '2055-01-01T00:00:00Z', null, -3, 4, 'chain'`,
    );

    expect(await onlyJobIn(schema)).toMatchObject({
      id,
      task: "note",
      queue: "queue",
      state: "scheduled",
      payload: { a: [1] },
      priority: -3,
      max_attempts: 4,
      correlation_id: "chain",
      run_at_ms: Date.parse("2055-01-01T00:00:00Z"),
    });
  });

  it.each([
    ["payload => '[1,2]'", { payload: [1, 2] }],
    ["payload => null", { payload: null }],
    ["payload => to_json('text'::text)", { payload: "text" }],
    ["queue => 'other'", { queue: "other" }],
    ["priority => 32767", { priority: 32_767 }],
    ["priority => -32768", { priority: -32_768 }],
    ["max_attempts => 1", { max_attempts: 1 }],
    ["correlation_id => 'c1'", { correlation_id: "c1" }],
    [`id => '${id}'`, { id }],
    ["id => null, run_at => null, delay => null, correlation_id => null", { state: "ready" }],
    ["run_at => '1999-01-01'", { state: "ready" }],
    ["run_at => '-infinity'", { state: "ready" }],
    ["delay => interval '-1 hour'", { state: "ready" }],
    ["delay => interval '0'", { state: "ready" }],
  ])("takes %s", async (given, columns) => {
    await enqueue(`task => 'note', ${given}`);

    const row = await onlyJobIn(schema);
    expect(row).toMatchObject(columns);
    expect(row.run_at_ms).toBe(row.created_at_ms);
  });

  it("schedules a job with a delay", async () => {
    await enqueue("'note', delay => interval '1 hour'");

    const row = await onlyJobIn(schema);
    expect(row.state).toBe("scheduled");
    expect(row.run_at_ms - row.created_at_ms).toBeCloseTo(hourMs, 1);
  });

  it("lets run_at win over delay", async () => {
    await enqueue("'note', run_at => '2055-01-01T00:00:00Z', delay => interval '1 hour'");

    expect(await onlyJobIn(schema)).toMatchObject({
      run_at_ms: Date.parse("2055-01-01T00:00:00Z"),
    });
  });

  it.each([
    ["no task", "null", "22023"],
    ["an empty task", "''", "22023"],
    ["a task of 256 bytes", "repeat('x', 256)", "22023"],
    ["no queue", "'note', queue => null", "22023"],
    ["an empty queue", "'note', queue => ''", "22023"],
    ["a queue of 64 bytes", "'note', queue => repeat('x', 64)", "22023"],
    ["a queue of 64 bytes in 32 letters", "'note', queue => repeat('ž', 32)", "22023"],
    ["no attempts", "'note', max_attempts => 0", "22023"],
    ["attempts below zero", "'note', max_attempts => -1", "22023"],
    ["attempts of null", "'note', max_attempts => null", "23502"],
    ["a priority above a smallint", "'note', priority => 32768", "22003"],
    ["a payload that is no JSON", "'note', '{'", "22P02"],
    ["an id that is no UUID", "'note', id => 'one'", "22P02"],
    ["an argument that it does not have", "'note', prio => 1", "42883"],
  ])("refuses %s, and writes nothing", async (_, given, sqlstate) => {
    const refusal = await rejectionOf(enqueue(given));

    expect(refusal).toMatchObject({ code: sqlstate });
    expect(await countJobs(schema)).toBe(0);
  });

  it("takes names of the greatest length", async () => {
    await enqueue("repeat('t', 255), queue => repeat('q', 63)");

    expect(await onlyJobIn(schema)).toMatchObject({
      task: "t".repeat(255),
      queue: "q".repeat(63),
    });
  });

  it("says what is wrong with a name", async () => {
    const refusal = await rejectionOf(enqueue("'note', queue => ''"));

    expect(refusal).toMatchObject({ message: expect.stringMatching(/queue.*1 to 63 bytes/) });
  });

  it("makes ids of version 7, in the order of time", async () => {
    const before = await databaseMs();
    const rows = await execute<{ id: string }>(
      `select ${schema}.enqueue('note')::text as id from generate_series(1, 1000)`,
    );
    const after = await databaseMs();

    const ids = rows.map((row) => row.id);
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(ids.filter((each) => !form.test(each))).toEqual([]);
    expect(new Set(ids).size).toBe(1000);
    const times = ids.map((each) => parseInt(each.replace("-", "").slice(0, 12), 16));
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    expect(times[0]).toBeGreaterThanOrEqual(Math.floor(before));
    expect(times.at(-1)).toBeLessThanOrEqual(after);
  });

  it("makes one job of an id that is given twice", async () => {
    const first = await enqueue(`'note', '1', id => '${id}'`);
    const second = await enqueue(`'note', '2', id => '${id}'`);

    expect([first, second]).toEqual([id, id]);
    expect(await onlyJobIn(schema)).toMatchObject({ payload: 1 });
  });

  it("makes one job of an id that comes twice in one transaction", async () => {
    const client = await beginTransaction();
    await client.query(`select ${schema}.enqueue('note', id => '${id}')`);
    await client.query(`select ${schema}.enqueue('note', id => '${id}')`);

    await client.query("commit");

    expect(await countJobs(schema)).toBe(1);
  });

  it("makes no job of an id that has run", async () => {
    const pawl = openPawl(schema);
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    await enqueue(`'note', '"a"', id => '${id}'`);
    await eventually(async () => (await historyOf(schema)).length === 1, patience);

    const again = await enqueue(`'note', '"b"', id => '${id}'`);

    expect(again).toBe(id);
    expect(await countJobs(schema)).toBe(0);
  });

  it("makes another job of the same id in another queue", async () => {
    await enqueue(`'note', id => '${id}'`);
    await enqueue(`'note', id => '${id}', queue => 'other'`);

    expect(await countJobs(schema)).toBe(2);
  });

  it("enqueues what workers run", async () => {
    const pawl = openPawl(schema);
    const seen: unknown[] = [];
    await startWorker(pawl, {
      handlers: [note.handle(({ payload, job }) => seen.push([payload, job.correlationId]))],
    });

    await enqueue(`'note', '"hello"', correlation_id => 'c1'`);

    await eventually(() => seen.length === 1, patience);
    expect(seen).toEqual([["hello", "c1"]]);
  });

  it("does not keep other delayed jobs waiting with one for the end of time", async () => {
    const pawl = openPawl(schema);
    const errors: unknown[] = [];
    await enqueue("'note', run_at => 'infinity'");
    // A heartbeat that is late for its lease would be an error too.
    const worker = await startWorker(pawl, {
      lease: "1m",
      handlers: [note.handle(() => undefined)],
    });
    worker.on("error", (error) => errors.push(error));

    const { job } = await pawl.enqueue(note, "later", { delay: 200 });

    await eventually(async () => (await pawl.history.attempts(job)).length === 1, patience);
    expect(errors).toEqual([]);
    expect(await countJobs(schema)).toBe(1);
  });

  it("is not led astray by the caller's search path", async () => {
    const client = await connectClient();
    await client.query(`create schema ${schema}_trap`);
    await client.query(`create table ${schema}_trap.jobs (like ${schema}.jobs)`);
    await client.query(`create table ${schema}_trap.history (like ${schema}.history)`);
    await client.query(`create table ${schema}_trap.workers (like ${schema}.workers)`);
    await client.query(
      `create function ${schema}_trap.uuid_v7() returns uuid language sql as $$ select null::uuid $$`,
    );
    await client.query(`set search_path = ${schema}_trap`);

    await client.query(`select ${schema}.enqueue('note', id => '${id}')`);
    await client.query(`select ${schema}.enqueue('note')`);

    const trapped = await client.query(`select from ${schema}_trap.jobs`);
    await client.query(`drop schema ${schema}_trap cascade`);
    expect(trapped.rowCount).toBe(0);
    expect(await countJobs(schema)).toBe(2);
  });
});

describe("a trigger of the application's", () => {
  beforeEach(async () => {
    await execute(`create table ${schema}.orders (number integer primary key)`);
    await execute(`
      create function ${schema}.order_made() returns trigger language plpgsql as $$
      begin
        perform ${schema}.enqueue('note', to_json('order ' || new.number), queue => 'orders');
        return null;
      end $$`);
    await execute(`
      create trigger order_made after insert on ${schema}.orders
        for each row execute function ${schema}.order_made()`);
  });

  it("enqueues a job for each row that is committed", async () => {
    const client = await beginTransaction();
    await client.query(`insert into ${schema}.orders values (1), (2)`);
    const before = await countJobs(schema);

    await client.query("commit");

    expect(before).toBe(0);
    expect((await jobsIn(schema)).map(({ queue, payload }) => [queue, payload])).toEqual([
      ["orders", "order 1"],
      ["orders", "order 2"],
    ]);
  });

  it("enqueues nothing for a row that is rolled back", async () => {
    const client = await beginTransaction();
    await client.query(`insert into ${schema}.orders values (1)`);

    await client.query("rollback");

    expect(await countJobs(schema)).toBe(0);
  });

  it("enqueues nothing for a row that is refused", async () => {
    await execute(`insert into ${schema}.orders values (1)`);

    await rejectionOf(execute(`insert into ${schema}.orders values (2), (1)`));

    expect(await onlyJobIn(schema)).toMatchObject({ payload: "order 1" });
  });

  it("enqueues jobs that workers run", async () => {
    const pawl = openPawl(schema);
    const seen: string[] = [];
    await startWorker(pawl, { handlers: [note.handle(({ payload }) => seen.push(payload))] });

    await execute(`insert into ${schema}.orders values (7)`);

    await eventually(() => seen.length === 1, patience);
    expect(seen).toEqual(["order 7"]);
  });
});

async function enqueue(given: string): Promise<string> {
  const [row] = await execute<{ id: string }>(`select ${schema}.enqueue(${given})::text as id`);
  return row?.id ?? "";
}

async function databaseMs(): Promise<number> {
  const [row] = await execute<{ ms: number }>(
    "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms",
  );
  return row?.ms ?? NaN;
}
