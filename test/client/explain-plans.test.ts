import { randomUUID } from "node:crypto";
import type { QueryName } from "#pawl/db/statements";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { plansOf, type Plans } from "../support/plans.ts";

const server = ownPostgres({ autovacuum: "off" });
const waiting = 100_000;
const limit = 1_000;

// A hundred thousand jobs of each kind, the newest of which is asked about.
const fill = (columns: string, values: string): string => `
  insert into jobs (id, run_at, created_at, max_attempts, queue, task, payload, ${columns})
  select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now() + n * interval '1 microsecond', now(), 1,
         'default', 'task', '{}', ${values}
    from generate_series(1, ${waiting}) as n`;
const lastId = `00000000-0000-7000-8000-${String(waiting).padStart(12, "0")}`;

describe.each<[string, QueryName, string]>([
  ["ready jobs", "jobs/explain-ready-before", fill("indexed_as", "'ready'")],
  [
    "jobs of a concurrency key",
    "jobs/explain-blocked-before",
    fill("indexed_as, concurrency_key, concurrency_order", "'blocked', 'key', n"),
  ],
  [
    "jobs of a rate limit",
    "jobs/explain-limited-before",
    fill("indexed_as, rate_limit_key", "'ready', 'limit'"),
  ],
])("with 100,000 %s", (_, statement, preparation) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = new Engine({ url: server.url });
    await engine.pawl.migrate();
    await engine.sql(preparation);
  }, 60_000);
  afterAll(() => engine.close());

  it.each(["were never gathered", "were gathered"])(
    "those before one are counted along the index, up to a thousand, when statistics %s",
    async (statistics) => {
      if (statistics === "were gathered") await engine.sql("analyze jobs");

      const plans = await plansOf(engine, async ({ db, sql }) => {
        await db.query(sql("connections/prefer-indexes"));
        const [row] = await db.query<{ before: number }>(sql(statement), [
          "default",
          lastId,
          limit,
        ]);
        expect(row).toEqual({ before: limit });
      });

      expect(rowsRead(plans)).toBeLessThanOrEqual(limit + 10);
    },
  );

  it("the rest of an explanation reads a few rows", async () => {
    const plans = await plansOf(engine, async ({ db, sql }) => {
      await db.query(sql("connections/prefer-indexes"));
      await db.query(sql("jobs/explain"), ["default", lastId]);
      await db.query(sql("jobs/explain-attempt"), ["default", lastId, 1]);
      await db.query(sql("jobs/explain-key"), ["default", "key", 10]);
      await db.query(sql("jobs/explain-limit"), ["limit", 1]);
      await db.query(sql("jobs/explain-workers"), ["default", "task", "{}"]);
      await db.query(sql("jobs/explain-places"), ["default", "task", "{}"]);
    });

    expect(rowsRead(plans)).toBeLessThanOrEqual(10);
  });

  it("it is answered in a moment", async () => {
    await engine.pawl.jobs.explain({ queue: "default", id: randomUUID() });
    const startedAt = performance.now();

    const explanation = await engine.pawl.jobs.explain({ queue: "default", id: lastId });

    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(explanation?.reasons.at(-1)).toMatchObject({ kind: "behind", count: limit });
  });
});

function rowsRead({ scans }: Plans): number {
  return scans
    .filter(({ table }) => table === "jobs" || table.startsWith("history"))
    .reduce((sum, { read }) => sum + read, 0);
}
