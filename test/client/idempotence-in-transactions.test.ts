import { defineTask } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginTransaction,
  countJobs,
  historyOf,
  isSomebodyWaiting,
  migratedSchema,
  onlyJobIn,
  openPawl,
  startWorker,
} from "../support/producer.ts";

const note = defineTask({ name: "note", payload: z.string(), retry: "none" });
const id = "0190a5d0-1234-7abc-8def-00000000000a";
const patience = { within: 10_000 };
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("the same id in a transaction", () => {
  it("is kept the second time", async () => {
    const pawl = openPawl(schema);
    const db = await beginTransaction();

    const first = await pawl.enqueue(note, "first", { id, db });
    const second = await pawl.enqueue(note, "second", { id, db });

    await db.query("commit");
    expect([first.outcome, second.outcome]).toEqual(["created", "kept"]);
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "first" });
  });

  it("is a new job after a rollback", async () => {
    const pawl = openPawl(schema);
    const db = await beginTransaction();
    await pawl.enqueue(note, "undone", { id, db });
    await db.query("rollback");

    const { outcome } = await pawl.enqueue(note, "done", { id });

    expect(outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "done" });
  });

  it("is a new job after a rollback to a savepoint", async () => {
    const pawl = openPawl(schema);
    const db = await beginTransaction();
    await db.query("savepoint here");
    await pawl.enqueue(note, "undone", { id, db });
    await db.query("rollback to savepoint here");

    const { outcome } = await pawl.enqueue(note, "done", { id, db });

    await db.query("commit");
    expect(outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "done" });
  });

  it.each([
    ["commit", "kept", "theirs"],
    ["rollback", "created", "ours"],
  ])("waits for the other's %s and is then %s", async (end, expected, payload) => {
    const pawl = openPawl(schema);
    const db = await beginTransaction();
    await pawl.enqueue(note, "theirs", { id, db });

    const enqueued = pawl.enqueue(note, "ours", { id });
    await eventually(() => isSomebodyWaiting(schema), patience);
    await db.query(end);

    expect((await enqueued).outcome).toBe(expected);
    expect(await onlyJobIn(schema)).toMatchObject({ payload });
  });

  it("is kept when the job ends while the insert waits for it", async () => {
    const pawl = openPawl(schema);
    const worker = "0190a5d0-0000-7000-8000-0000000000ff";
    await pawl.enqueue(note, "first", { id });
    await execute(`update ${schema}.jobs set worker_id = $1, claim_number = 1, attempt = 1`, [
      worker,
    ]);
    const settling = await beginTransaction();
    await settling.query(
      `select ${schema}.finish_jobs('default', $1, array[$2::uuid], '{1}', '{1}', '{}', '{}', '{}', '{2592000000}', '{}', false)`,
      [worker, id],
    );

    const enqueued = pawl.enqueue(note, "second", { id });
    await eventually(() => isSomebodyWaiting(schema), patience);
    await settling.query("commit");

    expect((await enqueued).outcome).toBe("kept");
    expect(await countJobs(schema)).toBe(0);
  });

  it("is kept after the job has run, also by a transaction that began before", async () => {
    const pawl = openPawl(schema);
    const db = await beginTransaction("begin isolation level repeatable read");
    await db.query("select 1");
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    await pawl.enqueue(note, "first", { id });
    await eventually(async () => (await historyOf(schema)).length === 1, patience);

    const [second] = await Promise.allSettled([pawl.enqueue(note, "second", { id, db })]);

    await db.query("commit");
    // A serialization failure would do as well: the caller's transaction cannot know.
    expect(second).not.toMatchObject({ value: { outcome: "created" } });
    await eventually(async () => (await countJobs(schema)) === 0, patience);
    expect(await historyOf(schema)).toHaveLength(1);
  });
});
