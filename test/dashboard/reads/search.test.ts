import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  searchHistory,
  searchJobs,
  type Found,
  type HistoryFilter,
  type JobFilter,
} from "#pawl/store/dashboard-search";
import { freshEngine, type Engine } from "../../support/engine.ts";
import { holds, jsonText, term, termText, written, type Written } from "./json-text.ts";

interface Row {
  readonly queue: string;
  readonly id: string;
}

const queues = ["b", "B", "a", "ü", "b 2"];

describe("a search in payloads", { timeout: 120_000 }, () => {
  it("finds what the rules say, whatever the payloads are, live and in the history", async () => {
    const engine = await freshEngine();
    const payloads = fc.sample(written, { numRuns: 400, seed: 4 });
    await fillBoth(engine, payloads);

    await fc.assert(
      fc.asyncProperty(fc.array(term, { minLength: 1, maxLength: 2 }), async (terms) => {
        const search = terms.map(termText).join(" ");
        const expected = payloads
          .flatMap((payload, n) =>
            terms.every((each) => holds(payload, each.path, each.text)) ? n : [],
          )
          .sort((left, right) => left - right);

        const jobs = await all((after) =>
          searchJobs(engine.store, { search }, { after, limit: 1_000 }),
        );
        const past = await all((after) =>
          searchHistory(engine.store, { search }, { after, limit: 1_000 }),
        );

        expect(jobs.map(numberOf).sort((left, right) => left - right)).toEqual(expected);
        expect(past.map(numberOf)).toEqual(expected.toReversed());
      }),
      { numRuns: 150, seed: 5 },
    );
  });

  it("passes over payloads that cannot be read", async () => {
    const engine = await freshEngine();
    await fill(engine, ['{"a":1,"b":"\\u0000"}', '{"a":1}', '{"\\ud800":2,"a":1}', '{"a":1.0}']);
    await settle(engine);

    const jobs = await searchJobs(engine.store, { search: "payload.a:1" }, { limit: 10 });
    const past = await searchHistory(engine.store, { search: "payload.a:1" }, { limit: 10 });
    const ready = await searchJobs(
      engine.store,
      { state: "ready", search: "payload.a:1" },
      { limit: 10 },
    );

    expect(jobs.rows.map(numberOf)).toEqual([1, 3]);
    expect(past.rows.map(numberOf)).toEqual([3, 1]);
    expect(ready.rows.map(numberOf)).toEqual([1, 3]);
  });
});

describe("pages of live jobs", () => {
  it.each<JobFilter>([
    {},
    { queue: "b" },
    { state: "scheduled" },
    { state: "ready" },
    { state: "blocked" },
    { state: "running" },
    { state: "ready", queue: "ü" },
    { task: "task-1" },
    { correlationId: "chain-2" },
    { concurrencyKey: "key" },
    { search: "payload.n:7" },
    { search: "payload.parity:odd task:task-1", state: "ready" },
    { queue: "nobody" },
  ])("neither miss nor repeat a job: %j", async (filter) => {
    const engine = await filledEngine();
    const expected = await engine.sql<Row>(
      `select queue, id::text from jobs where ${conditionOf(filter)} order by queue, id`,
    );

    for (const limit of [1, 7, 1_000]) {
      const found = await all((after) => searchJobs(engine.store, filter, { after, limit }));

      expect(found.map(({ queue, id }) => ({ queue, id }))).toEqual(expected);
    }
  });

  it("meet a job once that moves while they are turned", async () => {
    const engine = await filledEngine();
    const ids = await engine.sql<Row>("select queue, id::text from jobs where state = 'ready'");

    const met = await all(async (after) => {
      const page = await searchJobs(engine.store, { state: "ready" }, { after, limit: 3 });
      await engine.sql(
        "update jobs set run_at = run_at + interval '1 hour', priority = (random() * 100)::smallint",
      );
      return page;
    });

    expect(met.map(({ id }) => id).sort()).toEqual(ids.map(({ id }) => id).sort());
  });

  it("say what a job is", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueueByName(
      "task",
      { a: 1 },
      { flags: ["eu"], correlationId: "c" },
    );

    const { rows, next, isCut, examined } = await searchJobs(engine.store, {}, { limit: 10 });

    expect(rows).toMatchObject([
      {
        ...{ queue: "default", id: job.id, task: "task", state: "ready", priority: 0, attempt: 0 },
        ...{ failures: 0, correlationId: "c", flags: ["eu"], lastError: null, claimedAt: null },
      },
    ]);
    expect({ next, isCut, examined }).toEqual({ next: null, isCut: false, examined: 1 });
  });

  it.each([
    [{ after: "elsewhere" }, "after"],
    [{ after: Buffer.from('["a"]').toString("base64url") }, "after"],
    [{ limit: 0 }, "limit"],
    [{ budgetMs: 5_000 }, "budgetMs"],
  ])("refuse %j", async (options, option) => {
    const engine = await freshEngine();

    await expect(searchJobs(engine.store, {}, { limit: 1, ...options })).rejects.toMatchObject({
      ...{ name: "OptionError", option },
    });
  });
});

describe("pages of the history", () => {
  it.each<HistoryFilter>([
    {},
    { queue: "b" },
    { task: "task-1" },
    { outcome: "failed" },
    { final: "true" },
    { final: "false" },
    { correlationId: "chain-2", final: "true" },
    { search: "payload.n:7" },
    { from: "2026-01-01T00:01:00Z", to: "2026-01-01T00:02:00Z" },
  ])("neither miss nor repeat an attempt: %j", async (filter) => {
    const engine = await filledEngine();
    const expected = await engine.sql<Row>(
      `select queue, id::text from history where ${pastConditionOf(filter)}
        order by finished_at desc, id desc, attempt desc, queue desc`,
    );

    for (const limit of [1, 7, 1_000]) {
      const found = await all((after) => searchHistory(engine.store, filter, { after, limit }));

      expect(found.map(({ queue, id }) => ({ queue, id }))).toEqual(expected);
    }
  });
});

async function all<Each>(read: (after: string | null) => Promise<Found<Each>>): Promise<Each[]> {
  const rows: Each[] = [];
  let after: string | null = null;
  do {
    const page: Found<Each> = await read(after);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== null);
  return rows;
}

const placeOf = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

function numberOf({ id }: { readonly id: string }): number {
  return Number(id.slice(-12));
}

async function fillBoth(engine: Engine, payloads: readonly Written[]): Promise<void> {
  await fill(engine, payloads.map(jsonText));
  await settle(engine);
}

async function fill(engine: Engine, payloads: readonly string[]): Promise<void> {
  for (const [n, payload] of payloads.entries()) {
    await engine.sql(
      `insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, payload)
       values ($1, now(), now(), 1, $2, 'task', 'ready', $3)`,
      [placeOf(n), queues[n % queues.length], payload],
    );
  }
}

// As many attempts as there are jobs, which stay.
async function settle(engine: Engine): Promise<void> {
  await engine.sql(
    `insert into history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome, payload)
     select id, created_at, run_at, '2026-01-01'::timestamptz + right(id::text, 12)::integer * interval '1 second',
            now() + interval '30 days', 1, true, queue, task, 'succeeded', payload
       from jobs`,
  );
}

// Jobs of every state, and attempts of many outcomes, several of which ended at the same time.
async function filledEngine(): Promise<Engine> {
  const engine = await freshEngine();
  await engine.sql(
    `insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, worker_id, claim_number, claimed_at,
                       correlation_id, concurrency_key, concurrency_order, rate_limit_key, payload)
     select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now() - n * interval '1 second', now(), 1,
            ($1::text[])[1 + n % 5], 'task-' || n % 3,
            case n % 4 when 1 then 'scheduled' when 2 then 'blocked' else 'ready' end,
            case when n % 8 = 3 then '00000000-0000-7000-8000-000000000001'::uuid end, n, now(),
            'chain-' || n % 4, case when n % 4 = 2 then 'key' end, n, case when n % 12 = 0 then 'limit' end,
            json_build_object('n', n, 'parity', case when n % 2 = 1 then 'odd' else 'even' end)
       from generate_series(1, 100) as n`,
    [queues],
  );
  await engine.sql(
    `insert into claims (worker_id, claim_number, queue, ids)
     select worker_id, claim_number, queue, array[id] from jobs where worker_id is not null`,
  );
  await engine.sql(
    `insert into history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome,
                          correlation_id, payload)
     select id, created_at, run_at, '2026-01-01'::timestamptz + (claim_number / 3) * interval '10 seconds',
            now() + (30 + claim_number % 3) * interval '1 day', 1, claim_number % 2 = 0, queue, task,
            case when claim_number % 3 = 0 then 'failed' else 'succeeded' end, correlation_id,
            case when claim_number % 2 = 0 then payload end
       from jobs`,
  );
  return engine;
}

function conditionOf({
  queue,
  state,
  task,
  correlationId,
  concurrencyKey,
  search,
}: JobFilter): string {
  return [
    "true",
    ...(queue === undefined ? [] : [`queue = '${queue}'`]),
    ...(state === undefined ? [] : [`state = '${state}'`]),
    ...(task === undefined ? [] : [`task = '${task}'`]),
    ...(correlationId === undefined ? [] : [`correlation_id = '${correlationId}'`]),
    ...(concurrencyKey === undefined ? [] : [`concurrency_key = '${concurrencyKey}'`]),
    ...(search?.includes("payload.n:7") === true ? ["payload ->> 'n' = '7'"] : []),
    ...(search?.includes("parity") === true
      ? ["payload ->> 'parity' = 'odd' and task = 'task-1'"]
      : []),
  ].join(" and ");
}

function pastConditionOf({ outcome, final, from, to, ...rest }: HistoryFilter): string {
  return [
    conditionOf(rest),
    ...(outcome === undefined ? [] : [`outcome = '${outcome}'`]),
    ...(final === undefined ? [] : [`final = ${final}`]),
    ...(from === undefined ? [] : [`finished_at >= '${from}'`]),
    ...(to === undefined ? [] : [`finished_at < '${to}'`]),
  ].join(" and ");
}
