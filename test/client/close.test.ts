import { defineTask, Pawl } from "pawl";
import { pgDatabase } from "pawl/pg";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { databaseUrl, freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import {
  connectionsTo,
  countJobs,
  historyOf,
  migratedSchema,
  openPawl,
  rejectionOf,
  startWorker,
} from "../support/producer.ts";

const note = defineTask({ name: "note", payload: z.string() });
const patience = { within: 10_000 };

describe("close", () => {
  it("ends the connections that Pawl made, a worker's among them", async () => {
    const url = await freshDatabase();
    const pawl = new Pawl({ database: url });
    onTestFinished(() => pawl.close());
    await pawl.migrate();
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    const { job } = await pawl.enqueue(note, "hello");
    await eventually(async () => (await pawl.history.attempts(job)).length === 1, patience);
    const before = await connectionsTo(url);

    await pawl.close();

    expect(before.length).toBeGreaterThan(1);
    await eventually(async () => (await connectionsTo(url)).length === 0, patience);
  });

  it("leaves the user's pool open, and ends what a worker has opened beside it", async () => {
    const url = await freshDatabase();
    const pool = new pg.Pool({ connectionString: url, application_name: "theirs", max: 2 });
    onTestFinished(() => pool.end());
    const pawl = new Pawl({ database: pool });
    await pawl.migrate();
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    const { job } = await pawl.enqueue(note, "hello");
    await eventually(async () => (await pawl.history.attempts(job)).length === 1, patience);

    await pawl.close();

    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    const pids = await eventually(async () => {
      const open = await connectionsTo(url);
      return open.length <= pool.totalCount && open;
    }, patience);
    expect(pids.length).toBeGreaterThan(0);
    expect(pool.listenerCount("error")).toBe(0);
  });

  it("leaves a database adapter of the user's open", async () => {
    const schema = await migratedSchema();
    const database = pgDatabase(databaseUrl());
    onTestFinished(() => database.close());
    const pawl = openPawl(schema, { database });
    await pawl.enqueue(note, "hello");

    await pawl.close();

    const other = openPawl(schema, { database });
    await other.enqueue(note, "again");
    expect(await countJobs(schema)).toBe(2);
  });

  it("stops its workers, whose running jobs end first", async () => {
    const schema = await migratedSchema();
    const pawl = openPawl(schema);
    const started = gate();
    const held = gate();
    const worker = await startWorker(pawl, {
      handlers: [
        note.handle(async () => {
          started.open();
          await held.opened;
        }),
      ],
    });
    await pawl.enqueue(note, "hello");
    await started.opened;

    const closed = pawl.close();
    held.open();
    await closed;

    expect(worker.state).toBe("terminated");
    expect(await historyOf(schema)).toMatchObject([{ outcome: "succeeded" }]);
  });

  it("may be called twice, and before anything was used", async () => {
    const pawl = new Pawl({ database: databaseUrl() });

    await Promise.all([pawl.close(), pawl.close()]);

    await expect(pawl.close()).resolves.toBeUndefined();
  });

  it("is what leaving the scope of `await using` does", async () => {
    const schema = await migratedSchema();
    const pawl = new Pawl({ database: databaseUrl(), schema });

    await pawl[Symbol.asyncDispose]();

    expect(await rejectionOf(pawl.enqueue(note, "late"))).toMatchObject({ code: "PAWL_CLOSED" });
  });

  it.each<[string, (pawl: Pawl) => unknown]>([
    ["enqueue", (pawl) => pawl.enqueue(note, "late")],
    ["enqueue with an id", (pawl) => pawl.enqueue(note, "late", { id: crypto.randomUUID() })],
    ["enqueueMany", (pawl) => pawl.enqueueMany([note.job("late")])],
    ["enqueueByName", (pawl) => pawl.enqueueByName("note", "late")],
    ["migrate", (pawl) => pawl.migrate()],
    ["uninstall", (pawl) => pawl.uninstall()],
    ["jobs.get", (pawl) => pawl.jobs.get({ queue: "a", id: crypto.randomUUID() })],
    ["history.attempts", (pawl) => pawl.history.attempts({ queue: "a", id: crypto.randomUUID() })],
    ["worker", (pawl) => pawl.worker({ handlers: [note.handle(() => undefined)] })],
  ])("refuses %s afterwards, and writes nothing", async (_, use) => {
    const schema = await migratedSchema();
    const pool = new pg.Pool({ connectionString: databaseUrl() });
    onTestFinished(() => pool.end());
    const pawl = openPawl(schema, { database: pool });
    await pawl.close();

    const refusal = await rejectionOf(Promise.resolve().then(() => use(pawl)));

    expect(refusal).toMatchObject({ name: "ClosedError", code: "PAWL_CLOSED" });
    expect(await countJobs(schema)).toBe(0);
  });
});
