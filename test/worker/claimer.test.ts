import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { wait } from "#pawl/core/wait";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import { storeOn } from "#pawl/store/store";
import { promoteDueJobs } from "#pawl/store/upkeep";
import { Claimer } from "#pawl/worker/claimer";
import { failed, HandClaimer, released } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { intercepted, recorder } from "../support/intercepted-database.ts";
import { unheardClaimer } from "../support/unheard-claimer.ts";

const task = defineTask({ name: "task" });

describe.each([
  ["one queue", ["default"]],
  ["any queue", undefined],
])("a claimer of %s, with its cursors behind a thousand jobs,", (_, queues) => {
  async function advanced() {
    const engine = await freshEngine();
    const holder = await engine.connect();
    await holder.query("begin isolation level repeatable read");
    await holder.query("select pg_current_xact_id()");
    await engine.pawl.enqueueMany(Array.from({ length: 1_000 }, () => task.job()));
    const { claimer } = claimerOf(engine, { queues });
    const first = await claimer.claim(500);
    expect(first).toHaveLength(500);
    return { engine, claimer };
  }

  it("finds an urgent job at once", async () => {
    const { engine, claimer } = await advanced();
    const { job } = await engine.pawl.enqueue(task, undefined, { priority: -1 });

    const [found] = await claimer.claim(1);

    expect(found?.id).toBe(job.id);
  });

  it("finds an urgent job of a priority that it knows", async () => {
    const { engine, claimer } = await advanced();
    await engine.pawl.enqueue(task, undefined, { priority: -1 });
    await claimer.claim(1);
    const { job } = await engine.pawl.enqueue(task, undefined, { priority: -1 });

    const [found] = await claimer.claim(1);

    expect(found?.id).toBe(job.id);
  });

  it("takes a job that can wait after all others", async () => {
    const { engine, claimer } = await advanced();
    const { job } = await engine.pawl.enqueue(task, undefined, { priority: 9 });

    const found = await claimer.claim(501);

    expect(found.map(({ id }) => id).at(-1)).toBe(job.id);
  });

  it("finds a job whose transaction commits late", async () => {
    const { engine, claimer } = await advanced();
    const late = await engine.connect();
    await late.query("begin");
    const { job } = await engine.pawl.enqueue(task, undefined, { db: late });
    await engine.pawl.enqueueMany(Array.from({ length: 10 }, () => task.job()));
    expect(await claimer.claim(1_000)).toHaveLength(510);

    await late.query("commit");

    expect(await foundAfter(claimer, 2)).toEqual([job.id]);
  });

  it("finds a job of a subtransaction that commits late", async () => {
    const { engine, claimer } = await advanced();
    const late = await engine.connect();
    await late.query("begin; savepoint part");
    const { job } = await engine.pawl.enqueue(task, undefined, { db: late });
    await late.query("release savepoint part");
    await engine.pawl.enqueueMany(Array.from({ length: 10 }, () => task.job()));
    expect(await claimer.claim(1_000)).toHaveLength(510);

    await late.query("commit");

    expect(await foundAfter(claimer, 2)).toEqual([job.id]);
  });

  it("finds the jobs of many transactions, in whatever order they commit", async () => {
    const { engine, claimer } = await advanced();
    const clients = [await engine.connect(), await engine.connect(), await engine.connect()];
    const ids: string[] = [];
    for (const client of clients) {
      await client.query("begin");
      ids.push((await engine.pawl.enqueue(task, undefined, { db: client })).job.id);
      await engine.pawl.enqueue(task);
      await claimer.claim(1_000);
    }

    const found: string[] = [];
    for (const client of clients.reverse()) {
      await client.query("commit");
      found.push(...(await foundAfter(claimer, 2)));
    }

    expect(found).toEqual(ids.reverse());
  });

  it("finds jobs that a claim had locked and did not take after all", async () => {
    const { engine, claimer } = await advanced();
    const other = await engine.connect();
    await other.query("begin");
    const { rows } = await other.query<{ id: string }>(
      "select id from jobs where state = 'ready' order by run_at, id limit 1 for update",
    );
    expect(await claimer.claim(1_000)).toHaveLength(499);

    await other.query("rollback");

    expect(await foundAfter(claimer, 2)).toEqual([rows[0]?.id]);
  });

  it("finds a job that was given back to the front of the queue", async () => {
    const { engine, claimer } = await advanced();
    const other = new HandClaimer(engine.store);
    const job = await other.claimOne();
    expect(await claimer.claim(1_000)).toHaveLength(499);

    await other.settle([released(job)]);

    expect(await foundAfter(claimer, 2)).toEqual([job.id]);
  });

  it("finds the jobs of a worker that is gone", async () => {
    const { engine, claimer } = await advanced();
    const other = new HandClaimer(engine.store);
    const job = await other.claimOne();
    expect(await claimer.claim(1_000)).toHaveLength(499);

    await other.loseAll();

    expect(await foundAfter(claimer, 2)).toEqual([job.id]);
  });

  it("finds a job that is tried again without delay", async () => {
    const { engine, claimer } = await advanced();
    const other = new HandClaimer(engine.store);
    const job = await other.claimOne();
    expect(await claimer.claim(1_000)).toHaveLength(499);

    await other.settle([failed(job, 0)]);

    expect(await foundAfter(claimer, 2)).toEqual([job.id]);
  });

  it("finds a job that has fallen due, though it was enqueued long before the others", async () => {
    const { engine, claimer } = await advanced();
    const { job } = await engine.pawl.enqueue(task, undefined, { delay: 50 });
    await engine.pawl.enqueue(task);
    expect(await claimer.claim(1_000)).toHaveLength(501);

    await engine.until(async () => {
      const { promoted } = await promoteDueJobs(engine.store, {
        queues: undefined,
        lookBackMs: null,
        limit: 100,
      });
      return promoted === 1;
    });

    expect(await foundAfter(claimer, 2)).toEqual([job.id]);
  });

  it("finds every job in time, when many are enqueued and commit in any order", async () => {
    const { engine, claimer } = await advanced();
    const expected = new Set<string>();
    const found: ClaimedJob[] = [];
    const producers = Array.from({ length: 4 }, async () => {
      const client = await engine.connect();
      for (let round = 0; round < 40; round += 1) {
        await client.query("begin");
        const { job } = await engine.pawl.enqueue(task, undefined, {
          db: client,
          priority: round % 3,
        });
        expected.add(job.id);
        if (round % 4 === 0) await engine.pawl.enqueue(task, undefined, { queue: "elsewhere" });
        await client.query("commit");
      }
    });
    const producing = { isOver: false };
    const produced = Promise.all(producers).finally(() => {
      producing.isOver = true;
    });

    while (!producing.isOver) found.push(...(await claimer.claim(50)));
    await produced;
    for (let look = 0; look < 20; look += 1) found.push(...(await claimer.claim(1_000)));

    const missed = [...expected].filter((id) => !found.some((job) => job.id === id));
    expect(missed).toEqual([]);
  });
});

describe("a claimer that meets jobs of tasks it does not know", () => {
  it("reports their queue, and finds the jobs behind them", async () => {
    const engine = await freshEngine();
    const { claimer, unknown } = claimerOf(engine, { queues: ["default"] });
    await engine.pawl.enqueueByName("unknown");
    const { job } = await engine.pawl.enqueue(task);

    const jobs = await claimer.claim(10);

    expect(jobs.map(({ id }) => id)).toEqual([job.id]);
    expect(unknown).toEqual(["default"]);
  });

  it("does not report them again when they lie behind its cursors", async () => {
    const engine = await freshEngine();
    const { claimer, unknown } = claimerOf(engine, { queues: ["default"] });
    await engine.pawl.enqueueByName("unknown");
    await claimer.claim(10);

    // A transaction of somebody else's may have it go back at any time.
    const reports = await engine.until(async () => {
      const before = unknown.length;
      await claimer.claim(10);
      return unknown.length === before && before;
    });

    expect(reports).toBeGreaterThan(0);
  });

  it("leaves them to a claimer that knows them", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueueByName("unknown");
    const { claimer: one } = claimerOf(engine, { queues: ["default"] });
    const { claimer: other } = claimerOf(engine, { queues: ["default"], tasks: ["unknown"] });

    expect(await one.claim(10)).toEqual([]);
    expect((await other.claim(10)).map(({ id }) => id)).toEqual([job.id]);
  });
});

describe("a claimer of many queues", () => {
  const queues = Array.from({ length: 120 }, (_, number) => `queue-${number}`);

  async function looking(look: (count: number) => Promise<unknown>) {
    const engine = await freshEngine();
    await engine.pawl.enqueueMany(queues.map((queue) => task.job(undefined, { queue })));
    let looks = 0;
    const database = intercepted(engine.store.db, async ({ text }, run) => {
      if (!text.includes("find_ready_queues")) return run();
      looks += 1;
      await look(looks);
      return run();
    });
    const claimer = new Claimer(storeOn(engine.store, database), { ...unheardClaimer(), queues });
    return { claimer, looks: () => looks };
  }

  it("uses up what a look has found, in the order of its queues", async () => {
    const { claimer, looks } = await looking(() => wait(500));

    const jobs = [...(await claimer.claim(50)), ...(await claimer.claim(50))];

    expect(looks()).toBe(1);
    expect(jobs.map(({ queue }) => queue)).toEqual(queues.slice(0, 100));
  });

  it("returns what it has claimed when the next look fails, and fails itself after that", async () => {
    const { claimer } = await looking(async (count) => {
      await wait(500);
      if (count > 1) throw new Error("no look");
    });
    await claimer.claim(50);

    expect(await claimer.claim(1_000)).toHaveLength(70);
    await expect(claimer.claim(1_000)).rejects.toThrow("no look");
  });
});

interface ClaimerSettings {
  readonly queues: readonly string[] | undefined;
  readonly tasks?: readonly string[];
}

function claimerOf(engine: Engine, { queues, tasks = ["task"] }: ClaimerSettings) {
  const { texts, intercept } = recorder();
  const unknown: string[] = [];
  const claimer = new Claimer(storeOn(engine.store, intercepted(engine.store.db, intercept)), {
    ...unheardClaimer(),
    queues,
    tasks,
    onUnknownTasks: (queue) => unknown.push(queue),
  });
  return { claimer, texts, unknown };
}

/** The ids of what is found in so many looks; without waiting for the full scan, which comes every 30 seconds. */
async function foundAfter(claimer: Claimer, looks: number): Promise<string[]> {
  const found: ClaimedJob[] = [];
  for (let look = 0; look < looks; look += 1) found.push(...(await claimer.claim(1_000)));
  return found.map(({ id }) => id);
}
