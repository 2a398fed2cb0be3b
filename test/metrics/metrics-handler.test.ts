import { defineTask, Pawl, typed } from "pawl";
import { metricsHandler } from "pawl/metrics";
import { describe, expect, it, onTestFinished } from "vitest";
import { freshPawl, makeWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { ask, scrape, valueOf } from "./scrape.ts";

const task = defineTask({
  ...{ name: "task", queue: "mail", retry: "none", payload: typed<"fine" | "fails">() },
});
const handlers = [
  task.handle(({ payload }) => {
    if (payload === "fails") throw new RangeError("failed on purpose");
  }),
];
const patience = { within: 15_000 };
const lease = "30s";

describe("/metrics", () => {
  it("is in Prometheus's text format, with a help and a type for each metric", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    await pawl.enqueue(task, "fine");

    const response = await ask(handler, "/metrics");

    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const lines = (await response.text()).split("\n");
    const named = lines.filter((line) => line !== "" && !line.startsWith("#"));
    const families = lines.flatMap((line) => /^# TYPE (\S+) \S+$/.exec(line)?.[1] ?? []);
    expect(families.length).toBeGreaterThan(5);
    expect(lines.filter((line) => line.startsWith("# HELP "))).toHaveLength(families.length);
    expect(named.filter((line) => !families.some((name) => line.startsWith(name)))).toEqual([]);
  });

  it("counts what was enqueued, and how attempts ended", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    const worker = await startWorker(pawl, { handlers, lease });
    let settled = 0;
    worker.on("settled", () => (settled += 1));
    worker.on("failed", () => undefined);

    await pawl.enqueue(task, "fine", { id: "0199d9a4-5c00-7000-8000-000000000000" });
    await pawl.enqueue(task, "fine", { id: "0199d9a4-5c00-7000-8000-000000000000" });
    await pawl.enqueueMany([task.job("fine"), task.job("fails")]);
    await eventually(() => settled === 3, patience);

    const scraped = await scrape(handler);
    const labels = { queue: "mail", task: "task" };
    const count = (name: string, outcome: string): number | undefined =>
      valueOf(scraped, name, { ...labels, outcome });
    expect(count("pawl_jobs_enqueued_total", "created")).toBe(3);
    expect(count("pawl_jobs_enqueued_total", "kept")).toBe(1);
    expect(count("pawl_jobs_finished_total", "succeeded")).toBe(2);
    expect(count("pawl_jobs_finished_total", "failed")).toBe(1);
    expect(valueOf(scraped, "pawl_lease_lost_total")).toBe(0);
  });

  it("has histograms of how long handlers ran and jobs waited, failures included", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    await pawl.enqueueMany([task.job("fine"), task.job("fails")]);
    await execute(`update ${pawl.schema}.jobs set run_at = run_at - interval '1 second'`);
    const worker = await startWorker(pawl, { handlers, lease });
    let settled = 0;
    worker.on("settled", () => (settled += 1));
    worker.on("failed", () => undefined);
    await eventually(() => settled === 2, patience);

    const scraped = await scrape(handler);

    const labels = { queue: "mail", task: "task" };
    const duration = (suffix: string, more = {}): number | undefined =>
      valueOf(scraped, `pawl_job_duration_seconds_${suffix}`, { ...labels, ...more });
    const wait = (suffix: string, more = {}): number | undefined =>
      valueOf(scraped, `pawl_job_wait_seconds_${suffix}`, { ...labels, ...more });
    expect(duration("count")).toBe(2);
    expect(duration("bucket", { le: "3600" })).toBe(2);
    expect(duration("bucket", { le: "+Inf" })).toBe(2);
    expect(wait("count")).toBe(2);
    expect(wait("bucket", { le: "0.5" })).toBe(0);
    expect(wait("bucket", { le: "3600" })).toBe(2);
    expect(wait("sum")).toBeGreaterThan(1.9);
  });

  it("counts what runs in this process", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    const finish = gate();
    onTestFinished(() => finish.open());
    const holding = [task.handle(() => finish.opened)];
    const worker = await startWorker(pawl, { handlers: holding, lease });
    await pawl.enqueueMany([task.job("fine"), task.job("fine")]);
    await eventually(() => worker.health().running === 2, patience);

    expect(valueOf(await scrape(handler), "pawl_worker_busy")).toBe(2);
  });

  it("tells of all queues and workers of the database", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    onTestFinished(() => finish.open());
    const holding = [task.handle(() => finish.opened)];
    const worker = await startWorker(pawl, { handlers: holding, queues: ["mail"], lease });
    await pawl.enqueue(task, "fine");
    await eventually(() => worker.health().running === 1, patience);
    await pawl.enqueue(task, "fine", { queue: "other", delay: "1h" });
    await pawl.enqueue(task, "fine", { queue: "other" });
    await pawl.enqueue(task, "fine", {
      ...{ queue: "other", rateLimit: { key: "limit", capacity: 1, interval: "1s" } },
    });
    const keyed = { queue: "other", concurrency: { key: "key" } };
    await pawl.enqueueMany([task.job("fine", keyed), task.job("fine", keyed)]);
    await execute(
      `update ${pawl.schema}.jobs set run_at = run_at - interval '1 minute'
        where queue = 'other' and state = 'ready'`,
    );

    const scraped = await scrape(metricsHandler(pawl));

    const jobs = (queue: string, state: string): number | undefined =>
      valueOf(scraped, "pawl_queue_jobs", { queue, state });
    expect(valueOf(scraped, "pawl_database_up")).toBe(1);
    expect(jobs("mail", "running")).toBe(1);
    expect(jobs("mail", "ready")).toBe(0);
    expect(jobs("other", "ready")).toBe(2);
    expect(jobs("other", "scheduled")).toBe(1);
    expect(jobs("other", "blocked")).toBe(2);
    expect(jobs("other", "running")).toBe(0);
    const latency = valueOf(scraped, "pawl_queue_latency_seconds", { queue: "other" });
    expect(latency).toBeGreaterThanOrEqual(60);
    expect(latency).toBeLessThan(90);
    expect(valueOf(scraped, "pawl_queue_latency_seconds", { queue: "mail" })).toBe(0);
    expect(valueOf(scraped, "pawl_workers", { state: "alive" })).toBe(1);
    expect(valueOf(scraped, "pawl_workers", { state: "crashed" })).toBe(0);
    expect(Math.abs(valueOf(scraped, "pawl_clock_skew_seconds") ?? NaN)).toBeLessThan(5);
  });

  it("knows workers that died", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, lease });
    await execute(
      `insert into ${pawl.schema}.workers
         (id, lease_ms, concurrency, transaction_slots, pid, name, host, version, transactional, heartbeat_at, ended_at, crashed)
       values (gen_random_uuid(), 1000, 1, 1, 1, 'dead', 'host', '0', '{}', now() - interval '1 hour', now(), true),
              (gen_random_uuid(), 1000, 1, 1, 1, 'silent', 'host', '0', '{}', now() - interval '1 hour', null, false)`,
    );

    const { workers } = await pawl.measure();

    expect(workers.alive).toBe(1);
    expect(workers.crashed).toBeGreaterThanOrEqual(1);
  });

  it("asks the database at most every few seconds, whoever scrapes", async () => {
    const pawl = await freshPawl();
    let asked = 0;
    const handler = metricsHandler(
      Object.assign(pawl, {
        measure: () => {
          asked += 1;
          return Pawl.prototype.measure.call(pawl);
        },
      }),
    );

    await Promise.all([scrape(handler), scrape(handler), scrape(handler)]);
    await scrape(handler);

    expect(asked).toBe(1);
  });

  it("says that the database is down, and still has what it counted itself", async () => {
    const pawl = new Pawl({ database: "postgres://127.0.0.1:1/nowhere" });
    onTestFinished(() => pawl.close());

    const scraped = await scrape(metricsHandler(pawl));

    expect(valueOf(scraped, "pawl_database_up")).toBe(0);
    expect(valueOf(scraped, "pawl_lease_lost_total")).toBe(0);
    expect(scraped.has("pawl_queue_jobs")).toBe(false);
  });

  it("writes any name so that it can be read back", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    const queue = 'a "quoted" \\ queue, {with} everything = 1';
    await pawl.enqueue(task, "fine", { queue });

    const scraped = await scrape(handler);

    const outcome = "created";
    expect(valueOf(scraped, "pawl_jobs_enqueued_total", { queue, task: "task", outcome })).toBe(1);
    expect(valueOf(scraped, "pawl_queue_jobs", { queue, state: "ready" })).toBe(1);
  });

  it("has a bounded number of series, however many queues there are", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    const queues = Array.from({ length: 1_200 }, (_, n) => `queue ${n}`);
    await pawl.enqueueMany(queues.map((queue) => task.job("fine", { queue })));

    const scraped = await scrape(handler);

    const others = { queue: "other", task: "task", outcome: "created" };
    const rest = { ...others, task: "other" };
    expect(scraped.get("pawl_jobs_enqueued_total")).toHaveLength(1_001);
    expect(valueOf(scraped, "pawl_jobs_enqueued_total", rest)).toBe(200);
    expect(scraped.get("pawl_queue_jobs")).toHaveLength(1_000);
    // The first thousand by name are looked at.
    const waiting = { queue: "other", state: "ready" };
    expect(valueOf(scraped, "pawl_queue_jobs", waiting)).toBe(1_000 - 249);
  });

  it("shows no payload", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    const secret = defineTask({ name: "secret", payload: typed<string>() });

    await pawl.enqueue(secret, "hush");

    expect(await (await ask(handler, "/metrics")).text()).not.toContain("hush");
  });
});

describe("a measurement", () => {
  it("is given up when a statement takes longer than two seconds", async () => {
    const pawl = await freshPawl();
    const { schema } = pawl;
    const holding = execute(
      `do $$ begin lock table ${schema}.jobs in access exclusive mode; perform pg_sleep(4); end $$`,
    );
    onTestFinished(async () => {
      await holding;
    });
    await eventually(async () => {
      const rows = await execute(
        "select from pg_locks where relation = $1::regclass and mode = 'AccessExclusiveLock' and granted",
        [`${schema}.jobs`],
      );
      return rows.length > 0;
    }, patience);

    await expect(pawl.measure()).rejects.toMatchObject({ code: "PAWL_DATABASE_FAILED" });
  });
});

describe("/readyz", () => {
  it("is 503 until the worker is ready, and when it has stopped", async () => {
    const pawl = await freshPawl();
    const handler = metricsHandler(pawl);
    const worker = makeWorker(pawl, { handlers, lease });
    const before = await ask(handler, "/readyz");
    await worker.start();
    await eventually(async () => (await ask(handler, "/readyz")).status === 200, patience);
    const during: unknown = await (await ask(handler, "/readyz")).json();

    await worker.stop();
    const after = await ask(handler, "/readyz");

    expect(before.status).toBe(503);
    expect(during).toMatchObject({ ready: true, workers: [{ state: "running", ready: true }] });
    expect(after.status).toBe(503);
  });

  it("is 200 in a process without workers", async () => {
    const handler = metricsHandler(await freshPawl());

    expect((await ask(handler, "/readyz")).status).toBe(200);
  });

  it("knows a worker that was made before", async () => {
    const pawl = await freshPawl();
    makeWorker(pawl, { handlers });

    const response = await ask(metricsHandler(pawl), "/readyz");

    expect(await response.json()).toMatchObject({ ready: false, workers: [{ state: "new" }] });
  });
});

describe("the handler", () => {
  it.each([
    ["/livez", "GET", 200],
    ["/below/any/path/livez", "GET", 200],
    ["/livez?probe=1", "HEAD", 200],
    ["/", "GET", 404],
    ["/jobs", "GET", 404],
    ["/metrics", "POST", 405],
  ])("answers %s by %s with %i", async (path, method, status) => {
    const handler = metricsHandler(await freshPawl());

    expect((await ask(handler, path, method)).status).toBe(status);
  });

  it("has no timer, and asks the database nothing that nobody wants to know", async () => {
    const pawl = await freshPawl();
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();

    metricsHandler(pawl);

    expect(timers()).toBe(before);
  });
});
