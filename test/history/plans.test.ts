import { beforeAll, afterAll, describe, expect, it } from "vitest";
import {
  countRecent,
  findReplayable,
  firstPosition,
  listPage,
  type HistoryPosition,
} from "#pawl/store/history";
import { Engine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { plansOf, waysTo, type Plans } from "../support/plans.ts";

const server = ownPostgres({ autovacuum: "off" });

// More than five, so that the server has gone over to the plan that it keeps.
const times = 8;
const perPage = 50;

const fill = `
  insert into history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome, payload)
  select gen_random_uuid(), now(), now(), now() - n * interval '1 second', now() + (25 + n % 12) * interval '1 day', 1, true,
         'default', 'task', 'failed', '{"some": "payload"}'
    from generate_series(1, 20000) as n`;
const makeDays = `
  select make_history_partition((now() at time zone 'UTC')::date + 25 + n) from generate_series(0, 12) as n`;

const anything = {
  task: undefined,
  queue: undefined,
  outcomes: undefined,
  from: undefined,
  to: undefined,
  final: undefined,
  correlationId: undefined,
  jobId: undefined,
};

describe.each<[string, string[]]>([
  ["were never gathered", [makeDays, fill]],
  ["were gathered when the table was empty", [makeDays, "analyze", fill]],
  ["were gathered when the table was full", [makeDays, fill, "analyze"]],
])("when statistics %s", (_, preparation) => {
  let engine: Engine;
  let middle: HistoryPosition;

  beforeAll(async () => {
    engine = new Engine({ url: server.url });
    await engine.pawl.migrate();
    for (const text of preparation) await engine.sql(text);
    const [row] = await engine.sql<{ middle: string }>(
      `select to_char((now() - interval '10000 seconds') at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as middle`,
    );
    middle = { ...firstPosition, finishedAt: row?.middle ?? "" };
  }, 60_000);
  afterAll(() => engine.close());

  it("a page is read along the index, and no more than the page", async () => {
    const plans = await plansOf(engine, async (store) => {
      for (let time = 0; time < times; time += 1) {
        const page = await listPage(store, anything, { after: middle, limit: perPage });
        expect(page).toHaveLength(perPage);
      }
    });

    expect(onlyAlongTheIndex(plans)).toBe(true);
    expect(rowsRead(plans)).toBeLessThan(times * perPage * 3);
  });

  it("the last minute is read without the hours before it", async () => {
    const plans = await plansOf(engine, async (store) => {
      await store.db.query(store.sql("connections/prefer-indexes"));
      for (let time = 0; time < times; time += 1) {
        const [failed] = await countRecent(store, { withinMs: 60_000, upTo: 10_000 });
        expect(failed?.count).toBeLessThanOrEqual(60);
      }
    });

    expect(rowsRead(plans)).toBeLessThan(times * 61);
  });

  it("so is a batch of what may be replayed", async () => {
    const filters = {
      ...anything,
      outcomes: ["failed"] as const,
      jobIds: undefined,
      before: "infinity",
    };
    const plans = await plansOf(engine, async (store) => {
      for (let time = 0; time < times; time += 1) {
        const batch = { after: middle, limit: perPage, maxBytes: 1_000_000 };
        expect(await findReplayable(store, filters, batch)).toHaveLength(perPage);
      }
    });

    expect(waysTo("history_2", plans).filter((way) => !/_finished$|_job$/.test(way))).toEqual([]);
    expect(rowsRead(plans)).toBeLessThan(times * perPage * 3);
  });
});

function onlyAlongTheIndex(plans: Plans): boolean {
  const ways = waysTo("history_2", plans);
  return ways.length > 0 && ways.every((way) => /^Index Scan by history_\d+_finished$/.test(way));
}

function rowsRead({ scans }: Plans): number {
  return scans
    .filter(({ table }) => table.startsWith("history_2"))
    .reduce((sum, { read }) => sum + read, 0);
}
