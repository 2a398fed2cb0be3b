import { randomUUID } from "node:crypto";
import { defineTask, Pawl, typed, UnrecoverableError } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { jsonSchemaOf } from "#pawl/dashboard/reads/tasks";
import { freshEngine, type Engine } from "../../support/engine.ts";
import { readsOf } from "./reading.ts";

const send = defineTask({ name: "send", payload: typed<{ to: string; fail?: boolean }>() });
const handler = send.handle(({ payload }) => {
  if (payload.fail === true) throw new UnrecoverableError("no such address: secret");
});

describe("the overview", () => {
  it("says how much waits and how the last attempts ended", async () => {
    const engine = await freshEngine();
    const { settled } = await engine.work({ handlers: [handler] });
    for (const fail of [true, true, true, false])
      await engine.pawl.enqueue(send, { to: "a", fail });
    await engine.until(() => settled.length === 4);
    await engine.pawl.enqueue(send, { to: "b" }, { delay: "1h" });
    const read = readsOf(engine);

    const first = await read("overview");
    const overview = await engine.until(async () => {
      const { series, ...rest } = await read("overview");
      const isWhole = ["failed", "succeeded"].every((outcome) =>
        series.some(({ perSecond }) => outcome in perSecond),
      );
      return isWhole && { series, ...rest };
    });

    expect(first.counts.scheduled).toEqual({ count: 1, isAtLeast: false });
    expect(first.workers).toEqual({ alive: 1, crashed: 0 });
    const samples = overview.series.filter(({ waitMs }) => waitMs !== null);
    expect(samples.some(({ perSecond }) => (perSecond.succeeded ?? 0) > 0)).toBe(true);
    expect(samples.every(({ runMs }) => runMs !== null && runMs.p95 >= runMs.p50)).toBe(true);
    expect(overview.problems).toMatchObject([{ kind: "failing", queue: "default" }]);
    expect(overview.problems[0]?.text).toContain("Of 4 attempts");
    expect(Date.parse(overview.now)).toBeGreaterThan(Date.parse(first.now) - 1);
  });

  it("names queues that nobody works, that are late, and that are paused", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueue(send, { to: "a" }, { queue: "late" });
    await engine.sql("update jobs set run_at = now() - interval '10 minutes'");
    await engine.pawl.enqueue(send, { to: "b" }, { queue: "held" });
    await engine.pawl.queues.pause("held");

    const { problems, oldestReadyMs } = await readsOf(engine)("overview");

    expect(problems.map(({ queue, kind }) => [queue, kind])).toEqual([
      ["late", "noWorkers"],
      ["held", "noWorkers"],
      ["late", "late"],
      ["held", "paused"],
    ]);
    expect(oldestReadyMs).toBeGreaterThan(599_000);
  });

  it("counts no further than 10,000 in a queue, and says so", async () => {
    const engine = await freshEngine();
    await fillReady(engine, 10_050);

    const { counts } = await readsOf(engine)("overview");

    expect(counts.ready.isAtLeast).toBe(true);
    expect(counts.ready.count).toBeLessThanOrEqual(10_000);
    expect(counts.blocked).toEqual({ count: 0, isAtLeast: false });
  });
});

describe("the queues", () => {
  it("are listed with their workers and their depths, also when they are empty and paused or served", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [handler], queues: ["mail"] });
    await engine.pawl.queues.pause("empty");
    await engine.pawl.enqueue(send, { to: "a" }, { queue: "other" });
    const read = readsOf(engine);

    await read("queues");
    const { queues } = await read("queues");

    expect(queues).toMatchObject([
      { name: "empty", paused: true, workers: 0, oldestReadyMs: null },
      { name: "mail", paused: false, workers: 1, oldestReadyMs: null },
      { name: "other", paused: false, workers: 0, counts: { ready: { count: 1 } } },
    ]);
    expect(queues[2]?.depths.every((depth) => depth === 1)).toBe(true);
  });
});

describe("the tasks", () => {
  it("are those of the application and of the database", async () => {
    const engine = await freshEngine();
    const typedTask = defineTask({
      ...{ name: "typed", queue: "mail", searchable: ["user.id"] },
      payload: z.object({ to: z.string() }),
    });
    const pawl = new Pawl({
      ...{ database: pgDatabase(engine.pool), schema: engine.schema, tasks: [send, typedTask] },
    });
    onTestFinished(() => pawl.close());
    await pawl.tasks.pause("gone");

    const { tasks } = await readsOf({ pawl, store: engine.store })("tasks");

    expect(tasks).toMatchObject([
      {
        name: "gone",
        paused: true,
        isKnown: false,
        queue: null,
        payloadSchema: null,
        searchable: [],
      },
      { name: "send", paused: false, isKnown: true, queue: "default", payloadSchema: null },
      { name: "typed", isKnown: true, queue: "mail", searchable: ["user.id"] },
    ]);
    expect(JSON.parse(tasks[2]?.payloadSchema ?? "null")).toMatchObject({
      ...{ type: "object", properties: { to: { type: "string" } }, required: ["to"] },
    });
  });

  it.each([
    undefined,
    null,
    1,
    {},
    { "~standard": null },
    { "~standard": { jsonSchema: { input: 1 } } },
    { "~standard": { jsonSchema: { input: () => undefined } } },
    { "~standard": { jsonSchema: { input: () => Promise.resolve({}) } } },
    { "~standard": { jsonSchema: { input: () => ({ toJSON: () => undefined }) } } },
    { "~standard": { jsonSchema: { input: () => ({ a: 1n }) } } },
    {
      get "~standard"(): never {
        throw new Error("strange");
      },
    },
    { "~standard": { jsonSchema: { input: () => JSON.parse("[") as unknown } } },
  ])("have no schema when a validator is strange: %#", (validator) => {
    expect(jsonSchemaOf(validator)).toBeNull();
  });
});

describe("a job", () => {
  it("that is live comes with why it does not run, and who is of its chain", async () => {
    const engine = await freshEngine();
    const options = { correlationId: "chain", queue: "mail" };
    const { job } = await engine.pawl.enqueue(send, { to: "my secret" }, options);
    const { job: other } = await engine.pawl.enqueue(send, { to: "b" }, options);

    const found = await readsOf(engine)("job", job);

    expect(found).toMatchObject({
      ...{ ...named(job), task: "send", state: "ready", worker: null, attempts: [], replays: [] },
      ...{ payload: '{"to":"[redacted]"}', isRedacted: true, isPayloadCut: false },
      related: [{ ...named(other), task: "send", state: "ready", outcome: null }],
    });
    expect(found.explanation.map(({ kind }) => kind)).toContain("noWorker");
  });

  it("that has ended comes with its attempts and its replays", async () => {
    const engine = await freshEngine();
    const { settled } = await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(send, { to: "a", fail: true });
    await engine.finished(job);
    const [replayed] = await engine.pawl.jobs.retry(job);
    await engine.until(() => settled.length === 2);
    const read = readsOf(engine);

    const found = await read("job", job);
    const replay = await read("job", { queue: "default", id: replayed?.job?.id ?? "" });

    expect(found).toMatchObject({
      ...{ state: "finished", task: "send", payload: '{"to":"a","fail":true}', priority: null },
      attempts: [{ attempt: 1, outcome: "failed", final: true, replayOf: null }],
      replays: [{ queue: "default", id: replayed?.job?.id }],
    });
    expect(found.attempts[0]?.error).toMatchObject({
      ...{ name: "UnrecoverableError", message: "[redacted]", causes: [] },
    });
    expect(replay.replayOf).toBe(job.id);
  });

  it("is shown as it is to an admin who asks for that, and to nobody else", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(send, { to: "my secret" });
    const read = readsOf(engine);

    const raw = await read("job", { ...job, raw: "true" }, "admin");
    const safe = await read("job", { ...job, raw: "true" }, "operator");

    expect(raw).toMatchObject({ payload: '{"to":"my secret"}', isRedacted: false });
    expect(safe).toMatchObject({ payload: '{"to":"[redacted]"}', isRedacted: true });
  });

  it("has its payload cut between two characters when it is long", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(send, { to: "€".repeat(100_000) });

    const { payload, isPayloadCut } = await readsOf(engine)("job", job);

    expect(isPayloadCut).toBe(true);
    expect(Buffer.byteLength(payload ?? "")).toBeGreaterThan(262_140);
    expect(Buffer.byteLength(payload ?? "")).toBeLessThanOrEqual(262_144);
    expect(payload).not.toContain("\uFFFD");
  });

  it("that nobody knows is not found", async () => {
    const engine = await freshEngine();

    const reading = readsOf(engine)("job", { queue: "default", id: randomUUID() });

    await expect(reading).rejects.toMatchObject({ code: "PAWL_DASHBOARD_NOT_FOUND" });
  });
});

describe("workers, keys, limits and findings", () => {
  it("say what a worker runs now", async () => {
    const engine = await freshEngine();
    let finish = (): void => undefined;
    const slow = send.handle(() => new Promise<void>((resolve) => (finish = resolve)));
    await engine.work({ handlers: [slow], name: "slow" });
    const { job } = await engine.pawl.enqueue(send, { to: "a" });
    const read = readsOf(engine);

    const worker = await engine.until(async () => {
      const { workers } = await read("workers");
      return workers[0]?.held === 1 && workers[0];
    });
    finish();

    expect(worker).toMatchObject({
      name: "slow",
      isAlive: true,
      running: [{ ...named(job), task: "send" }],
    });
  });

  it("list concurrency keys in pages", async () => {
    const engine = await freshEngine();
    await engine.sql(
      `insert into concurrency_keys (queue, key, max_running)
       select 'q' || n % 3, 'key ' || n, 2 from generate_series(1, 7) as n`,
    );
    const read = readsOf(engine);

    const first = await read("concurrency-keys", { limit: "4" });
    const second = await read("concurrency-keys", { limit: "4", after: first.next ?? "" });

    const keys = [...first.keys, ...second.keys].map(({ queue, key }) => `${queue} ${key}`);
    expect(new Set(keys).size).toBe(7);
    expect(second.next).toBeNull();
    expect(first.keys[0]).toMatchObject({
      limit: 2,
      running: { count: 0 },
      waiting: { count: 0, isAtLeast: false },
    });
  });

  it("list rate limits", async () => {
    const engine = await freshEngine();
    await engine.pawl.rateLimits.register("api", { capacity: 5, interval: "1m" });

    expect(await readsOf(engine)("rate-limits")).toMatchObject({
      limits: [{ key: "api", capacity: 5, intervalMs: 60_000, mode: "fixed", used: 0 }],
    });
  });

  it("give findings that are half a minute old, and make new ones behind", async () => {
    const engine = await freshEngine();
    let now = 0;
    const read = readsOf(engine, { now: () => now });
    const first = await read("findings");
    await engine.sql("drop index jobs_blocked");
    now = 29_999;
    const young = await read("findings");
    now = 30_000;
    const old = await read("findings");

    const renewed = await engine.until(async () => {
      const { findings } = await read("findings");
      return findings !== old.findings && findings;
    });

    expect(young.findings).toBe(first.findings);
    expect(old.findings).toBe(first.findings);
    expect(renewed.find(({ check }) => check === "drift")).toMatchObject({ level: "error" });
  });
});

function named({ queue, id }: { queue: string; id: string }): { queue: string; id: string } {
  return { queue, id };
}

async function fillReady(engine: Engine, count: number): Promise<void> {
  await engine.sql(
    `insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, payload)
     select uuid_v7(), now(), now(), 1, 'default', 'task', 'ready', '{}' from generate_series(1, $1::integer)`,
    [count],
  );
}
