import { defineTask, type Pawl } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { beginTransaction, migratedSchema, openPawl, startWorker } from "../support/producer.ts";

const plain = defineTask({ name: "plain", retry: "none" });
const handlers = [plain.handle(() => undefined)];
const patience = { within: 15_000 };
let schema: string;
let pawl: Pawl;

beforeEach(async () => {
  schema = await migratedSchema();
  pawl = openPawl(schema);
});

describe("history that has expired", () => {
  it("goes a whole day at a time, and is counted", async () => {
    await expiredDay("2020-01-01", 3);
    await expiredDay("2020-01-02", 2);

    expect(await pawl.maintenance.pruneHistory()).toBe(5);

    expect(await tables()).not.toContain("history_20200101");
    expect(await tables()).not.toContain("history_20200102");
    expect(await pawl.maintenance.pruneHistory()).toBe(0);
  });

  it("stays until its day is over", async () => {
    const today = await dayFromNow(0);
    await expiredDay(today.day, 1);

    expect(await pawl.maintenance.pruneHistory()).toBe(0);

    expect(await tables()).toContain(today.table);
  });

  it("leaves tables of others alone, whatever their names", async () => {
    await execute(`create table ${schema}.history_20200101 (theirs integer)`);
    await execute(`create table ${schema}.history_notes (theirs integer)`);

    await pawl.maintenance.pruneHistory();

    expect(await tables()).toEqual(expect.arrayContaining(["history_20200101", "history_notes"]));
  });

  it("goes when its dropping had been interrupted", async () => {
    await expiredDay("2020-01-01", 4);
    await execute(`alter table ${schema}.history detach partition ${schema}.history_20200101`);

    expect(await pawl.maintenance.pruneHistory()).toBe(4);

    expect(await tables()).not.toContain("history_20200101");
  });

  it("goes once, and is counted once, when many drop it at the same time", async () => {
    for (const day of ["2020-01-01", "2020-01-02", "2020-01-03"]) await expiredDay(day, 2);

    const counts = await Promise.all(
      Array.from({ length: 5 }, () => openPawl(schema).maintenance.pruneHistory()),
    );
    const rest = await pawl.maintenance.pruneHistory();

    expect(counts.reduce((sum, count) => sum + count, rest)).toBe(6);
    expect((await tables()).filter((name) => name.startsWith("history_2020"))).toEqual([]);
  });

  it("goes by itself in any worker", async () => {
    await expiredDay("2020-01-01", 1);

    await startWorker(pawl, { handlers });

    await eventually(async () => !(await tables()).includes("history_20200101"), patience);
  });

  it("goes whatever the default isolation of the connections is", async () => {
    await expiredDay("2020-01-01", 1);
    const url = new URL(databaseUrl());
    url.searchParams.set("options", "-c default_transaction_isolation=serializable");
    const strict = openPawl(schema, { database: url.href });

    expect(await strict.maintenance.pruneHistory()).toBe(1);
  });
});

describe("somebody who has read the history and stays in the transaction", () => {
  it("holds up its dropping, but no settle and no partition that is made", async () => {
    await startWorker(pawl, { handlers });
    await settle();
    await expiredDay("2020-01-01", 1);
    await expiredDay("2020-01-02", 1);
    const reader = await beginTransaction();
    await reader.query(`select count(*) from ${schema}.history`);

    const pruning = new AbortController();
    const pruned = pawl.maintenance.pruneHistory().finally(() => {
      pruning.abort();
    });
    let slowestMs = 0;
    let settles = 0;
    await eventually(isDetachWaiting, patience);
    await execute(`select ${schema}.make_history_partition('2031-02-03')`);
    while (!pruning.signal.aborted) {
      slowestMs = Math.max(slowestMs, await settle());
      settles += 1;
    }

    expect(await pruned).toBe(0);
    expect(await tables()).toContain("history_20200101");
    expect(settles).toBeGreaterThan(3);
    // A settle that waited for the reader would have waited for all of the 5 seconds.
    expect(slowestMs).toBeLessThan(2_500);

    await reader.query("commit");
    expect(await openPawl(schema).maintenance.pruneHistory()).toBe(2);
    expect((await tables()).filter((name) => name.startsWith("history_2020"))).toEqual([]);
  }, 40_000);

  it("does not leave a session behind that waits for it", async () => {
    await expiredDay("2020-01-01", 1);
    const reader = await beginTransaction();
    await reader.query(`select count(*) from ${schema}.history`);

    await pawl.maintenance.pruneHistory();

    await eventually(async () => !(await isDetachWaiting()), patience);
    expect(reader.getTransactionStatus()).toBe("T");
  }, 30_000);
});

describe("the retention of a task", () => {
  it("has its partitions made when a worker says it", async () => {
    const short = defineTask({ name: "short", historyRetention: "2 days" });
    const expected = [2, 3, 4, 5].map((ahead) => dayFromNow(ahead));

    await startWorker(pawl, { handlers: [short.handle(() => undefined)] });

    const names = (await Promise.all(expected)).map(({ table }) => table);
    await eventually(async () => {
      const made = await tables();
      return names.every((name) => made.includes(name));
    }, patience);
  });

  it("is known to the database, with what is kept, and as the newest worker says it", async () => {
    const before = defineTask({ name: "changing", historyRetention: "2 days", keep: "failures" });
    const after = defineTask({ name: "changing", historyRetention: "3 days" });
    const said = (): Promise<unknown[]> =>
      execute(`select name, retention_ms / 86400000 as days, keep from ${schema}.tasks`);

    await startWorker(pawl, { handlers: [before.handle(() => undefined)] });
    expect(await said()).toEqual([{ name: "changing", days: 2, keep: "failures" }]);

    await startWorker(pawl, { handlers: [after.handle(() => undefined)] });
    expect(await said()).toEqual([{ name: "changing", days: 3, keep: "all" }]);
  });

  it("is written by no worker that says nothing new", async () => {
    await startWorker(pawl, { handlers });
    const version = (): Promise<unknown[]> => execute(`select xmin::text from ${schema}.tasks`);
    const before = await version();

    await startWorker(pawl, { handlers });

    expect(await version()).toEqual(before);
  });
});

/** Settles one job, and says how long that took. */
async function settle(): Promise<number> {
  const begun = performance.now();
  const { job } = await pawl.enqueue(plain);
  await eventually(async () => (await pawl.history.attempts(job)).length === 1, patience);
  return performance.now() - begun;
}

async function isDetachWaiting(): Promise<boolean> {
  const waiting = await execute(
    `select from pg_stat_activity
      where state = 'active' and wait_event_type = 'Lock' and query like $1`,
    [`%alter table "${schema}".history detach partition%`],
  );
  return waiting.length > 0;
}

async function expiredDay(day: string, rows: number): Promise<void> {
  await execute(`select ${schema}.make_history_partition($1::date)`, [day]);
  await execute(
    `insert into ${schema}.history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome)
     select gen_random_uuid(), now(), now(), now(), ($1 || ' 12:00:00+00')::timestamptz, 1, true, 'q', 't', 'succeeded'
       from generate_series(1, $2)`,
    [day, rows],
  );
}

async function dayFromNow(ahead: number): Promise<{ day: string; table: string }> {
  const [row] = await execute<{ day: string; table: string }>(
    `select to_char(day, 'YYYY-MM-DD') as day, to_char(day, '"history_"YYYYMMDD') as table
       from (select (now() at time zone 'UTC')::date + $1::integer as day) as days`,
    [ahead],
  );
  if (row === undefined) throw new Error("expected a day");
  return row;
}

async function tables(): Promise<string[]> {
  const rows = await execute<{ name: string }>(
    `select relname as name from pg_class
      where relnamespace = $1::regnamespace and relkind = 'r' and relname like 'history%' order by 1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}
