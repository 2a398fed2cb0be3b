import { defineTask, type Pawl } from "pawl";
import { pgDatabase } from "pawl/pg";
import pg from "pg";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { databaseUrl, execute } from "../support/database.ts";
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
import { startTcpProxy } from "../support/tcp-proxy.ts";

const note = defineTask({ name: "note", payload: z.string() });
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("enqueue in the caller's transaction", () => {
  it("writes a job that others see when it commits, and not before", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();

    const { outcome } = await pawl.enqueue(note, "hello", { db: client });

    expect(outcome).toBe("created");
    expect(await jobsIn(schema)).toEqual([]);
    await client.query("commit");
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "hello", state: "ready" });
  });

  it.each([
    ["enqueue", (pawl: Pawl, db: object) => pawl.enqueue(note, "a", { db })],
    ["enqueueMany", (pawl: Pawl, db: object) => pawl.enqueueMany([note.job("a")], { db })],
    ["enqueueByName", (pawl: Pawl, db: object) => pawl.enqueueByName("note", "a", { db })],
  ])("leaves nothing of %s when it rolls back", async (_, write) => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    await write(pawl, client);
    const inside = await client.query(`select from ${schema}.jobs`);

    await client.query("rollback");

    expect(inside.rowCount).toBe(1);
    expect(await jobsIn(schema)).toEqual([]);
  });

  it("never runs a job that was rolled back, and runs one that was committed", async () => {
    const pawl = openPawl(schema);
    const seen: string[] = [];
    await startWorker(pawl, { handlers: [note.handle(({ payload }) => seen.push(payload))] });
    const undone = await beginTransaction();
    await pawl.enqueue(note, "rolled back", { db: undone });
    const done = await beginTransaction();
    await pawl.enqueue(note, "committed", { db: done });

    await undone.query("rollback");
    await done.query("commit");

    await eventually(async () => (await historyOf(schema)).length === 1, { within: 10_000 });
    expect(seen).toEqual(["committed"]);
    expect(await jobsIn(schema)).toEqual([]);
  });

  it("belongs to a savepoint as the caller's own writes do", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    await pawl.enqueue(note, "before", { db: client });
    await client.query("savepoint here");
    await pawl.enqueue(note, "inside", { db: client });

    await client.query("rollback to savepoint here");
    await client.query("commit");

    expect(await onlyJobIn(schema)).toMatchObject({ payload: "before" });
  });

  it("takes a client of the user's pool", async () => {
    const pool = new pg.Pool({ connectionString: databaseUrl(), max: 1 });
    onTestFinished(() => pool.end());
    const pawl = openPawl(schema, { database: pool });
    const client = await pool.connect();
    await client.query("begin");

    // On the pool's only connection: the job cannot have been written on another.
    await pawl.enqueue(note, "hello", { db: client });

    await client.query("commit");
    client.release();
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "hello" });
  });

  it("leaves the transaction open and the session as it was", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    await client.query("set local lock_timeout = '7s'");
    const before = await settingsOf(client);

    await pawl.enqueue(note, "a", { db: client, id: crypto.randomUUID() });
    await pawl.enqueueMany([note.job("b")], { db: client });

    expect(await settingsOf(client)).toEqual(before);
    expect(client.getTransactionStatus()).toBe("T");
  });

  it("dates a job by its enqueue, not by the start of a long transaction", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    const { rows } = await client.query<{ ms: number }>(
      "select (extract(epoch from now()) * 1000)::float8 as ms",
    );
    const begunMs = rows[0]?.ms ?? Infinity;
    await eventually(async () => {
      const answer = await client.query(
        "select where clock_timestamp() > now() + interval '50 ms'",
      );
      return answer.rowCount === 1;
    });

    await pawl.enqueue(note, "late", { db: client });

    await client.query("commit");
    const { created_at_ms: createdAtMs, run_at_ms: runAtMs } = await onlyJobIn(schema);
    expect(createdAtMs).toBeGreaterThanOrEqual(begunMs + 50);
    expect(runAtMs).toBe(createdAtMs);
  });

  it.each(["begin isolation level repeatable read", "begin isolation level serializable"])(
    "works after %j",
    async (begin) => {
      const pawl = openPawl(schema);
      const client = await beginTransaction(begin);

      await pawl.enqueue(note, "a", { db: client });
      await pawl.enqueue(note, "b", { db: client, id: crypto.randomUUID() });

      await client.query("commit");
      expect(await countJobs(schema)).toBe(2);
    },
  );

  it("does not harm the transaction when the payload is refused", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    await pawl.enqueue(note, "good", { db: client });

    const refusal = await rejectionOf(pawl.enqueueByName("note", 1n, { db: client }));

    await client.query("commit");
    expect(refusal).toMatchObject({ code: "PAWL_PAYLOAD_INVALID" });
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "good" });
  });

  it("says that the transaction is aborted, and writes nothing", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    await client.query("select 1 / 0").catch(() => undefined);

    const refusal = await rejectionOf(pawl.enqueue(note, "hello", { db: client }));

    const { command } = await client.query("commit");
    expect(command).toBe("ROLLBACK");
    expect(refusal).toMatchObject({ name: "DatabaseError", cause: { code: "25P02" } });
    expect(await jobsIn(schema)).toEqual([]);
  });

  it("is not tried again elsewhere when the connection is lost", async () => {
    const proxy = await startTcpProxy();
    const pawl = openPawl(schema);
    const client = await connectClient(proxy.url);
    await client.query("begin");
    proxy.cut();

    const refusal = await rejectionOf(pawl.enqueue(note, "hello", { db: client }));

    expect(refusal).toMatchObject({ name: "DatabaseError", code: "PAWL_DATABASE_UNAVAILABLE" });
    expect(await jobsIn(schema)).toEqual([]);
  });
});

describe("what is no open transaction", () => {
  const writes = [
    ["enqueue", (pawl: Pawl, db: object) => pawl.enqueue(note, "a", { db })],
    ["enqueueMany", (pawl: Pawl, db: object) => pawl.enqueueMany([note.job("a")], { db })],
    ["enqueueByName", (pawl: Pawl, db: object) => pawl.enqueueByName("note", "a", { db })],
  ] as const;
  const things: [string, () => object | Promise<object>][] = [
    ["a pool", () => openPool()],
    ["a client that has not begun", () => connectClient()],
    ["a client that is not connected", () => new pg.Client(databaseUrl())],
    ["a client that has committed", () => clientAfter("begin", "commit")],
    ["a client that has rolled back", () => clientAfter("begin", "rollback")],
    ["a client whose begin was not awaited", beginWithoutWaiting],
    ["a client of a pool that has not begun", clientOfPool],
    ["an adapter's database", openDatabase],
    ["an empty object", () => ({})],
  ];
  const cases = things.flatMap(([name, make]) =>
    writes.map(([call, write]) => [call, name, make, write] as const),
  );

  it.each(cases)("is refused by %s: %s", async (_call, _name, make, write) => {
    const pawl = openPawl(schema);
    const thing = await make();

    const refusal = await rejectionOf(write(pawl, thing));

    expect(refusal).toMatchObject({
      name: "TransactionError",
      code: "PAWL_TRANSACTION_REQUIRED",
      message: expect.stringContaining("`db`"),
    });
    expect(await jobsIn(schema)).toEqual([]);
  });

  it("is refused in the options of one of many jobs", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    const options: object = { db: client };

    const refusal = await rejectionOf(pawl.enqueueMany([note.job("a", options)]));

    await client.query("rollback");
    expect(refusal).toMatchObject({ name: "OptionError", option: "db" });
    expect(await jobsIn(schema)).toEqual([]);
  });
});

describe("the caller's table and the job", () => {
  it("are written together or not at all", async () => {
    const pawl = openPawl(schema);
    await execute(`create table ${schema}.orders (name text primary key)`);
    const order = async (name: string): Promise<void> => {
      const client = await beginTransaction();
      await pawl.enqueue(note, name, { db: client });
      await client.query(`insert into ${schema}.orders values ($1)`, [name]);
      await client.query("commit");
    };
    await order("one");

    const [second] = await Promise.allSettled([order("one")]);

    expect(second.status).toBe("rejected");
    expect(await countJobs(schema)).toBe(1);
  });
});

async function settingsOf(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query<object>(
    "select name, setting from pg_settings where source = 'session' or name = 'search_path' order by name",
  );
  return rows;
}

function openPool(): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl() });
  onTestFinished(() => pool.end());
  return pool;
}

async function clientAfter(...statements: string[]): Promise<object> {
  const client = await connectClient();
  for (const statement of statements) await client.query(statement);
  return client;
}

async function beginWithoutWaiting(): Promise<object> {
  const client = await connectClient();
  void client.query("begin");
  return client;
}

async function clientOfPool(): Promise<object> {
  const client = await openPool().connect();
  onTestFinished(() => {
    client.release();
  });
  return client;
}

function openDatabase(): object {
  const database = pgDatabase(databaseUrl());
  onTestFinished(() => database.close());
  return database;
}
