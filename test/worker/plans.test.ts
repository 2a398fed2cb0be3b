import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import { findReadyQueues } from "#pawl/store/claims";
import { findSettled } from "#pawl/store/settles";
import { promoteDueJobs, reconcileJobs } from "#pawl/store/upkeep";
import { Cursors } from "#pawl/worker/cursors";
import { failed, HandClaimer, succeeded } from "../support/claiming.ts";
import { Engine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { plansOf, waysTo, type Plans } from "../support/plans.ts";

const server = ownPostgres({ autovacuum: "off" });

const task = defineTask({ name: "task" });

// More than five, so that the server has gone over to the plan that it keeps.
const times = 8;

const known = [{ queue: "default", rewinds: 0, ranges: new Cursors().ranges() }];

const fill = `
  insert into history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome, payload)
  select gen_random_uuid(), now(), now(), now(), now() + interval '30 days', 1, true,
         'default', 'task', 'succeeded', '{"some": "payload"}'
    from generate_series(1, 20000);
  insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, payload)
  select gen_random_uuid(), now() - interval '1 hour' + n * interval '1 millisecond', now(), 25,
         'default', 'task', 'ready', '{"some": "payload"}'
    from generate_series(1, 20000) as n`;

describe.each<[string, string[]]>([
  ["were never gathered", [fill]],
  ["were gathered when the table was empty", ["analyze", fill]],
  ["were gathered when the table was full", [fill, "analyze"]],
  [
    "were gathered when no job was ready",
    [
      fill,
      "update jobs set indexed_as = 'scheduled'",
      "analyze",
      "update jobs set indexed_as = 'ready'",
    ],
  ],
  [
    "were gathered when all jobs had just been removed",
    [fill, "delete from jobs", "vacuum analyze", fill],
  ],
])("when statistics %s", (_, preparation) => {
  let engine: Engine;
  let claimer: HandClaimer;

  beforeAll(async () => {
    engine = new Engine({ url: server.url });
    await engine.pawl.migrate();
    for (const text of preparation) await engine.sql(text);
  }, 60_000);
  afterAll(() => engine.close());

  it("a claim reads the ready index in order, and what it found by the primary key", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store, new Cursors());
      for (let time = 0; time < times; time += 1) await claimer.claim({ limit: 50 });
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 50 * 2);
  });

  it("a claim of few among many reads no more than it takes", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store, new Cursors());
      for (let time = 0; time < times; time += 1) await claimer.claimOne();
    });

    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 2);
  });

  it("a claim from the front passes over what runs, and reads it once", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store);
      for (let time = 0; time < times; time += 1) await claimer.claim({ limit: 50 });
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(discardedIn(plans)).toBe(((times * (times - 1)) / 2) * 50);
  });

  it("a settle for good finds its jobs by the primary key", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store, new Cursors());
      for (let time = 0; time < times; time += 1) {
        const jobs = await claimer.claim({ limit: 50 });
        await claimer.settle(jobs.map(succeeded));
      }
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 50 * 3);
  });

  it("a settle that puts jobs back finds them by the primary key", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store, new Cursors());
      for (let time = 0; time < times; time += 1) {
        const jobs = await claimer.claim({ limit: 50 });
        await claimer.settle(jobs.map((job) => failed(job, 60_000)));
      }
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 50 * 4);
  });

  it("the hold of a transactional handler's job reads one row", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store, new Cursors());
      for (let time = 0; time < times; time += 1) {
        const { queue, id, claimNumber } = await claimer.claimOne();
        const values = [queue, claimer.workerId, id, claimNumber, "1000"];
        await store.db.query(store.sql("jobs/hold"), values);
      }
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 3);
  });

  it("the settle of a transactional handler's job reads one row", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store, new Cursors());
      const [tx] = await store.db.query<{ xid: string }>({
        name: "",
        text: "select pg_current_xact_id()::text as xid",
      });
      for (let time = 0; time < times; time += 1) {
        const { queue, id, claimNumber } = await claimer.claimOne();
        const attempt = [0, "succeeded", null, null, 30 * 86_400_000, true, true, tx?.xid ?? ""];
        const values = [queue, claimer.workerId, id, claimNumber, ...attempt];
        await store.db.query(store.sql("jobs/finish-held"), values);
      }
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 3);
  });

  it("a reconciliation reads what its worker holds", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store);
      for (let time = 1; time <= times; time += 1) {
        await claimer.claim({ limit: 5 });
        await reconcileJobs(store, claimer.workerId, { from: time, to: time, held: [] });
      }
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 5 * 5);
  });

  it("a rescue reads what the lost worker held", async () => {
    const plans = await plansOf(engine, async (store) => {
      for (let time = 0; time < times; time += 1) {
        claimer = new HandClaimer(store);
        await claimer.claim({ limit: 5 });
        await claimer.loseAll();
      }
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_pkey", "Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 5 * 10);
  });

  it("a look for due jobs reads the scheduled index", async () => {
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store);
      const jobs = await claimer.claim({ limit: 200 });
      await claimer.settle(jobs.map((job) => failed(job, 1)));
      for (let time = 0; time < times; time += 1) {
        await promoteDueJobs(store, { queues: undefined, lookBackMs: null, limit: 10 });
      }
    });

    expect(waysTo("jobs", plans)).toEqual([
      "Index Scan by jobs_pkey",
      "Index Scan by jobs_ready",
      "Index Scan by jobs_scheduled",
    ]);
    const scheduled = plans.scans.filter(({ way }) => way.endsWith("jobs_scheduled"));
    expect(readIn("jobs", { ...plans, scans: scheduled })).toBeLessThanOrEqual(times * (10 + 5));
  });

  const any = { queues: undefined, paused: new Set<string>(), arrivalsSince: 0 };

  it("a look for queues with work reads the ready index", async () => {
    const plans = await plansOf(engine, async (store) => {
      for (let time = 0; time < times; time += 1) await findReadyQueues(store, known, any);
    });

    expect(waysTo("jobs", plans)).toEqual(["Index Scan by jobs_ready"]);
    expect(readIn("jobs", plans)).toBeLessThanOrEqual(times * 2);
  });

  it("a look for queues with work passes over no job that waits for its time", async () => {
    const plans = await plansOf(engine, async (store) => {
      const waiting = {
        name: "",
        text: `update "${engine.schema}".jobs set indexed_as = 'scheduled'`,
      };
      await store.db.query(waiting);
      for (let time = 0; time < times; time += 1) await findReadyQueues(store, known, any);
    });

    expect(discardedIn(plans)).toBe(0);
  });

  it("a look into the history reads no more than it looks for", async () => {
    let jobs: ClaimedJob[] = [];
    const plans = await plansOf(engine, async (store) => {
      claimer = new HandClaimer(store);
      jobs = await claimer.claim({ limit: 50 });
      await claimer.settle(jobs.map(succeeded));
      for (let time = 0; time < times; time += 1) {
        await findSettled(store, claimer.workerId, jobs);
      }
    });

    expect(readIn("history", plans)).toBeLessThan(jobs.length * times * 2);
  });

  it("an enqueue with ids of the caller's reads no more of the history than it looks for", async () => {
    const plans = await plansOf(engine, async (_store, client) => {
      for (let time = 0; time < times; time += 1) {
        const requests = Array.from({ length: 50 }, () =>
          task.job(undefined, { id: randomUUID() }),
        );
        await engine.pawl.enqueueMany(requests, { db: client });
      }
    });

    expect(readIn("history", plans)).toBeLessThan(50 * times * 2);
  });
});

function readIn(table: string, { scans }: Plans): number {
  return scans
    .filter((scan) => scan.table.startsWith(table))
    .reduce((sum, { read }) => sum + read, 0);
}

function discardedIn({ scans }: Plans): number {
  return scans.reduce((sum, { discarded }) => sum + discarded, 0);
}
