import { defineTask, Pawl, type PawlOptions } from "pawl";
import pg from "pg";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { databaseUrl, execute, freshDatabase, freshSchemaName } from "./support/database.ts";
import { eventually } from "./support/eventually.ts";
import {
  connectClient,
  connectionsTo,
  countJobs,
  historyOf,
  migratedSchema,
  onlyJobIn,
  openPawl,
  rejectionOf,
  startWorker,
  thrownBy,
} from "./support/producer.ts";

const note = defineTask({ name: "note", payload: z.string() });
const patience = { within: 10_000 };

describe("new Pawl", () => {
  const database = "postgres://localhost/app";

  it.each<[string, unknown, string]>([
    ["null", null, "Pawl"],
    ["a connection string alone", database, "Pawl"],
    ["an empty schema", { database, schema: "" }, "schema"],
    ["a schema in capitals", { database, schema: "Pawl" }, "schema"],
    ["a schema with a quote", { database, schema: 'a"b' }, "schema"],
    ["a schema of 49 letters", { database, schema: "a".repeat(49) }, "schema"],
    ["a schema that begins with a digit", { database, schema: "1a" }, "schema"],
    ["a payload limit of nothing", { database, maxPayloadBytes: 0 }, "maxPayloadBytes"],
    ["a payload limit that is a text", { database, maxPayloadBytes: "1MB" }, "maxPayloadBytes"],
    ["tasks that are no list", { database, tasks: 5 }, "tasks"],
    ["tasks by name", { database, tasks: { note } }, "tasks"],
    ["a name for a task", { database, tasks: ["note"] }, "tasks"],
    ["null for a task", { database, tasks: [null] }, "tasks"],
    ["a handler for a task", { database, tasks: [note.handle(() => undefined)] }, "tasks"],
    ["a serializer that cannot serialize", { database, serializer: {} }, "serializer"],
    ["a serializer that is a function", { database, serializer: JSON.stringify }, "serializer"],
    ["a generator that is none", { database, generateId: "v7" }, "generateId"],
    ["an empty connection string", { database: "" }, "database"],
    ["a connection string that is none", { database: "postgres://h:99999999/x" }, "database"],
    ["a database that is a number", { database: 5432 }, "database"],
    ["a database that is an empty object", { database: {} }, "database"],
    ["a client for a database", { database: new pg.Client() }, "database"],
  ])("refuses %s", (_, options, option) => {
    const error = thrownBy(() => new Pawl(options as PawlOptions<readonly []>));

    expect(error).toMatchObject({
      name: "OptionError",
      code: "PAWL_OPTION_INVALID",
      option,
      message: expect.stringMatching(/expected .*[,;] got /),
    });
  });

  it("refuses an option that it does not know, and names the one that was meant", () => {
    const error = thrownBy(() => new Pawl({ databse: database } as object));

    expect(error).toMatchObject({
      name: "OptionError",
      code: "PAWL_OPTION_UNKNOWN",
      option: "databse",
      message: expect.stringContaining("`database`"),
    });
  });

  it("refuses a task that is registered twice", () => {
    const again = defineTask({ name: "note" });

    const error = thrownBy(() => new Pawl({ database, tasks: [note, again] }));

    expect(error).toMatchObject({
      name: "TaskError",
      code: "PAWL_TASK_DUPLICATE",
      message: expect.stringMatching(/once, got "note" twice/),
    });
  });

  it("needs to be told of a database", () => {
    vi.stubEnv("DATABASE_URL", "");
    onTestFinished(() => void vi.unstubAllEnvs());

    const error = thrownBy(() => new Pawl());

    expect(error).toMatchObject({
      name: "OptionError",
      option: "database",
      message: expect.stringContaining("DATABASE_URL"),
    });
  });

  it("finds its database in the environment", async () => {
    const schema = await migratedSchema();
    vi.stubEnv("DATABASE_URL", databaseUrl());
    onTestFinished(() => void vi.unstubAllEnvs());
    const pawl = new Pawl({ schema });
    onTestFinished(() => pawl.close());

    await pawl.enqueue(note, "hello");

    expect(await countJobs(schema)).toBe(1);
  });

  it("does not show the password of a bad connection string", () => {
    const bad = "postgres://ada:hunter2@host:99999999/app";

    const error = thrownBy(() => new Pawl({ database: bad }));

    expect(String(error)).not.toContain("hunter2");
    expect(JSON.stringify(error)).not.toContain("hunter2");
  });

  it("connects when it is first used, not before", async () => {
    const url = await freshDatabase();

    const pawl = new Pawl({ database: url });
    onTestFinished(() => pawl.close());
    const before = await connectionsTo(url);
    await pawl.migrate();

    expect(before).toEqual([]);
    expect(await connectionsTo(url)).not.toEqual([]);
  });

  it.each(["nope", "", "0190a5d0-1234-7abc-8def", 5])(
    "fails an enqueue alone when its generator gives %j for an id",
    async (id) => {
      const schema = await migratedSchema();
      const ids = [crypto.randomUUID(), id as string, crypto.randomUUID()];
      const pawl = openPawl(schema, { generateId: () => ids.pop() ?? "" });

      const outcomes = await Promise.allSettled([1, 2, 3].map(() => pawl.enqueue(note, "hello")));

      expect(outcomes).toMatchObject([
        { status: "fulfilled" },
        { reason: { code: expect.stringMatching(/^PAWL_/) } },
        { status: "fulfilled" },
      ]);
      expect(await countJobs(schema)).toBe(2);
    },
  );
});

describe("migrate and uninstall", () => {
  it("say from which version to which", async () => {
    const pawl = openPawl(freshSchemaName());

    const first = await pawl.migrate();
    const second = await pawl.migrate();

    expect(first.from).toBe(0);
    expect(first.to).toBeGreaterThan(0);
    expect(second).toEqual({ from: first.to, to: first.to });
  });

  it("leave no jobs, no history and no schema", async () => {
    const schema = freshSchemaName();
    const pawl = openPawl(schema);
    await pawl.migrate();
    const worker = await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    await pawl.enqueue(note, "hello");
    await eventually(async () => (await historyOf(schema)).length === 1, patience);
    await worker.stop();

    await pawl.uninstall();

    expect(await execute("select from pg_namespace where nspname = $1", [schema])).toEqual([]);
  });

  it("let the same Pawl go on afterwards", async () => {
    const schema = freshSchemaName();
    const pool = new pg.Pool({ connectionString: databaseUrl(), max: 1 });
    onTestFinished(() => pool.end());
    const pawl = openPawl(schema, { database: pool });
    await pawl.migrate();
    await pawl.enqueue(note, "before");
    await pawl.uninstall();
    const between = await rejectionOf(pawl.enqueue(note, "between"));

    await pawl.migrate();
    await pawl.enqueue(note, "after");

    expect(between).toMatchObject({ code: expect.stringMatching(/^PAWL_/) });
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "after" });
  });

  it("tell an enqueue without a schema what to do", async () => {
    const pawl = openPawl(freshSchemaName());

    const refusals = [
      await rejectionOf(pawl.enqueue(note, "hello")),
      await rejectionOf(pawl.enqueue(note, "hello", { id: crypto.randomUUID() })),
      await rejectionOf(pawl.enqueueMany([note.job("hello")])),
    ];

    expect(refusals).toMatchObject(
      Array(3).fill({
        code: expect.stringMatching(/^PAWL_/),
        message: expect.stringContaining("pawl migrate"),
      }),
    );
  });
});

describe("two schemas side by side", () => {
  let pool: pg.Pool;
  let left: string;
  let right: string;

  beforeEach(async () => {
    // One connection, so that nothing that a session remembers may be mistaken for the other's.
    pool = new pg.Pool({ connectionString: databaseUrl(), max: 1 });
    onTestFinished(() => pool.end());
    [left, right] = [await migratedSchema(), await migratedSchema()];
  });

  it("do not see each other's jobs", async () => {
    const [one, other] = [openPawl(left, { database: pool }), openPawl(right, { database: pool })];
    const id = crypto.randomUUID();

    const first = await one.enqueue(note, "left", { id });
    const second = await other.enqueue(note, "right", { id });

    expect([first.outcome, second.outcome]).toEqual(["created", "created"]);
    expect(await onlyJobIn(left)).toMatchObject({ payload: "left" });
    expect(await onlyJobIn(right)).toMatchObject({ payload: "right" });
    expect(await other.jobs.get(first.job)).toMatchObject({ payload: "right" });
  });

  it("do not run each other's jobs", async () => {
    const [one, other] = [openPawl(left), openPawl(right)];
    const seen: string[] = [];
    await startWorker(other, { handlers: [note.handle(({ payload }) => seen.push(payload))] });

    await one.enqueue(note, "left");
    await other.enqueue(note, "right");

    await eventually(async () => (await historyOf(right)).length === 1, patience);
    expect(seen).toEqual(["right"]);
    expect(await onlyJobIn(left)).toMatchObject({ state: "ready" });
    expect(await historyOf(left)).toEqual([]);
  });

  it("do not fall together", async () => {
    const [one, other] = [openPawl(left), openPawl(right)];
    await one.enqueue(note, "left");

    await other.uninstall();

    expect(await onlyJobIn(left)).toMatchObject({ payload: "left" });
    await one.enqueue(note, "still here");
    expect(await countJobs(left)).toBe(2);
  });
});

describe("a hostile search path", () => {
  it("leads neither migrate nor enqueue nor a worker astray", async () => {
    const trap = freshSchemaName();
    const schema = freshSchemaName();
    const setter = await connectClient();
    await setter.query(`create schema ${trap}`);
    for (const table of ["jobs", "history", "workers", "queues", "migrations"]) {
      await setter.query(`create table ${trap}.${table} (wrong integer)`);
    }
    await setter.query(
      `create function ${trap}.wake_workers() returns void language sql as 'select 1 / 0'`,
    );
    const url = new URL(databaseUrl());
    url.searchParams.set("options", `-c search_path=${trap}`);
    const pawl = openPawl(schema, { database: url.href });
    const seen: string[] = [];

    await pawl.migrate();
    await startWorker(pawl, { handlers: [note.handle(({ payload }) => seen.push(payload))] });
    await pawl.enqueue(note, "one");
    await pawl.enqueue(note, "two", { id: crypto.randomUUID(), delay: 50 });

    await eventually(async () => (await historyOf(schema)).length === 2, patience);
    expect(seen).toEqual(["one", "two"]);
    await pawl.close();
    await openPawl(schema, { database: url.href }).uninstall();
    const left = await execute("select from pg_class where relnamespace = $1::regnamespace", [
      trap,
    ]);
    expect(left).toHaveLength(5);
  });

  it("may be empty", async () => {
    const schema = freshSchemaName();
    const url = new URL(databaseUrl());
    url.searchParams.set("options", "-c search_path=");
    const pawl = openPawl(schema, { database: url.href });

    await pawl.migrate();
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    await pawl.enqueue(note, "one");

    await eventually(async () => (await historyOf(schema)).length === 1, patience);
  });
});
