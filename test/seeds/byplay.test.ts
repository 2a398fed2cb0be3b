import { Pawl, defineTask, typed, type EnqueueOptions } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { migrateAtOnce } from "../fixtures/migrating-processes.ts";
import { databaseUrl, execute, freshDatabase, freshSchemaName } from "../support/database.ts";
import { beginTransaction, rejectionOf } from "../support/producer.ts";

const note = defineTask({ name: "note", payload: typed<string>(), retry: "none" });
const report = defineTask({ name: "report", payload: typed<string>(), queue: "reports" });
const handlers = [note.handle(() => "done")];

describe("migrate creates everything, and is safe again and from ten processes at once", () => {
  it("makes all that jobs need, and does nothing the second time", async () => {
    const pawl = new Pawl({ database: databaseUrl(), schema: freshSchemaName() });
    onTestFinished(() => pawl.close());
    const before = await rejectionOf(pawl.enqueue(note, "too early"));

    const first = await pawl.migrate();
    const { job } = await pawl.enqueue(note, "in time");
    const second = await pawl.migrate();
    const worked = await pawl.workOnce({ handlers });

    expect(before).toMatchObject({ code: "PAWL_SCHEMA_MISSING" });
    expect(first).toEqual({ from: 0, to: expect.any(Number) });
    expect(second).toEqual({ from: first.to, to: first.to });
    expect(worked).toMatchObject({ job: { id: job.id } });
  });

  it("is done by one of ten processes, and all ten go on", async () => {
    const schema = freshSchemaName();

    const results = await migrateAtOnce(schema, 10);

    const pawl = new Pawl({ database: databaseUrl(), schema });
    onTestFinished(() => pawl.close());
    const { to } = await pawl.migrate();
    const did = results.filter(({ from }) => from === 0);
    expect(to).toBeGreaterThan(0);
    expect(did).toEqual([{ from: 0, to }]);
    expect(results.filter(({ from }) => from === to)).toHaveLength(9);
  }, 90_000);
});

describe("uninstall removes everything that Pawl made, and nothing else", () => {
  /** Everything in a database that is not PostgreSQL's own. */
  async function objectsIn(url: string): Promise<unknown[]> {
    return execute(
      `select 'schema' as kind, nspname::text as name from pg_namespace where nspname !~ '^pg_'
       union all select 'relation', oid::regclass::text from pg_class where oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace
       union all select 'function', oid::regprocedure::text from pg_proc where oid >= 16384
       union all select 'type', oid::regtype::text from pg_type where oid >= 16384
       order by 1, 2`,
      [],
      url,
    );
  }

  it("leaves the database as it was, with the tables of others, also in its own schema", async () => {
    const url = await freshDatabase();
    await execute("create table theirs as select 1 as a", [], url);
    await execute("create schema shared", [], url);
    await execute("create table shared.theirs as select 1 as a", [], url);
    const before = await objectsIn(url);
    const pawls = ["pawl", "shared"].map((schema) => new Pawl({ database: url, schema }));
    for (const pawl of pawls) onTestFinished(() => pawl.close());

    for (const pawl of pawls) {
      await pawl.migrate();
      await pawl.enqueue(note, "done");
      await pawl.workOnce({ handlers });
      await pawl.enqueue(note, "waits");
    }
    const between = await objectsIn(url);
    for (const pawl of pawls) await pawl.uninstall();

    expect(between.length).toBeGreaterThan(before.length);
    expect(await objectsIn(url)).toEqual(before);
  });

  it("is safe when there is nothing", async () => {
    const pawl = await freshPawl();
    await pawl.uninstall();

    await expect(pawl.uninstall()).resolves.toBeUndefined();
    expect(await pawl.migrate()).toMatchObject({ from: 0 });
  });
});

describe("schedule puts a job into its task's queue, else into default, in the caller's transaction", () => {
  it("chooses the queue of the task, or default", async () => {
    const pawl = await freshPawl();

    const own = await pawl.enqueue(report, "of march");
    const none = await pawl.enqueue(note, "of mine");

    expect(await pawl.jobs.get(own.job.id)).toMatchObject({ queue: "reports", state: "ready" });
    expect(await pawl.jobs.get(none.job.id)).toMatchObject({ queue: "default", state: "ready" });
  });

  it("makes the job if and only if the transaction commits", async () => {
    const pawl = await freshPawl();
    const client = await beginTransaction();

    const undone = await pawl.enqueue(note, "undone", { db: client });
    await client.query("rollback");
    await client.query("begin");
    const done = await pawl.enqueue(note, "done", { db: client });
    const early = await pawl.workOnce({ handlers });
    await client.query("commit");

    expect(early).toBeNull();
    expect(await pawl.jobs.get(undone.job)).toBeUndefined();
    expect(await pawl.workOnce({ handlers })).toMatchObject({ job: { id: done.job.id } });
    expect(await pawl.workOnce({ handlers })).toBeNull();
  });
});

describe("schedule-to: an explicit queue wins over the task's", () => {
  it("puts the job there and nowhere else", async () => {
    const pawl = await freshPawl();
    const reports = [report.handle(() => "done")];

    const { job } = await pawl.enqueue(report, "urgent", { queue: "urgent" });

    expect(job.queue).toBe("urgent");
    expect(await pawl.workOnce({ queues: ["reports"], handlers: reports })).toBeNull();
    expect(await pawl.workOnce({ queues: ["urgent"], handlers: reports })).toMatchObject({
      job: { id: job.id, queue: "urgent" },
    });
  });
});

describe("a queue's name is a plain string that is checked, and the error says which rule", () => {
  const wrong: [string, string, RegExp][] = [
    ["that is empty", "", /`queue`.*not empty/],
    ["of more than 63 bytes", "ü".repeat(32), /`queue`.*at most 63 bytes.*64 bytes/],
    ["with NUL", "a\0b", /`queue`.*without NUL/],
  ];

  it.each(wrong)("refuses one %s, and writes nothing", async (_, queue, rule) => {
    const pawl = await freshPawl();
    const options: EnqueueOptions = { queue };

    const error = await rejectionOf(pawl.enqueue(note, "nowhere", options));

    expect(error).toMatchObject({ name: "OptionError", message: expect.stringMatching(rule) });
    expect((await pawl.jobs.list()).jobs).toEqual([]);
    expect(() => defineTask({ name: "task", queue })).toThrow(rule);
    expect(() => pawl.worker({ queues: [queue], handlers })).toThrow(/`queues`/);
  });

  it("takes any other, which comes back as it was given", async () => {
    const pawl = await freshPawl();
    const queue = `Tenant "ü"; -- ${"x".repeat(47)}`;

    const { job } = await pawl.enqueue(note, "there", { queue });
    await pawl.workOnce({ queues: [queue], handlers });

    expect(Buffer.byteLength(queue)).toBe(63);
    expect(await endedAttempts(pawl, { queue, id: job.id })).toMatchObject([
      { queue, outcome: "succeeded" },
    ]);
  });
});

describe("done and failed jobs stay, to be inspected, retried and purged by hand", () => {
  const fails = defineTask({ name: "fails", payload: typed<number>(), retry: "none" });
  const failing = [fails.handle(() => Promise.reject(new RangeError("no luck"))), ...handlers];

  it("shows what became of them", async () => {
    const pawl = await freshPawl();
    const done = await pawl.enqueue(note, "done");
    const failed = await pawl.enqueue(fails, 7);
    for (let turn = 0; turn < 2; turn += 1) await pawl.workOnce({ handlers: failing });

    expect(await pawl.history.attempts(done.job)).toMatchObject([
      { task: "note", payload: "done", outcome: "succeeded", final: true, error: null },
    ]);
    expect(await pawl.history.attempts(failed.job)).toMatchObject([
      { outcome: "failed", final: true, payload: 7, error: { message: "no luck" } },
    ]);
    expect(await pawl.jobs.get(failed.job)).toMatchObject({ state: "finished", payload: 7 });
    expect((await pawl.history.list({ outcome: "failed" })).attempts).toMatchObject([
      { id: failed.job.id },
    ]);
  });

  it("retries them: failed ones at a word, done ones from their payload", async () => {
    const pawl = await freshPawl();
    const done = await pawl.enqueue(note, "done");
    const failed = await pawl.enqueue(fails, 7);
    for (let turn = 0; turn < 2; turn += 1) await pawl.workOnce({ handlers: failing });

    const [retried] = await pawl.jobs.retry(failed.job);
    const [attempt] = await pawl.history.attempts(done.job);
    const again = await pawl.enqueueByName(attempt?.task ?? "", attempt?.payload);

    expect(retried).toMatchObject({ outcome: "replayed" });
    expect(await pawl.jobs.get(retried?.job ?? "")).toMatchObject({ payload: 7, state: "ready" });
    expect(await pawl.jobs.get(again.job)).toMatchObject({ payload: "done", state: "ready" });
  });

  it("purges them when they have been kept for long enough", async () => {
    let now = Date.UTC(2031, 4, 6, 12);
    const schema = freshSchemaName();
    const pawl = new Pawl({ database: databaseUrl(), schema, clock: () => now });
    onTestFinished(() => pawl.close());
    await pawl.migrate();
    const { job } = await pawl.enqueue(note, "old");
    await pawl.workOnce({ handlers });

    const early = await pawl.maintenance.pruneHistory();
    now += 32 * 86_400_000;
    const late = await pawl.maintenance.pruneHistory();

    expect([early, late]).toEqual([0, 1]);
    expect(await pawl.history.attempts(job)).toEqual([]);
  });
});
