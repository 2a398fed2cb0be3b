import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { plansOf } from "../support/plans.ts";

const server = ownPostgres({ autovacuum: "off" });
const lookedAt = 100;

const fill = `
  insert into jobs (id, run_at, created_at, max_attempts, queue, task, payload, indexed_as)
  select gen_random_uuid(), now() + (n % 2) * interval '1 day', now(), 1, 'queue ' || n % 5, 'task', '{}',
         case n % 2 when 1 then 'scheduled' else 'ready' end
    from generate_series(1, 100000) as n`;

describe("with 100,000 jobs in five queues", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = new Engine({ url: server.url });
    await engine.pawl.migrate();
    await engine.sql(fill);
  }, 60_000);
  afterAll(() => engine.close());

  it("a look for those that nobody takes reads the first of each queue", async () => {
    const plans = await plansOf(engine, async ({ db, sql }) => {
      await db.query(sql("connections/prefer-indexes"));
      const rows = await db.query(sql("diagnosis/unserved-jobs"), [20]);
      expect(rows).toHaveLength(5);
    });

    const read = plans.scans
      .filter(({ table }) => table === "jobs")
      .reduce((sum, scan) => sum + scan.read, 0);
    expect(read).toBeLessThanOrEqual(5 * lookedAt + 20);
  });
});
