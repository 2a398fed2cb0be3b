import { randomUUID } from "node:crypto";
import { defineTask, Pawl } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { migrations } from "#pawl/db/sql.generated";
import { diagnoseClock } from "#pawl/maintenance/diagnosis/connection";
import { judgeNode, judgeServer } from "#pawl/maintenance/diagnosis/versions";
import { findings, statementIn } from "../fixtures/findings.ts";
import { giveJob, knownWorker, loseWorker } from "../fixtures/known-workers.ts";
import { hasPgBouncer, startPgBouncer } from "../fixtures/pgbouncer.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";

// Its autovacuum is on, and never gets to anything within a test.
const server = ownPostgres({ autovacuum_naptime: "1h" });
const newest = migrations.length;
const task = defineTask({ name: "task" });
const minutes = 60_000;

function open(): Promise<Engine> {
  return freshEngine({ url: server.url });
}

describe("diagnose", () => {
  it("finds all well in a fresh schema", async () => {
    const engine = await open();

    const found = await engine.pawl.maintenance.diagnose();

    expect(found.filter(({ level }) => level !== "ok")).toEqual([]);
    expect(found.map(({ check }) => check)).toEqual([
      ...["node", "schema", "server", "privileges", "clock", "pooler", "horizon", "drift"],
      ...["partitions", "indexes", "stuckJobs", "unservedJobs", "bloat", "autovacuum"],
      "statistics",
    ]);
    expect(found.every(({ fix }) => fix === null)).toBe(true);
  });
});

describe("a version", () => {
  it.each([
    ["20.18.3", "error"],
    ["18.20.0", "error"],
    ["20.19.0", "ok"],
    ["24.0.1", "ok"],
  ])("of Node, %s, is judged: %s", (version, level) => {
    expect(judgeNode(version)).toMatchObject({ check: "node", level });
  });

  it.each([
    [130_022, "error"],
    [140_000, "ok"],
  ])("of the server, %i, is judged: %s", (versionNumber, level) => {
    const facts = { version: "", role: "", grant: "", hiddenSessions: 0, isVacuuming: true };

    expect(judgeServer({ ...facts, versionNumber })[0]).toMatchObject({ check: "server", level });
  });
});

describe("the schema", () => {
  it("is missing", async () => {
    const engine = await open();
    await engine.pawl.uninstall();

    expect(await findings(engine, "schema")).toMatchObject([
      { level: "error", fix: expect.stringContaining("npx pawl migrate") },
    ]);
    expect(await findings(engine, "drift")).toEqual([]);
  });

  it("is older than this Pawl", async () => {
    const engine = await open();
    await engine.sql("delete from migrations where version = $1", [newest]);

    const [finding] = await findings(engine, "schema");

    expect(finding).toMatchObject({ level: "error" });
    expect(finding?.text).toContain(`version ${newest - 1}, and not at ${newest}`);
  });

  it.each([
    [true, "error", []],
    [false, "ok", ["ok"]],
  ] as const)("is newer, in a way that is breaking: %s", async (breaking, level, partitions) => {
    const engine = await open();
    await engine.sql(
      `insert into migrations (version, name, breaking, checksum, objects)
       values (999, 'of-the-future', $1, '', '{}')`,
      [breaking],
    );

    expect(await findings(engine, "schema")).toMatchObject([{ level }]);
    expect(await findings(engine, "drift")).toEqual([]);
    const found = await findings(engine, "partitions");
    expect(found.map((finding) => finding.level)).toEqual(partitions);
  });
});

describe("the history", () => {
  it("lacks the partitions that are needed now", async () => {
    const engine = await open();
    await dropPartitions(engine, 0);

    expect(await findings(engine, "partitions")).toMatchObject([
      { level: "error", text: expect.stringMatching(/\d{4}-\d\d-\d\d.*; it is needed now\.$/) },
    ]);
  });

  it("lacks the partitions that are needed soon", async () => {
    const engine = await open();
    await dropPartitions(engine, 2);

    expect(await findings(engine, "partitions")).toMatchObject([
      { level: "warning", text: expect.stringContaining("it is needed in 2 days or less") },
    ]);
    await engine.work({ handlers: [task.handle(() => undefined)] });
    await engine.until(async () => (await findings(engine, "partitions"))[0]?.level === "ok");
  });
});

describe("an index", () => {
  it("is not valid, because its making has failed", async () => {
    const engine = await open();
    await engine.pawl.enqueueMany([task.job(), task.job()]);
    await expect(
      engine.sql("create unique index concurrently broken on jobs (task)"),
    ).rejects.toMatchObject({ code: "23505" });

    const [finding] = await findings(engine, "indexes");

    expect(finding).toMatchObject({
      level: "error",
      text: expect.stringContaining("broken of jobs"),
    });
    await engine.sql("update jobs set task = id::text");
    await engine.sql(statementIn(finding));
    expect(await findings(engine, "indexes")).toMatchObject([{ level: "ok" }]);
  });
});

describe("the clock", () => {
  it.each([
    [1, "ahead of"],
    [-1, "behind"],
  ])("of this process is wrong by %i hours", async (hours, where) => {
    const engine = await open();

    const found = await diagnoseClock(engine.store, () => Date.now() + hours * 60 * minutes);

    expect(found).toMatchObject([
      {
        level: "warning",
        text: expect.stringContaining(`clock is 60 minutes ${where} the server's`),
      },
    ]);
  });
});

describe("a pooler", () => {
  it.skipIf(!hasPgBouncer)("in transaction mode is in the way", async () => {
    const engine = await open();
    const database = pgDatabase(await startPgBouncer(server.url));
    const pawl = new Pawl({ database, schema: engine.schema });
    onTestFinished(async () => {
      await pawl.close();
      await database.close();
    });

    const found = await pawl.maintenance.diagnose();

    expect(found.filter(({ level }) => level !== "ok")).toMatchObject([
      { check: "pooler", level: "warning", fix: expect.stringContaining("pool_mode = session") },
    ]);
  });
});

describe("jobs", () => {
  it.each([
    [
      "has ended",
      "ended_at",
      'held by the worker "ada" on engine-room, which ended 60 minutes ago',
    ],
    ["is silent", "heartbeat_at", "which has been silent for 60 minutes"],
  ] as const)("are stuck when their worker %s and nobody rescues them", async (_, column, text) => {
    const engine = await open();
    const { job } = await engine.pawl.enqueue(task);
    const worker = await knownWorker(engine);
    await giveJob(engine, worker, job);
    await loseWorker(engine, worker, { column, ago: "1 hour" });

    // Only a server that has been up for two leases can have heard nothing.
    const [finding] = await engine.until(async () => {
      const found = await findings(engine, "stuckJobs");
      return found[0]?.level === "error" && found;
    });

    expect(finding?.text).toContain(`1 job is ${column === "ended_at" ? text : "held by"}`);
    expect(finding?.text).toContain(text);
    expect(await engine.pawl.maintenance.resetLockedJobs()).toBe(1);
    expect(await findings(engine, "stuckJobs")).toMatchObject([{ level: "ok" }]);
  });

  it("are stuck when nothing is known of their worker", async () => {
    const engine = await open();
    const { job } = await engine.pawl.enqueue(task);
    const worker = randomUUID();
    await giveJob(engine, worker, job);

    expect(await findings(engine, "stuckJobs")).toMatchObject([
      { level: "error", text: expect.stringContaining(worker) },
    ]);
  });

  it("are not stuck with a living worker, however long they run", async () => {
    const engine = await open();
    const { job } = await engine.pawl.enqueue(task);
    await giveJob(engine, await knownWorker(engine), job);

    expect(await findings(engine, "stuckJobs")).toMatchObject([{ level: "ok" }]);
  });

  it.each([
    ["no worker lives", undefined, "no living worker serves the queue"],
    ["their queue has no worker", { queues: ["other"] }, "no living worker serves the queue"],
    ["their task has no handler", { tasks: ["other"] }, "has a handler for the task"],
  ])("wait for ever when %s", async (_, worker, text) => {
    const engine = await open();
    if (worker !== undefined) await knownWorker(engine, worker);
    await engine.pawl.rateLimits.register("api", { capacity: 1, interval: "1h" });
    await engine.pawl.enqueue(task);
    await engine.pawl.enqueue(task, undefined, { concurrency: { key: "k" } });
    await engine.pawl.enqueue(task, undefined, { rateLimit: { key: "api" } });
    await engine.pawl.enqueue(task, undefined, { delay: "1h" });

    const [finding, ...others] = await findings(engine, "unservedJobs");

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ level: "error" });
    expect(finding?.text).toContain('3 jobs of the task "task" in the queue "default" wait');
    expect(finding?.text).toContain(text);
  });

  it("are served by a living worker of their queue and task", async () => {
    const engine = await open();
    await knownWorker(engine, { queues: ["default"], tasks: ["task"] });
    await engine.pawl.enqueue(task);

    expect(await findings(engine, "unservedJobs")).toMatchObject([{ level: "ok" }]);
  });
});

describe("the tables", () => {
  it("are bloated, and no longer after a vacuum", async () => {
    const engine = await open();
    await engine.sql(fillJobs(60_000));
    await engine.sql("delete from jobs");

    const [finding] = await engine.until(async () => {
      const found = await findings(engine, "bloat");
      return found[0]?.level === "warning" && found;
    });

    expect(finding?.text).toMatch(/^About [\d,]+ dead rows .* in jobs, never vacuumed\.$/);
    // What a transaction of somebody else's can still see stays.
    await engine.until(async () => {
      await engine.sql(statementIn(finding));
      return (await findings(engine, "bloat"))[0]?.level === "ok";
    });
  });

  it("were never analyzed", async () => {
    const engine = await open();
    await engine.sql(fillJobs(20_000));

    const [finding] = await engine.until(async () => {
      const found = await findings(engine, "statistics");
      return found[0]?.level === "warning" && found;
    });

    expect(finding?.text).toContain("No statistics of jobs were ever gathered");
    await engine.sql(statementIn(finding));
    await engine.until(async () => (await findings(engine, "statistics"))[0]?.level === "ok");
  });

  it("are not vacuumed by the server", async () => {
    const engine = await open();
    await engine.sql("alter table jobs set (autovacuum_enabled = off)");

    const [finding] = await findings(engine, "autovacuum");

    expect(finding).toMatchObject({ level: "warning" });
    await engine.sql(statementIn(finding));
    expect(await findings(engine, "autovacuum")).toMatchObject([{ level: "ok" }]);
  });
});

async function dropPartitions(engine: Engine, fromDaysAhead: number): Promise<void> {
  const partitions = await engine.sql<{ name: string }>(
    `select relname as name from pg_inherits join pg_class on oid = inhrelid
      where inhparent = 'history'::regclass
        and relname >= 'history_' || to_char((now() at time zone 'UTC') + (30 + $1::integer) * interval '1 day', 'YYYYMMDD')`,
    [fromDaysAhead],
  );
  for (const { name } of partitions) await engine.sql(`drop table ${name}`);
}

function fillJobs(count: number): string {
  return `
    insert into jobs (id, run_at, created_at, max_attempts, queue, task, payload, indexed_as)
    select gen_random_uuid(), now(), now(), 1, 'default', 'task', '{}', 'ready' from generate_series(1, ${count})`;
}
