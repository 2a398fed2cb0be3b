import fc from "fast-check";
import { defineTask, Pawl, typed, type AnyTask } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { searchHistory, searchJobs } from "#pawl/store/dashboard-search";
import { findings } from "../../fixtures/findings.ts";
import { freshEngine, type Engine } from "../../support/engine.ts";
import { plansOf, waysTo } from "../../support/plans.ts";
import { holds, jsonText, written, type Written } from "./json-text.ts";

const payload = typed<Record<string, unknown>>();
const send = defineTask({ name: "send", payload, searchable: ["user.id", "order"] });
const search = { task: "send", search: "payload.user.id:42" };

describe("the paths that a task declares searchable", () => {
  it("have an index on the jobs, and one on the history with all its partitions", async () => {
    const engine = await freshEngine();
    await migrated(engine, [send]);

    const indexes = await engine.sql<{ name: string; valid: boolean; table: string }>(allIndexes);
    const partitions = await engine.sql(
      "select from pg_inherits where inhparent = 'history'::regclass",
    );

    expect(indexes.filter(({ table }) => table === "jobs")).toHaveLength(2);
    expect(indexes.filter(({ table }) => table === "history")).toHaveLength(2);
    expect(indexes).toHaveLength(4 + 2 * partitions.length);
    expect(indexes.every(({ valid }) => valid)).toBe(true);
  });

  it("are found along these", async () => {
    const engine = await freshEngine();
    await fillMany(engine, 5_000);
    await migrated(engine, [send]);

    const plans = await plansOf(engine, async ({ db, sql }) => {
      const jobs = await db.query(sql("dashboard/search-jobs"), [
        ...[null, null, "send", null, null, '[{"path":["user","id"],"text":"42"}]'],
        ...["", "00000000-0000-0000-0000-000000000000", 50, 200],
      ]);
      const past = await db.query(sql("dashboard/search-history"), [
        ...[null, null, null, "send", null, "-infinity", "infinity"],
        ...['[{"path":["user","id"],"text":"42"}]', "infinity"],
        ...["00000000-0000-0000-0000-000000000000", 0, "", 50, 200],
      ]);
      expect([jobs.length, past.length]).toEqual([6, 6]);
    });

    const walks = [...waysTo("jobs", plans), ...waysTo("history", plans)];
    expect(walks.filter((way) => way.includes("Seq Scan"))).toEqual([]);
    expect(walks.some((way) => way.includes("by jobs_searchable_"))).toBe(true);
    expect(walks.some((way) => /by history_\d+_searchable_/.test(way))).toBe(true);
    const read = plans.scans.filter(({ table }) => /^(jobs|history)/.test(table));
    expect(Math.max(...read.map((scan) => scan.read))).toBeLessThan(50);
  });

  it("find the same as without an index, whatever the payloads are", async () => {
    const engine = await freshEngine();
    const payloads = fc
      .sample(written, { numRuns: 200, seed: 11 })
      .map((value): Written => ({ kind: "object", members: new Map([["order", value]]) }));
    const inner = payloads.flatMap(({ ...each }) =>
      each.kind === "object" ? [...each.members.values()] : [],
    );
    const values = fc
      .sample(written, { numRuns: 300, seed: 12 })
      .flatMap((each) => (each.kind === "object" ? [...each.members.values()] : []));
    const all = [
      ...payloads,
      ...inner,
      ...values.map((value): Written => ({ kind: "object", members: new Map([["order", value]]) })),
    ];
    await fill(engine, all.map(jsonText));
    await migrated(engine, [send]);

    for (const text of [
      "42",
      "42.0",
      "4.2e1",
      "0",
      "-0",
      "1000",
      "true",
      "null",
      "",
      "a b",
      "{}",
      "9".repeat(120),
      "1e400",
    ]) {
      const filter = { task: "send", search: `payload.order:${JSON.stringify(text)}` };
      const expected = all.flatMap((each, n) => (holds(each, ["order"], text) ? n : []));

      const jobs = await searchJobs(engine.store, filter, { limit: 1_000 });
      const past = await searchHistory(engine.store, filter, { limit: 1_000 });

      expect([text, jobs.rows.map(numberOf)]).toEqual([text, expected]);
      expect([text, past.rows.map(numberOf).reverse()]).toEqual([text, expected]);
    }
  });

  it("may hold values of any length and kind", async () => {
    const engine = await freshEngine();
    const pawl = await migrated(engine, [send]);
    const long = "ü".repeat(100_000);
    await pawl.enqueue(send, { order: long });
    await pawl.enqueue(send, { order: { of: long } });
    await pawl.enqueue(send, { order: Number.MAX_VALUE });
    await engine.sql(`select enqueue('send', '{"order": 1e999999}'::json)`);

    const found = await searchJobs(
      engine.store,
      { task: "send", search: `payload.order:${long.slice(0, 1_900)}` },
      { limit: 10 },
    );
    const large = await searchJobs(
      engine.store,
      { task: "send", search: `payload.order:${Number.MAX_VALUE}` },
      { limit: 10 },
    );

    expect(found.rows).toEqual([]);
    expect(large.rows).toHaveLength(1);
  });

  it("lose their indexes when the task declares them no more; those of other tasks stay", async () => {
    const engine = await freshEngine();
    const other = defineTask({ name: "other", payload, searchable: ["order"] });
    await migrated(engine, [send, other]);

    await migrated(engine, [defineTask({ name: "send", payload, searchable: ["order"] })]);
    const fewer = await ownIndexes(engine);
    await migrated(engine, [defineTask({ name: "send", payload })]);
    const none = await ownIndexes(engine);

    expect([fewer, none]).toEqual([4, 2]);
  });

  it("get their indexes once, however many processes migrate at a time", async () => {
    const engine = await freshEngine();
    await fillMany(engine, 2_000);

    await Promise.all([1, 2, 3, 4].map(() => migrated(engine, [send])));

    expect(await ownIndexes(engine)).toBe(4);
    expect(await engine.sql(`${allIndexes} and not indisvalid`)).toEqual([]);
  });

  it("get an index anew whose making was interrupted", async () => {
    const engine = await freshEngine();
    await migrated(engine, [send]);
    await engine.sql(
      `update pg_index set indisvalid = false
        where indexrelid = (select min(oid) from pg_class where relname ~ '^jobs_searchable_' and relnamespace = $1::regnamespace)`,
      [engine.schema],
    );
    await engine.sql(
      `do $$ declare _name text; begin
         for _name in select relname from pg_class where relname ~ '^history_searchable_' and relnamespace = current_schema::regnamespace
         loop execute format('drop index %I', _name); end loop;
       end $$`,
    );
    expect(await findings(engine, "indexes")).toMatchObject([{ level: "error" }]);

    await migrated(engine, [send]);

    expect(await findings(engine, "indexes")).toMatchObject([{ level: "ok" }]);
    expect(await ownIndexes(engine)).toBe(4);
    expect(await engine.sql(`${allIndexes} and not indisvalid`)).toEqual([]);
  });

  it("have an index on a partition that is made later", async () => {
    const engine = await freshEngine();
    const pawl = await migrated(engine, [send]);
    await engine.sql("select make_history_partition((now() + interval '90 days')::date)");

    await pawl.migrate();

    const [row] = await engine.sql<{ count: number }>(
      `select count(*)::integer as count from pg_index
        where indrelid = ('history_' || to_char(now() + interval '90 days', 'YYYYMMDD'))::regclass`,
    );
    expect(row?.count).toBe(4);
  });

  it("are no drift, and are missed when they are not there", async () => {
    const engine = await freshEngine();
    const pawl = await migrated(engine, [send]);

    expect(await findings(engine, "drift")).toMatchObject([{ level: "ok" }]);
    const wanting = new Pawl({
      ...{ database: pgDatabase(engine.pool), schema: engine.schema },
      tasks: [defineTask({ name: "third", payload, searchable: ["a"] })],
    });
    onTestFinished(() => wanting.close());
    const found = await wanting.maintenance.diagnose();
    expect(found.filter(({ check }) => check === "indexes")).toMatchObject([{ level: "warning" }]);
    expect(
      (await pawl.maintenance.diagnose()).filter(({ check }) => check === "indexes"),
    ).toMatchObject([{ level: "ok" }]);
  });

  it("leave claims hot, and go with everything else", async () => {
    const engine = await freshEngine();
    const pawl = await migrated(engine, [send]);
    await pawl.enqueueMany(Array.from({ length: 500 }, (_, n) => send.job({ user: { id: n } })));
    await engine.sql("select pg_stat_force_next_flush()").catch(() => undefined); // not before PostgreSQL 15
    const before = await updates(engine);

    const { settled } = await engine.work({ handlers: [send.handle(() => undefined)] });
    await engine.until(() => settled.length === 500);
    const after = await engine.until(async () => {
      const now = await updates(engine);
      return now.all - before.all >= 500 && now;
    });

    expect(after.hot - before.hot).toBeGreaterThanOrEqual((after.all - before.all) * 0.95);
    expect((await searchHistory(engine.store, search, { limit: 10 })).rows).toHaveLength(1);
    await pawl.uninstall();
    expect(await ownIndexes(engine)).toBe(0);
  });
});

// Others make and drop indexes meanwhile: a definition is asked for only of our own.
const allIndexes = `
  select indexes.relname as name, indisvalid as valid, owner.relname as "table"
    from pg_index
    join pg_class as indexes on indexes.oid = indexrelid
    join pg_class as owner on owner.oid = indrelid
   where case when owner.relnamespace = current_schema::regnamespace then pg_get_indexdef(indexrelid) end like '%payload%'`;

async function migrated(
  engine: Engine,
  tasks: readonly AnyTask[],
): Promise<Pawl<readonly AnyTask[]>> {
  const pawl = new Pawl({ database: pgDatabase(engine.pool), schema: engine.schema, tasks });
  onTestFinished(() => pawl.close());
  await pawl.migrate();
  return pawl;
}

async function ownIndexes(engine: Engine): Promise<number> {
  const rows = await engine.sql<{ table: string }>(allIndexes);
  return rows.filter(({ table }) => table === "jobs" || table === "history").length;
}

async function updates(engine: Engine): Promise<{ all: number; hot: number }> {
  const [row] = await engine.sql<{ all: number; hot: number }>(
    `select n_tup_upd::integer as all, n_tup_hot_upd::integer as hot from pg_stat_user_tables
      where relname = 'jobs' and schemaname = current_schema`,
  );
  return row ?? { all: 0, hot: 0 };
}

function numberOf({ id }: { readonly id: string }): number {
  return Number(id.slice(-12));
}

async function fill(engine: Engine, payloads: readonly string[]): Promise<void> {
  for (const [n, text] of payloads.entries()) {
    await engine.sql(
      `insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, payload)
       values (('00000000-0000-7000-8000-' || lpad($1::text, 12, '0'))::uuid, now(), now(), 1, 'default', 'send', 'ready', $2)`,
      [n, text],
    );
  }
  await settleCopies(engine);
}

async function fillMany(engine: Engine, count: number): Promise<void> {
  await engine.sql(
    `insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, payload)
     select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now(), now(), 1, 'default', 'send', 'ready',
            json_build_object('user', json_build_object('id', n % ($1::integer / 5)), 'order', n)
       from generate_series(1, $1::integer) as n`,
    [count],
  );
  await settleCopies(engine);
}

async function settleCopies(engine: Engine): Promise<void> {
  await engine.sql(
    `insert into history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome, payload)
     select id, created_at, run_at, '2026-01-01'::timestamptz + right(id::text, 12)::integer * interval '1 second',
            now() + interval '30 days', 1, true, queue, task, 'succeeded', payload
       from jobs`,
  );
}
