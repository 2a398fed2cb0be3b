import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { searchHistory, searchJobs } from "#pawl/store/dashboard-search";
import { Engine } from "../../support/engine.ts";
import { ownPostgres } from "../../support/own-postgres.ts";
import { plansOf, waysTo } from "../../support/plans.ts";
import { readsOf } from "./reading.ts";

const server = ownPostgres({ autovacuum: "off" });
const count = 200_000;
// On a machine that others use as well.
const slackMs = 400;

describe("with 200,000 jobs and as many attempts", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = new Engine({ url: server.url });
    await engine.pawl.migrate();
    await engine.sql(
      `insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, correlation_id, payload)
       select uuid_v7(), now(), now(), 1, 'queue ' || n % 7, 'send',
              case n % 500 when 0 then 'scheduled' else 'ready' end, 'chain ' || n, json_build_object('n', n, 'note', md5(n::text))
         from generate_series(1, $1::integer) as n`,
      [count],
    );
    await engine.sql(
      `insert into history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome, payload)
       select id, created_at, run_at, created_at - (random() * 1000) * interval '1 hour', now() + interval '30 days', 1, true,
              queue, task, 'succeeded', payload
         from jobs`,
    );
  }, 120_000);
  afterAll(() => engine.close());

  it.each([10, 50])(
    "a search ends when its %i ms are over, and says how far it came",
    async (budgetMs) => {
      const filter = { search: "payload.note:nowhere" };
      const startedAt = performance.now();

      const jobs = await searchJobs(engine.store, filter, { limit: 50, budgetMs });
      const past = await searchHistory(engine.store, filter, { limit: 50, budgetMs });

      expect(performance.now() - startedAt).toBeLessThan(2 * budgetMs + slackMs);
      for (const found of [jobs, past]) {
        expect(found).toMatchObject({ rows: [], isCut: true });
        expect(found.examined).toBeGreaterThan(99);
        expect(found.next).not.toBeNull();
      }
    },
  );

  it("a search goes on where it was cut, and looks at each row once", async () => {
    for (const find of [searchJobs, searchHistory]) {
      let examined = 0;
      let found = 0;
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof find>> = await find(
          engine.store,
          { search: "payload.n:150000" },
          { after, limit: 50, budgetMs: 100 },
        );
        examined += page.examined;
        found += page.rows.length;
        after = page.next;
      } while (after !== null);

      expect({ examined, found }).toEqual({ examined: count, found: 1 });
    }
  });

  it.each(["were never gathered", "were gathered"])(
    "no search scans a table, when statistics %s",
    async (statistics) => {
      if (statistics === "were gathered") await engine.sql("analyze jobs, history");
      const filters = [
        [null, null, null, null],
        ["ready", null, null, null],
        ["scheduled", "queue 3", null, null],
        ["running", null, "other", null],
        [null, "queue 3", null, "chain 7"],
      ];
      const terms = '[{"path":["n"],"text":"7"}]';

      const plans = await plansOf(engine, async ({ db, sql }) => {
        await db.query(sql("connections/prefer-indexes"));
        for (const filter of filters) {
          await db.query(sql("dashboard/search-jobs"), [
            ...filter,
            ...[null, terms, "queue 1", "00000000-0000-0000-0000-000000000000", 50, 20],
          ]);
        }
        await db.query(sql("dashboard/search-history"), [
          ...["failed", null, null, null, null, "-infinity", "infinity", terms],
          ...["infinity", "00000000-0000-0000-0000-000000000000", 0, "", 50, 20],
        ]);
        await db.query(sql("dashboard/queues"), [10_000, 100]);
        await db.query(sql("dashboard/lately"), [null, 5_000, 20_000, 900_000]);
      });

      const ways = [...waysTo("jobs", plans), ...waysTo("history", plans)];
      expect(ways.length).toBeGreaterThan(0);
      expect(ways.filter((way) => way.includes("Seq") || way.includes("Bitmap"))).toEqual([]);
      const read = plans.scans.filter(({ table }) => /^(jobs|history)/.test(table));
      expect(Math.max(...read.map((scan) => scan.read))).toBeLessThan(70_000);
    },
  );

  it("rare jobs of a state are found at once", async () => {
    const found = await searchJobs(engine.store, { state: "scheduled" }, { limit: 1_000 });

    expect(found.rows).toHaveLength(400);
    expect(found.next).toBeNull();
    expect(found.examined).toBeLessThan(6_000);
  });

  it("the counts of queues say where they stop", async () => {
    const { queues } = await readsOf(engine)("queues");

    expect(queues).toHaveLength(7);
    for (const { counts } of queues) {
      expect(counts.ready.isAtLeast).toBe(true);
      expect(counts.running).toEqual({ count: 0, isAtLeast: false });
    }
  });
});
