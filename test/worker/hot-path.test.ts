import { describe, expect, it } from "vitest";
import { defineTask, type SettledEvent } from "pawl";
import { storeOn } from "#pawl/store/store";
import { Claimer } from "#pawl/worker/claimer";
import { failed, HandClaimer, released, succeeded } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { intercepted, recorder } from "../support/intercepted-database.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import {
  costOf,
  resetCosts,
  statementCosts,
  type StatementCost,
} from "../support/statement-costs.ts";
import { unheardClaimer } from "../support/unheard-claimer.ts";

// Without full pages in the log, its size depends on the work alone.
const server = ownPostgres({
  autovacuum: "off",
  full_page_writes: "off",
  shared_preload_libraries: "pg_stat_statements",
});

const task = defineTask({ name: "task" });
const transactional = defineTask({ name: "transactional", transactional: true });

// What a pool does when it connects, and what a database finds out once.
const onConnecting = /^show default_transaction_isolation$|^select pg_catalog\.pg_backend_pid\(\)/;

describe("an enqueue", () => {
  it.each([1, 100, 10_000])("of %i jobs is one statement", async (count) => {
    const engine = await connected();

    await engine.pawl.enqueueMany(Array.from({ length: count }, () => task.job()));

    expect(callsIn(await statementCosts(engine))).toEqual([["insert", 1]]);
  });

  it("of more jobs than go into one statement is a transaction of a few", async () => {
    const engine = await connected();

    await engine.pawl.enqueueMany(Array.from({ length: 10_100 }, () => task.job()));

    expect(callsIn(await statementCosts(engine))).toEqual([
      ["begin", 1],
      ["commit", 1],
      ["insert", 2],
    ]);
  });

  it("in the caller's transaction is one statement in it", async () => {
    const engine = await connected();
    const client = await engine.connect();
    await client.query("begin");

    await engine.pawl.enqueue(task, undefined, { db: client });
    await client.query("commit");

    expect(callsIn(await statementCosts(engine))).toEqual([
      ["begin", 1],
      ["commit", 1],
      ["insert", 1],
    ]);
  });

  it("shares its statement with the others of the same moment", async () => {
    const engine = await connected();

    await Promise.all(Array.from({ length: 500 }, () => engine.pawl.enqueue(task)));

    const [[name, calls] = []] = callsIn(await statementCosts(engine));
    expect(name).toBe("insert");
    expect(calls).toBeLessThanOrEqual(2);
  });

  it("writes little to the log", async () => {
    const engine = await connected();

    await engine.pawl.enqueueMany(Array.from({ length: 5_000 }, () => task.job()));

    expect(bytesPerJob(await statementCosts(engine), "insert into", 5_000)).toBeLessThan(450);
  });
});

describe("a claim", () => {
  it.each([1, 500])("of %i jobs is one statement", async (count) => {
    const engine = await connected();
    await engine.pawl.enqueueMany(Array.from({ length: 600 }, () => task.job()));
    await resetCosts(engine);

    await new HandClaimer(engine.store).claim({ limit: count });

    expect(callsIn(await statementCosts(engine))).toEqual([["claim", 1]]);
  });

  it("writes little to the log", async () => {
    const { engine } = await claimed(5_000);

    expect(bytesPerJob(await statementCosts(engine), "claim_jobs", 5_000)).toBeLessThan(280);
  });

  it("writes no entry into an index", async () => {
    const engine = await connected();
    await engine.pawl.enqueueMany(Array.from({ length: 5_000 }, () => task.job()));
    const before = await engine.sql<{ updated: number; hot: number }>(updates);

    await new HandClaimer(engine.store).claim({ limit: 5_000 });

    const [counts] = await engine.until(async () => {
      const rows = await engine.sql<{ updated: number; hot: number }>(updates);
      return rows[0]?.updated === 5_000 && rows;
    });
    expect(before).toEqual([{ updated: 0, hot: 0 }]);
    expect(counts?.hot).toBeGreaterThanOrEqual(5_000 * 0.95);
  });

  it("that finds nothing writes nothing", async () => {
    const engine = await connected();
    const claimer = new HandClaimer(engine.store);
    // The first one may still tidy up what the migrations left in the catalog.
    await claimer.claim();
    await resetCosts(engine);

    await claimer.claim();

    expect(costOf(await statementCosts(engine), "claim_jobs")).toMatchObject({
      calls: 1,
      walBytes: 0,
    });
  });
});

describe("a settle", () => {
  it.each([1, 512])("of %i jobs is one statement", async (count) => {
    const { engine, claimer, jobs } = await claimed(count);
    await resetCosts(engine);

    await claimer.settle(jobs.map(succeeded));

    expect(callsIn(await statementCosts(engine))).toEqual([["finish", 1]]);
  });

  it("for good writes little to the log, with its row of history", async () => {
    const { engine, claimer, jobs } = await claimed(5_000);

    for (let start = 0; start < jobs.length; start += 250) {
      await claimer.settle(jobs.slice(start, start + 250).map(succeeded));
    }

    expect(bytesPerJob(await statementCosts(engine), "finish_jobs", 5_000)).toBeLessThan(420);
  });

  it.each([
    ["for a retry", (job: Parameters<typeof succeeded>[0]) => failed(job, 60_000)],
    ["by giving jobs back", released],
  ])("%s writes little to the log", async (_, settlementOf) => {
    const { engine, claimer, jobs } = await claimed(2_000);

    for (let start = 0; start < jobs.length; start += 250) {
      await claimer.settle(jobs.slice(start, start + 250).map(settlementOf));
    }

    expect(bytesPerJob(await statementCosts(engine), "return_jobs", 2_000)).toBeLessThan(950);
  });
});

describe("a worker", () => {
  it("runs jobs by the batch: no statement is made once per job", async () => {
    const engine = await connected();
    const results = await engine.pawl.enqueueMany(Array.from({ length: 3_000 }, () => task.job()));
    const handler = task.handle(() => undefined);
    await resetCosts(engine);

    const { settled } = await engine.work({ handlers: [handler], concurrency: 50, lease: "30s" });
    await engine.until(() => endedIn(settled) === results.length);
    const costs = await statementCosts(engine);

    expect(costs.reduce((sum, { calls }) => sum + calls, 0)).toBeLessThan(3_000 / 5);
    expect(costOf(costs, "begin").calls).toBe(0);
  });

  it("makes two round trips more than its handler for a transactional job, with begin and commit", async () => {
    const engine = await connected();
    const handlers = [transactional.handle(({ tx }) => tx.query("select 'by the handler'"))];
    const sent = roundTrips(engine);
    // No chore comes often, however long it takes, and no lease is lost.
    const quiet = { lease: "30s", pollInterval: "10s" } as const;
    const { settled } = await engine.work({ handlers, queues: ["default"], ...quiet });
    // From here on its statements are prepared.
    await engine.pawl.enqueueMany(Array.from({ length: 10 }, () => transactional.job()));
    await engine.until(() => endedIn(settled) === 10);
    await resetCosts(engine);
    sent.length = 0;

    await engine.pawl.enqueueMany(Array.from({ length: 100 }, () => transactional.job()));
    await engine.until(() => endedIn(settled) === 110);
    const costs = await statementCosts(engine);

    const calls = Object.fromEntries(callsIn(costs));
    // The server does not count a begin and a commit that are prepared.
    expect(calls).toMatchObject({ hold: 100, handler: 100, finish: 100 });
    const others = ["begin", "hold", "handler", "finish", "commit", "claim"];
    const rest = callsIn(costs).filter(([name]) => !others.includes(name));
    expect(rest.filter(([, count]) => count >= 50)).toEqual([]);
    // What travels with another is no round trip.
    const trips = sent.filter((name) => others.slice(0, 5).includes(name)).sort();
    const each = ["commit", "handler", "hold"];
    expect(trips).toEqual(each.flatMap((name) => Array<string>(100).fill(name)));
  });

  it("writes a bounded amount to the log for a job, from its enqueue to its end", async () => {
    const engine = await connected();
    const handlers = [task.handle(() => undefined)];
    const { settled } = await engine.work({ handlers, lease: "30s" });
    const before = await logPosition(engine);

    await engine.pawl.enqueueMany(Array.from({ length: 5_000 }, () => task.job()));
    await engine.until(() => endedIn(settled) === 5_000);
    const after = await logPosition(engine);

    expect((after - before) / 5_000).toBeLessThan(1_500);
  });
});

describe("an idle look at a thousand queues", () => {
  it.each([
    ["one queue", ["default"], 1],
    ["any queue", undefined, 1],
    ["a thousand named queues", names(1_000), 1],
  ])("costs a worker of %s a constant number of statements", async (_, queues, expected) => {
    const { claimer, texts, engine } = await withQueues(queues);
    await drain(claimer);
    texts.length = 0;

    await claimer.claim(10);

    expect(texts).toHaveLength(expected);
    expect(await engine.sql("select from jobs where state = 'ready'")).toHaveLength(
      queues?.length === 1 ? 1_000 : 0,
    );
  });

  it("costs one statement more for each queue that has work", async () => {
    const { claimer, texts, engine } = await withQueues(undefined);
    await drain(claimer);
    await engine.pawl.enqueueMany(
      ["queue 7", "queue 77", "queue 777"].map((queue) => task.job(undefined, { queue })),
    );
    texts.length = 0;

    const jobs = await claimer.claim(10);

    expect(jobs.map(({ queue }) => queue).sort()).toEqual(["queue 7", "queue 77", "queue 777"]);
    expect(texts).toHaveLength(4);
  });
});

// The server counts what a session has done soon after.
const updates = `
  select n_tup_upd::int as updated, n_tup_hot_upd::int as hot
    from pg_stat_user_tables
   where schemaname = current_schema() and relname = 'jobs'`;

/** With its connections made, so that what is counted is the work. */
async function connected(): Promise<Engine> {
  const engine = await freshEngine({ url: server.url, connections: 2 });
  await resetCosts(engine);
  return engine;
}

async function claimed(count: number) {
  const engine = await connected();
  const claimer = new HandClaimer(engine.store);
  await engine.pawl.enqueueMany(Array.from({ length: count }, () => task.job()));
  return { engine, claimer, jobs: await claimer.claim({ limit: count }) };
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `queue ${number}`);
}

async function withQueues(queues: readonly string[] | undefined) {
  const engine = await connected();
  await engine.pawl.enqueueMany(names(1_000).map((queue) => task.job(undefined, { queue })));
  const { texts, intercept } = recorder();
  const store = storeOn(engine.store, intercepted(engine.store.db, intercept));
  const claimer = new Claimer(store, {
    ...unheardClaimer(),
    queues,
  });
  return { engine, claimer, texts };
}

/** How many jobs have ended; one that waited here behind a pause of the process is settled once more, as given back. */
function endedIn(settled: readonly SettledEvent[]): number {
  return settled.filter(({ final }) => final).length;
}

async function drain(claimer: Claimer): Promise<void> {
  for (;;) if ((await claimer.claim(1_000)).length === 0) return;
}

const shortNames: [RegExp, string][] = [
  [/insert into ".*"\.jobs/, "insert"],
  [/\.claim_jobs\(/, "claim"],
  [/\.finish_(held_)?jobs?\(/, "finish"],
  [/\.return_jobs\(/, "return"],
  [/\.hold_job\(/, "hold"],
  [/^select ('by the handler'|\$1)$/, "handler"],
  [/^(-- .*\n)*begin/, "begin"],
  [/^(-- .*\n)*commit/, "commit"],
];

/** How often which statement was sent, by short names. */
function callsIn(costs: readonly StatementCost[]): [string, number][] {
  return costs
    .filter(({ text }) => !onConnecting.test(text))
    .map(({ text, calls }): [string, number] => [shortNameOf(text), calls])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The queries that the engine's connections send from here on, one for each round trip, by short names. */
function roundTrips({ pool }: Engine): string[] {
  const sent: string[] = [];
  const known = new WeakSet();
  pool.on("acquire", (client) => {
    if (known.has(client)) return;
    known.add(client);
    const send = client.query.bind(client) as (...values: unknown[]) => unknown;
    Object.assign(client, {
      query(...values: unknown[]) {
        const [config] = values as [string | { readonly text: string }];
        sent.push(shortNameOf(typeof config === "string" ? config : config.text));
        return send(...values);
      },
    });
  });
  return sent;
}

function shortNameOf(text: string): string {
  return shortNames.find(([pattern]) => pattern.test(text))?.[1] ?? text;
}

function bytesPerJob(costs: readonly StatementCost[], text: string, jobs: number): number {
  return costOf(costs, text).walBytes / jobs;
}

async function logPosition(engine: Engine): Promise<number> {
  const [row] = await engine.sql<{ position: number }>(
    "select (pg_current_wal_lsn() - '0/0')::float8 as position",
  );
  return row?.position ?? NaN;
}
