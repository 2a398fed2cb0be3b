import { randomUUID } from "node:crypto";
import { defineTask, OptionError } from "pawl";
import { describe, expect, it } from "vitest";
import { freshEngine, type Engine } from "../support/engine.ts";
import { rejectionOf } from "../support/producer.ts";

const task = defineTask({ name: "task" });
const handlers = [task.handle(() => undefined)];

describe("resetLockedJobs", () => {
  it("gives back the jobs of a worker that has ended, with a row in the history", async () => {
    const engine = await freshEngine();
    const worker = await insertWorker(engine, "ended_at", "now() - interval '1 hour'");
    const id = await insertJob(engine, { worker, claimed: "2 hours" });

    expect(await engine.pawl.maintenance.resetLockedJobs({ olderThan: "1h" })).toBe(1);

    expect(await statesOf(engine)).toEqual([{ id, state: "ready", worker_id: null }]);
    const attempts = await engine.pawl.history.attempts({ queue: "default", id });
    expect(attempts).toMatchObject([{ workerId: worker, attempt: 1, final: false }]);
    expect(await engine.pawl.maintenance.resetLockedJobs()).toBe(0);
  });

  it("gives back the jobs of a worker that is silent beyond its lease, and blames it", async () => {
    const engine = await freshEngine();
    const worker = await insertWorker(engine, "heartbeat_at", "now() - interval '1 hour'");
    const id = await insertJob(engine, { worker, claimed: "2 hours" });

    // Only a server that has been up for the whole lease can have heard nothing.
    await engine.until(async () => (await engine.pawl.maintenance.resetLockedJobs()) === 1);

    const attempts = await engine.pawl.history.attempts({ queue: "default", id });
    expect(attempts).toMatchObject([{ outcome: "crashed" }]);
  });

  it("gives back the jobs of a worker that nobody knows, without blame", async () => {
    const engine = await freshEngine();
    const id = await insertJob(engine, { worker: randomUUID(), claimed: "2 hours" });

    expect(await engine.pawl.maintenance.resetLockedJobs()).toBe(1);

    const attempts = await engine.pawl.history.attempts({ queue: "default", id });
    expect(attempts).toMatchObject([{ outcome: "released" }]);
    expect(await engine.pawl.jobs.get({ queue: "default", id })).toMatchObject({ failures: 0 });
  });

  it("leaves the jobs of a living worker alone, however long they run", async () => {
    const engine = await freshEngine();
    const worker = await insertWorker(engine, "heartbeat_at", "now()");
    const id = await insertJob(engine, { worker, claimed: "9 hours" });

    expect(await engine.pawl.maintenance.resetLockedJobs()).toBe(0);

    expect(await statesOf(engine)).toEqual([{ id, state: "running", worker_id: worker }]);
  });

  it("leaves jobs alone that were claimed later than asked", async () => {
    const engine = await freshEngine();
    await insertJob(engine, { worker: randomUUID(), claimed: "30 minutes" });

    expect(await engine.pawl.maintenance.resetLockedJobs({ olderThan: "1h" })).toBe(0);
    expect(await engine.pawl.maintenance.resetLockedJobs({ olderThan: "29m" })).toBe(1);
  });

  it("makes the history partition that it needs", async () => {
    const engine = await freshEngine();
    await insertJob(engine, { worker: randomUUID(), claimed: "2 hours" });
    for (const { name } of await engine.sql<{ name: string }>(
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'history'::regclass",
    )) {
      await engine.sql(`drop table ${name}`);
    }

    expect(await engine.pawl.maintenance.resetLockedJobs()).toBe(1);
  });

  it("refuses wrong options", async () => {
    const engine = await freshEngine();
    const reset = engine.pawl.maintenance.resetLockedJobs({ olderThan: "long" });

    expect(await rejectionOf(reset)).toBeInstanceOf(OptionError);
  });
});

describe("pruneQueues", () => {
  it("removes keys and queues that say nothing, and counts them", async () => {
    const engine = await freshEngine();
    await engine.sql(
      "insert into concurrency_keys (queue, key, max_running) select 'q', 'key ' || n, 1 from generate_series(1, 2500) as n",
    );
    await engine.sql("insert into queues (name, rewinds) values ('a', 3), ('b', 0)");

    expect(await engine.pawl.maintenance.pruneQueues()).toBe(2_502);

    expect(await engine.sql("select from concurrency_keys")).toEqual([]);
    expect(await engine.sql("select from queues")).toEqual([]);
  });

  it.each([
    ["blocked", "indexed_as = 'blocked', concurrency_order = 1"],
    ["scheduled", "indexed_as = 'scheduled'"],
    ["ready in a lane", "indexed_as = 'ready', concurrency_lane = 1"],
    [
      "running in a lane",
      "indexed_as = 'running', concurrency_lane = 1, worker_id = gen_random_uuid(), claim_number = 1",
    ],
  ])("keeps the key of a job that is %s", async (_, state) => {
    const engine = await freshEngine();
    await engine.sql(
      "insert into concurrency_keys (queue, key, max_running) values ('default', 'k', 1), ('other', 'k', 1)",
    );
    const { job } = await engine.pawl.enqueue(task);
    await engine.sql(`update jobs set concurrency_key = 'k', ${state} where id = $1`, [job.id]);

    expect(await engine.pawl.maintenance.pruneQueues()).toBe(1);

    expect(await engine.sql("select queue from concurrency_keys")).toEqual([{ queue: "default" }]);
  });

  it("keeps a key that is held, that has an arrival, or that somebody has locked", async () => {
    const engine = await freshEngine();
    await engine.sql(
      "insert into concurrency_keys (queue, key, max_running) values ('q', 'held', 1), ('q', 'arrived', 1), ('q', 'locked', 1)",
    );
    await engine.sql(
      "insert into concurrency_holds (queue, key, lane, worker_id, claim_number, id) values ('q', 'held', 1, gen_random_uuid(), 1, gen_random_uuid())",
    );
    await engine.sql("insert into arrivals (queue, concurrency_key) values ('q', 'arrived')");
    const other = await engine.connect();
    await other.query("begin");
    await other.query("select from concurrency_keys where key = 'locked' for update");

    expect(await engine.pawl.maintenance.pruneQueues()).toBe(0);
    await other.query("commit");
    expect(await engine.pawl.maintenance.pruneQueues()).toBe(1);
  });

  it("keeps queues that are paused or have jobs", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueue(task, undefined, { queue: "busy" });
    await engine.sql("insert into queues (name, paused) values ('busy', false), ('paused', true)");

    expect(await engine.pawl.maintenance.pruneQueues()).toBe(0);
  });

  it("does not let a claimer miss a rewind", async () => {
    const engine = await freshEngine();
    const rewind = async (): Promise<number> => {
      await engine.sql("select rewind_queue('q')");
      const [row] = await engine.sql<{ rewinds: number }>("select rewinds::integer from queues");
      return row?.rewinds ?? 0;
    };
    await rewind();
    const before = await rewind();
    await engine.pawl.maintenance.pruneQueues();
    expect(await engine.sql("select from queues")).toEqual([]);

    expect(await rewind()).toBeGreaterThan(before);
  });
});

describe("pruneTasks", () => {
  it("forgets tasks that nobody has seen for as long as asked, and counts them", async () => {
    const engine = await freshEngine();
    await insertTasks(engine, { old: "31 days", recent: "29 days" });

    expect(await engine.pawl.maintenance.pruneTasks()).toBe(1);
    expect(await taskNames(engine)).toEqual(["recent"]);

    expect(await engine.pawl.maintenance.pruneTasks({ keepFor: "1 day" })).toBe(1);
    expect(await taskNames(engine)).toEqual([]);
  });

  it("keeps what is paused, what a live job needs and what a living worker handles", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers });
    await insertTasks(engine, { paused: "90 days", needed: "90 days", unneeded: "90 days" });
    await engine.sql(
      "update tasks set seen_at = now() - interval '90 days', paused = name = 'paused'",
    );
    await engine.pawl.enqueueByName("needed", null, { queue: "elsewhere", delay: "1h" });

    expect(await engine.pawl.maintenance.pruneTasks({ keepFor: 0 })).toBe(1);

    expect(await taskNames(engine)).toEqual(["needed", "paused", "task"]);
  });

  it("has seen the tasks of living workers, so that they are remembered after those have ended", async () => {
    const engine = await freshEngine();
    const { worker } = await engine.work({ handlers });
    await engine.sql("update tasks set seen_at = now() - interval '90 days'");
    await engine.pawl.maintenance.pruneTasks();
    await worker.stop();

    expect(await engine.pawl.maintenance.pruneTasks()).toBe(0);
    expect(await taskNames(engine)).toEqual(["task"]);
  });

  it("refuses wrong options", async () => {
    const engine = await freshEngine();
    const prune = engine.pawl.maintenance.pruneTasks({ keepFor: -1 });

    expect(await rejectionOf(prune)).toBeInstanceOf(OptionError);
  });
});

describe("by itself, a worker", () => {
  it("removes throttles that are over and starts that no longer count", async () => {
    const engine = await freshEngine();
    await engine.pawl.rateLimits.register("api", { capacity: 5, interval: "1m", mode: "sliding" });
    await engine.sql(
      `insert into throttles (queue, key, until, id)
       values ('q', 'over', now() - interval '1s', gen_random_uuid()), ('q', 'on', now() + interval '1h', gen_random_uuid())`,
    );
    await engine.sql(
      `insert into rate_limit_starts (key, started_at, weight)
       values ('api', now() - interval '2m', 1), ('api', now(), 1), ('gone', now(), 1)`,
    );

    await engine.work({ handlers });

    await engine.until(async () => {
      const throttles = await engine.sql("select key from throttles");
      const starts = await engine.sql("select key from rate_limit_starts");
      return throttles.length === 1 && starts.length === 1;
    });
    expect(await engine.sql("select key from throttles")).toEqual([{ key: "on" }]);
    expect(await engine.pawl.rateLimits.get("api")).toMatchObject({ used: 1 });
  });
});

async function insertWorker(engine: Engine, column: string, value: string): Promise<string> {
  const id = randomUUID();
  await engine.sql(
    `insert into workers (id, lease_ms, concurrency, pid, name, host, version, tasks, transactional, transaction_slots)
     values ($1, 500, 10, 1, 'worker', '', '', '{}', '{}', 1)`,
    [id],
  );
  await engine.sql(`update workers set ${column} = ${value} where id = $1`, [id]);
  return id;
}

async function insertJob(
  engine: Engine,
  job: { worker: string; claimed: string },
): Promise<string> {
  const { job: made } = await engine.pawl.enqueue(task);
  await engine.sql(
    `update jobs set attempt = 1, claim_number = 1, worker_id = $2, claimed_at = now() - $3::interval
      where id = $1`,
    [made.id, job.worker, job.claimed],
  );
  await engine.sql(
    "insert into claims (worker_id, claim_number, queue, ids) values ($1, 1, 'default', array[$2::uuid])",
    [job.worker, made.id],
  );
  return made.id;
}

function statesOf(engine: Engine): Promise<object[]> {
  return engine.sql("select id::text, state, worker_id::text from jobs");
}

async function insertTasks(engine: Engine, seen: Record<string, string>): Promise<void> {
  for (const [name, ago] of Object.entries(seen)) {
    await engine.sql("insert into tasks (name, seen_at) values ($1, now() - $2::interval)", [
      name,
      ago,
    ]);
  }
}

async function taskNames(engine: Engine): Promise<string[]> {
  const rows = await engine.sql<{ name: string }>("select name from tasks order by name");
  return rows.map(({ name }) => name);
}
