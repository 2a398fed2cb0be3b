import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import { HandClaimer } from "../support/claiming.ts";
import { freshEngine } from "../support/engine.ts";

const task = defineTask({ name: "task" });

describe("a claim", () => {
  it("gives jobs in the order of priority, time and id", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    const priorities = [5, -3, 0, 5, 0, -3, 32767, -32768];
    for (const priority of priorities) await engine.pawl.enqueue(task, undefined, { priority });

    const jobs = await claimer.claim();

    const inOrder = await engine.sql<{ id: string }>(
      "select id from jobs order by priority, run_at, id",
    );
    expect(jobs.map(({ id }) => id)).toEqual(inOrder.map(({ id }) => id));
    expect(jobs.map(({ priority }) => priority)).toEqual(priorities.sort((a, b) => a - b));
  });

  it("takes the first ones when it may not take all", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    for (const priority of [2, 0, 1, 0]) await engine.pawl.enqueue(task, undefined, { priority });

    const jobs = await claimer.claim({ limit: 3 });

    expect(jobs.map(({ priority }) => priority)).toEqual([0, 0, 1]);
  });

  it("marks its jobs as running, under its token, for one attempt more", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);

    await claimer.claim();

    expect(
      await engine.sql(
        "select state, worker_id, claim_number::int, attempt, failures, claimed_at is not null as dated from jobs",
      ),
    ).toEqual([
      {
        state: "running",
        worker_id: claimer.workerId,
        claim_number: 1,
        attempt: 1,
        failures: 0,
        dated: true,
      },
    ]);
  });

  it.each([
    ["of other queues", { queue: "other" }, "task"],
    ["of tasks that it does not know", {}, "unknown"],
    ["that are not due", { delay: "1h" as const }, "task"],
  ])("leaves jobs %s alone", async (_, options, name) => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueByName(name, undefined, options);

    expect(await claimer.claim()).toEqual([]);
  });

  it("leaves jobs that somebody holds alone", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueueMany([task.job(), task.job()]);
    const [held] = await new HandClaimer(engine.store).claim({ limit: 1 });

    const jobs = await new HandClaimer(engine.store).claim();

    expect(jobs).toHaveLength(1);
    expect(jobs[0]?.id).not.toBe(held?.id);
  });

  it.each([
    ["a comma", "a,b"],
    ["a quote", `it's "quoted"`],
    ["a backslash", "a\\b"],
    ["braces", "{a}"],
    ["NULL", "null"],
    ["other letters", "очередь-日本-🦊"],
    ["spaces", "  a  "],
  ])("names queues and tasks with %s", async (_, name) => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueByName(name, undefined, { queue: name });

    const jobs = await claimer.claim({ queue: name, tasks: ["other", name] });

    expect(jobs).toMatchObject([{ queue: name }]);
    expect(jobs[0]?.task).toBe(name);
  });
});

describe("claims at the same time", () => {
  it("never take more than their limit, and no job twice", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueueMany(Array.from({ length: 2_000 }, () => task.job()));
    const claimers = Array.from({ length: 8 }, () => new HandClaimer(engine.store));
    const taken: ClaimedJob[][] = [];

    await Promise.all(
      claimers.map(async (claimer) => {
        for (;;) {
          const jobs = await claimer.claim({ limit: 17 });
          if (jobs.length === 0) return;
          taken.push(jobs);
        }
      }),
    );

    expect(Math.max(...taken.map((jobs) => jobs.length))).toBe(17);
    expect(new Set(taken.flat().map(({ id }) => id)).size).toBe(2_000);
    expect(taken.flat()).toHaveLength(2_000);
  });

  it("never take more than their limit when the planner believes the table empty", async () => {
    const engine = await freshEngine();
    await engine.sql("vacuum analyze jobs");
    await engine.pawl.enqueueMany(Array.from({ length: 3_000 }, () => task.job()));
    const claimers = Array.from({ length: 6 }, () => new HandClaimer(engine.store));

    const rounds = await Promise.all(claimers.map((claimer) => claimer.claim({ limit: 100 })));

    expect(rounds.map((jobs) => jobs.length)).toEqual([100, 100, 100, 100, 100, 100]);
    expect(new Set(rounds.flat().map(({ id }) => id)).size).toBe(600);
  });

  it("do not wait for one another", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueueMany([task.job(), task.job()]);
    const other = await engine.connect();
    await other.query("begin");
    await other.query("select from jobs order by id limit 1 for update");

    const jobs = await new HandClaimer(engine.store).claim();

    expect(jobs).toHaveLength(1);
  });
});

describe.each(["serializable", "repeatable read"])(
  "on a database whose default isolation is %s",
  (isolation) => {
    const settings = `-c default_transaction_isolation=${isolation.replace(" ", "\\ ")}`;

    it("the application's connections are as the test says", async () => {
      const engine = await freshEngine({ settings });

      const { rows } = await engine.pool.query("show default_transaction_isolation");

      expect(rows).toEqual([{ default_transaction_isolation: isolation }]);
    });

    it("no claim and no settle fails for it, however many run at once", async () => {
      const engine = await freshEngine({ settings });
      const done: string[] = [];
      const handler = task.handle(({ job }) => void done.push(job.id));
      const jobs = await engine.pawl.enqueueMany(Array.from({ length: 400 }, () => task.job()));

      // A heartbeat that is late by a short lease is an error too, and a lost lease runs jobs twice.
      const options = { handlers: [handler], concurrency: 5, lease: "30s" } as const;
      const workers = await Promise.all([
        engine.work(options),
        engine.work(options),
        engine.work(options),
      ]);
      await engine.until(() => done.length >= 400);
      await engine.until(async () => (await engine.sql("select from jobs")).length === 0);

      expect(workers.flatMap(({ errors }) => errors)).toEqual([]);
      expect(done.sort()).toEqual(jobs.map(({ job }) => job.id).sort());
    });

    it("a transactional handler runs READ COMMITTED", async () => {
      const engine = await freshEngine({ settings });
      let seen: unknown;
      const transactional = defineTask({ name: randomUUID(), transactional: true });
      const handler = transactional.handle(async ({ tx }) => {
        seen = (await tx.query("show transaction_isolation")).rows[0];
      });
      await engine.work({ handlers: [handler] });

      const { job } = await engine.pawl.enqueue(transactional);
      await engine.finished(job);

      expect(seen).toEqual({ transaction_isolation: "read committed" });
    });
  },
);
