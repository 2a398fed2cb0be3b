import { defineTask, type Pawl } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginTransaction,
  countJobs,
  migratedSchema,
  openPawl,
  startWorker,
} from "../support/producer.ts";

const note = defineTask({ name: "note", payload: z.string() });
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("two transactions that enqueue into one queue", () => {
  const writes: [string, (pawl: Pawl, db: object) => Promise<unknown>][] = [
    ["enqueue", (pawl, db) => pawl.enqueue(note, "a", { db })],
    ["enqueue with an id", (pawl, db) => pawl.enqueue(note, "a", { db, id: crypto.randomUUID() })],
    ["enqueueMany", (pawl, db) => pawl.enqueueMany([note.job("a"), note.job("b")], { db })],
    ["enqueueByName", (pawl, db) => pawl.enqueueByName("any", null, { db })],
  ];

  it.each(writes)("do not wait for each other in %s", async (_, write) => {
    const pawl = openPawl(schema);
    const [first, second] = [await impatient(), await impatient()];
    await write(pawl, first);
    await write(pawl, second);
    await write(pawl, first);

    await second.query("commit");
    await first.query("commit");

    expect(await countJobs(schema)).toBeGreaterThanOrEqual(3);
  });

  it("do not wait for each other in the SQL function", async () => {
    const [first, second] = [await impatient(), await impatient()];
    const call = `select ${schema}.enqueue('any')`;
    await first.query(call);
    await second.query(call);
    await first.query(call);

    await second.query("commit");
    await first.query("commit");

    expect(await countJobs(schema)).toBe(3);
  });

  it("do not wait for each other while workers want to be woken", async () => {
    const pawl = openPawl(schema);
    await startWorker(pawl, { queues: ["elsewhere"], handlers: [note.handle(() => undefined)] });
    await eventually(async () => (await execute(`select from ${schema}.workers where idle`))[0]);
    const [first, second] = [await impatient(), await impatient()];
    await pawl.enqueue(note, "a", { db: first });
    await pawl.enqueue(note, "b", { db: second });

    await second.query("commit");
    await first.query("commit");

    expect(await countJobs(schema)).toBe(2);
  });

  it("do not keep a plain enqueue or a worker waiting", async () => {
    const pawl = openPawl(schema);
    const open = await beginTransaction();
    await pawl.enqueue(note, "uncommitted", { db: open });
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });

    const { job } = await pawl.enqueue(note, "plain");

    await eventually(async () => (await pawl.history.attempts(job)).length === 1, {
      within: 10_000,
    });
    await open.query("rollback");
  });

  it("write no row but the jobs", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();

    await pawl.enqueue(note, "a", { db: client });
    await pawl.enqueueMany([note.job("b"), note.job("c", { id: crypto.randomUUID() })], {
      db: client,
    });

    const { rows } = await client.query<{ relname: string }>(
      `select relname from pg_stat_xact_user_tables
        where schemaname = $1 and n_tup_ins + n_tup_upd + n_tup_del > 0`,
      [schema],
    );
    expect(rows).toEqual([{ relname: "jobs" }]);
  });
});

/** In a transaction that fails rather than wait. */
async function impatient(): ReturnType<typeof beginTransaction> {
  const client = await beginTransaction();
  await client.query("set local lock_timeout = '1s'");
  return client;
}
