import { afterEach, describe, expect, it, vi } from "vitest";
import { defineTask } from "pawl";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import { Claimer } from "#pawl/worker/claimer";
import { freshEngine, type Engine } from "../support/engine.ts";
import { unheardClaimer } from "../support/unheard-claimer.ts";

const task = defineTask({ name: "task" });

const realNow = performance.now.bind(performance);
let ahead = 0;

afterEach(() => {
  vi.restoreAllMocks();
  ahead = 0;
});

// Nothing says so: it is what only another look at what the cursors have passed can find.
describe.each([
  ["a few jobs", 100],
  ["so many jobs that they are looked at in stretches", 120_000],
])("a job that is ready again behind cursors that have passed %s", (_, count) => {
  it.each([
    ["the first", "asc"],
    ["the last", "desc"],
  ])("is found within some looks, be it %s", async (_, order) => {
    const { engine, claimer } = await passed(count);
    const [job] = await engine.sql<{ id: string }>(
      `update jobs set worker_id = null, claim_number = null
        where id = (select id from jobs order by id ${order} limit 1) returning id`,
    );
    expect(await claimer.claim(10)).toEqual([]);

    later();
    const found = await foundWithin(5, claimer);

    expect(found.map(({ id }) => id)).toEqual([job?.id]);
  });

  it("does not keep new ones from being found", async () => {
    const { engine, claimer } = await passed(count);
    later();
    const { job } = await engine.pawl.enqueue(task);

    const found = await claimer.claim(10);

    expect(found.map(({ id }) => id)).toEqual([job.id]);
  });
});

async function passed(count: number): Promise<{ engine: Engine; claimer: Claimer }> {
  const engine = await freshEngine();
  await engine.pawl.enqueueMany(Array.from({ length: count }, () => task.job()));
  const claimer = new Claimer(engine.store, { ...unheardClaimer(), queues: undefined });
  let left = count;
  while (left > 0) left -= (await claimer.claim(5_000)).length;
  await transactionsEnd(engine);
  // The cursors go back for those that ran during the first claim, of any database of the server: once, here.
  await claimer.claim(10);
  return { engine, claimer };
}

/** All that are older than the claims. */
async function transactionsEnd(engine: Engine): Promise<void> {
  await vi.waitFor(
    async () => {
      const [left] = await engine.sql<{ count: number }>(
        `select count(*)::int as count from jobs
          where xmin::text::bigint >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint`,
      );
      expect(left?.count).toBe(0);
    },
    { timeout: 60_000, interval: 100 },
  );
}

async function foundWithin(looks: number, claimer: Claimer): Promise<ClaimedJob[]> {
  const found: ClaimedJob[] = [];
  for (let look = 0; look < looks; look += 1) {
    found.push(...(await claimer.claim(10)));
    later();
  }
  return found;
}

/** Half a minute passes. */
function later(): void {
  ahead += 31_000;
  vi.spyOn(performance, "now").mockImplementation(() => realNow() + ahead);
}
