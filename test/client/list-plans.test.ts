import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listJobs } from "#pawl/store/catalog";
import { Engine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { plansOf } from "../support/plans.ts";

const server = ownPostgres({ autovacuum: "off" });

// More than five, so that the server may have gone over to a plan that it keeps.
const times = 8;
const perPage = 50;

const fill = `
  insert into jobs (id, queue, task, run_at, created_at, max_attempts, indexed_as, payload)
  select gen_random_uuid(), 'queue ' || n % 10, 'task', now(), now(), 1, 'ready', '{}'
    from generate_series(1, 20000) as n`;
const nothing = {
  ...{ queue: undefined, task: undefined, state: undefined },
  ...{ correlationId: undefined, concurrencyKey: undefined, after: undefined },
};

describe.each<[string, string[]]>([
  ["were never gathered", [fill]],
  ["were gathered when the table was empty", ["analyze", fill]],
  ["were gathered when the table was full", [fill, "analyze"]],
])("when statistics %s", (_, preparation) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = new Engine({ url: server.url });
    await engine.pawl.migrate();
    for (const text of preparation) await engine.sql(text);
  }, 60_000);
  afterAll(() => engine.close());

  it.each([
    ["of any queue", nothing],
    ["of one queue", { ...nothing, queue: "queue 7" }],
  ])("a page of live jobs %s is read along the primary key, and no more", async (_, selection) => {
    const plans = await plansOf(engine, async (store) => {
      await store.db.query(store.sql("connections/prefer-indexes"));
      for (let time = 0; time < times; time += 1) {
        const page = await listJobs(store, { ...selection, limit: perPage });
        expect(page).toHaveLength(perPage);
      }
    });

    expect(plans.steps).not.toContain("Sort");
    expect(plans.scans.reduce((sum, { read }) => sum + read, 0)).toBe(times * perPage);
  });
});
