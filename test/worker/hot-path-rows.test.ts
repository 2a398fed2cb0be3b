import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { defineTask, Pawl } from "pawl";
import { freshEngine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { costOf, resetCosts, statementCosts } from "../support/statement-costs.ts";

const server = ownPostgres({
  autovacuum: "off",
  shared_preload_libraries: "pg_stat_statements",
});

const task = defineTask({ name: "task" });

// The server counts what a session has done soon after, or at its end.
const rowsWritten = `
  select sum(n_tup_ins) filter (where relname = 'jobs')::int as enqueued,
         sum(n_tup_upd) filter (where relname = 'jobs')::int as claimed,
         sum(n_tup_del) filter (where relname = 'jobs')::int as removed,
         sum(n_tup_ins) filter (where relname like 'history%')::int as recorded,
         sum(n_tup_upd + n_tup_del) filter (where relname like 'history%')::int as changed
    from pg_stat_user_tables
   where schemaname = current_schema()`;

describe("a job from its enqueue to its end", () => {
  it("is written three times into the jobs, and once into the history", async () => {
    const engine = await freshEngine({ url: server.url });
    const { settled } = await engine.work({ handlers: [task.handle(() => undefined)] });

    const producer = new Pawl({ database: server.url, schema: engine.schema });
    await producer.enqueueMany(Array.from({ length: 1_000 }, () => task.job()));
    await producer.close();
    await engine.until(() => settled.length === 1_000);

    const counts = await engine.until(async () => {
      const [row] = await engine.sql<{ enqueued: number; recorded: number }>(rowsWritten);
      return row?.enqueued === 1_000 && row.recorded === 1_000 && row;
    });
    expect(counts).toEqual({
      enqueued: 1_000,
      claimed: 1_000,
      removed: 1_000,
      recorded: 1_000,
      changed: 0,
    });
  });
});

describe("a worker that is woken", () => {
  it("makes one claim for each job that comes alone, and no look for due ones", async () => {
    const engine = await freshEngine({ url: server.url });
    const handlers = [task.handle(() => undefined)];
    const { settled } = await engine.work({ handlers, queues: ["default"], lease: "30s" });
    // It has looked often since it has asked to be woken, and looks now and then by now.
    await engine.until(async () => (await engine.sql("select from workers where idle"))[0]);
    await pause(2_500);
    await resetCosts(engine);

    for (let n = 0; n < 40; n += 1) {
      await engine.pawl.enqueue(task);
      await engine.until(() => settled.length === n + 1);
    }
    const costs = await statementCosts(engine);

    // A few more for the looks now and then.
    expect(costOf(costs, ".claim_jobs(").calls).toBeLessThan(60);
    expect(costOf(costs, ".promote_due_jobs(").calls).toBeLessThan(20);
    expect(costOf(costs, ".finish_jobs(").calls).toBe(40);
  });
});
