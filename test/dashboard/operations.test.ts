import { describe, expect, it, onTestFinished } from "vitest";
import { defineTask, Pawl, typed, UnrecoverableError } from "pawl";
import { dashboard } from "pawl/dashboard";
import { isStillMeant } from "#pawl/dashboard/changes/plan";
import { Operations } from "#pawl/dashboard/operations";
import { createRedactor } from "#pawl/dashboard/redact";
import { byHeader, change, codeOf, read } from "../support/dashboard.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { intercepted, type Intercept } from "../support/intercepted-database.ts";

type Handler = ReturnType<typeof dashboard>;

interface Row {
  readonly id: string;
  readonly state: string;
  readonly examined: number;
  readonly changed: number;
  readonly refused: number;
  readonly error: string | null;
}

const send = defineTask({ name: "send", payload: typed<{ text: string }>() });

async function freshDashboard() {
  const engine = await freshEngine();
  return { engine, pawl: engine.pawl, handler: dashboard(engine.pawl, { authorize: byHeader }) };
}

describe("an operation", () => {
  it("cancels all that match, in batches", { timeout: 30_000 }, async () => {
    const { engine, pawl, handler } = await freshDashboard();
    await enqueue(engine, 1_200, { queue: "bulk", delay: "1h" });
    await enqueue(engine, 3, { queue: "other", delay: "1h" });

    const started = await start(handler, {
      ...{ action: "cancel", from: "jobs" },
      filter: { queue: "bulk" },
    });
    const ended = await untilEnded(engine, handler, started.id);

    expect(started).toMatchObject({ state: "running", startedBy: "the admin", changed: 0 });
    expect(ended).toMatchObject({ state: "done", changed: 1_200, refused: 0, error: null });
    expect(ended.examined).toBeGreaterThanOrEqual(1_200);
    expect((await pawl.jobs.list()).jobs.map(({ queue }) => queue)).toEqual(
      Array.from({ length: 3 }, () => "other"),
    );
    const cancelled = await engine.sql("select from history where outcome = 'cancelled'");
    expect(cancelled).toHaveLength(1_200);
  });

  it("retries what is scheduled, and leaves alone what waits anyway", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    await enqueue(engine, 2, { delay: "1h" });
    await enqueue(engine, 3, {});

    const { id } = await start(handler, { action: "retry", from: "jobs", filter: {} });
    const ended = await untilEnded(engine, handler, id);

    expect(ended).toMatchObject({ state: "done", changed: 2, refused: 0 });
    expect((await pawl.jobs.list({ state: "ready" })).jobs).toHaveLength(5);
  });

  it("reschedules all that match", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    await enqueue(engine, 2, {});

    const { id } = await start(handler, {
      ...{ action: "reschedule", from: "jobs" },
      filter: { task: "send" },
      rescheduling: { priority: 9, delay: "2h" },
    });
    await untilEnded(engine, handler, id);

    const { jobs } = await pawl.jobs.list({ state: "scheduled" });
    expect(jobs.map(({ priority }) => priority)).toEqual([9, 9]);
  });

  it("replays what has failed, and not what failed since", { timeout: 30_000 }, async () => {
    const { engine, handler } = await freshDashboard();
    await enqueue(engine, 150, {});
    const { worker } = await engine.work({ concurrency: 8, handlers: [failing()] });
    await engine.until(async () => (await countFailed(engine)) === 150);

    const plan = { action: "replay", from: "history", filter: { outcome: "failed" } };
    const { id } = await start(handler, plan);
    const ended = await untilEnded(engine, handler, id);
    await engine.until(async () => (await countFailed(engine)) === 300);
    await worker.stop();

    expect(ended).toMatchObject({ state: "done", changed: 150, refused: 0 });
  });

  it("replays around what its task does not take any more", async () => {
    const engine = await freshEngine();
    const { pawl, url: database, schema } = engine;
    for (const payload of ["good", "bad", "good"]) await pawl.enqueueByName("send", payload);
    const { worker } = await engine.work({ handlers: [failing()] });
    await engine.until(async () => (await countFailed(engine)) === 3);
    await worker.stop();
    const strict = new Pawl({
      ...{ database, schema },
      validate: (_task, payload) => (payload === "good" ? undefined : [{ message: "is bad" }]),
    });
    onTestFinished(() => strict.close());
    const handler = dashboard(strict, { authorize: byHeader });

    const { id } = await start(handler, { action: "replay", from: "history", filter: {} });
    const ended = await untilEnded(engine, handler, id);

    expect(ended).toMatchObject({ state: "done", changed: 2, refused: 1 });
  });

  it("can be stopped, once", async () => {
    const { engine, handler } = await freshDashboard();
    const id = await leftBehind(engine, { heldFor: "1 hour" });

    const first = await (await change(handler, "stop-operation", { id })).json();
    const second = await (await change(handler, "stop-operation", { id })).json();

    expect([first, second]).toEqual([{ changed: true }, { changed: false }]);
    expect(await find(handler, id)).toMatchObject({ state: "stopped" });
  });

  it("is refused when twenty are under way", async () => {
    const { engine, handler } = await freshDashboard();
    for (let count = 0; count < 20; count += 1) await leftBehind(engine, { heldFor: "1 hour" });

    const response = await change(handler, "start-operation", {
      ...{ action: "cancel", from: "jobs" },
      filter: {},
    });

    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe("PAWL_OPTION_INVALID");
  });
});

describe("an operation that was left behind", () => {
  it("is gone on with when a dashboard starts", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 3, { delay: "1h" });
    const id = await leftBehind(engine, { heldFor: "-1 second" });

    const handler = dashboard(engine.pawl, { authorize: byHeader });

    expect(await untilEnded(engine, handler, id)).toMatchObject({ state: "done", changed: 3 });
  });

  it("is gone on with when somebody looks, and not before it is given up", async () => {
    const { engine, handler } = await freshDashboard();
    await enqueue(engine, 3, { delay: "1h" });
    const id = await leftBehind(engine, { heldFor: "1 hour" });

    const held = await find(handler, id);
    await engine.sql("update operations set held_until = now() - interval '1 second'");

    expect(held).toMatchObject({ state: "running", changed: 0 });
    expect(await untilEnded(engine, handler, id)).toMatchObject({ state: "done", changed: 3 });
  });

  it("goes on behind what has been done", async () => {
    const { engine, handler } = await freshDashboard();
    await enqueue(engine, 1_000, { delay: "1h" });
    const [row] = await engine.sql<{ id: string }>(
      "select id from jobs order by queue, id offset 899 limit 1",
    );
    const cursor = Buffer.from(JSON.stringify(["default", row?.id])).toString("base64url");
    const id = await leftBehind(engine, { heldFor: "-1 second", cursor });

    expect(await untilEnded(engine, handler, id)).toMatchObject({ state: "done", changed: 100 });
  });

  it("is gone on with by itself when it is given up, though nobody looks", async () => {
    const { engine } = await freshDashboard();
    await enqueue(engine, 3, { delay: "1h" });
    const id = await leftBehind(engine, { heldFor: "0.3 seconds" });
    const { pawl, store } = engine;
    const { tasks: knownTasks, version } = pawl.internals;
    const context = { pawl, store, knownTasks, version, environment: null, now: Date.now };

    new Operations({ ...context, redactor: createRedactor() }, 50).wake();

    await engine.until(async () => {
      const [row] = await engine.sql<{ state: string }>(
        "select state from operations where id = $1",
        [id],
      );
      return row?.state === "done";
    });
    expect(await engine.sql("select from history")).toHaveLength(3);
  });

  it("fails when this Pawl does not understand it", async () => {
    const { engine, handler } = await freshDashboard();
    const id = await leftBehind(engine, { heldFor: "-1 second", plan: '{"action":"paint"}' });

    const ended = await untilEnded(engine, handler, id);

    expect(ended.state).toBe("failed");
    expect(ended.error).toMatch(/^PAWL_OPTION_INVALID: /);
  });
});

describe("a batch", () => {
  it.each([
    ["the reply to its commit is", true],
    ["its commit is", false],
  ])("is done once when %s lost", { timeout: 30_000 }, async (_, isCommitted) => {
    const commits = losingCommits(2, isCommitted);
    const engine = await freshEngine({ wrap: (database) => intercepted(database, commits) });
    await enqueue(engine, 600, { delay: "1h" });
    const handler = dashboard(engine.pawl, { authorize: byHeader });

    const { id } = await start(handler, { action: "cancel", from: "jobs", filter: {} });
    const ended = await untilEnded(engine, handler, id);

    expect(ended).toMatchObject({ state: "done", changed: 600, refused: 0 });
    expect(await engine.sql("select from history")).toHaveLength(600);
  });
});

describe("a job that was found for an operation", () => {
  it.each([
    ["cancel", {}, "running", true],
    ["cancel", {}, "finished", false],
    ["cancel", {}, undefined, false],
    ["cancel", { state: "ready" }, "ready", true],
    ["cancel", { state: "ready" }, "running", false],
    ["cancel", { search: "state:ready" }, "running", false],
    ["retry", {}, "scheduled", true],
    ["retry", {}, "finished", false],
    ["retry", {}, "running", false],
  ] as const)("is meant by %s %j when it is %s: %s", (action, filter, state, expected) => {
    expect(isStillMeant({ action, from: "jobs", filter }, state)).toBe(expected);
  });
});

describe("what an operation would change", () => {
  it("is counted", async () => {
    const { engine, handler } = await freshDashboard();
    await enqueue(engine, 700, { delay: "1h" });
    await enqueue(engine, 5, {});

    const plans = [
      { action: "cancel", from: "jobs", filter: {} },
      { action: "retry", from: "jobs", filter: {} },
      { action: "retry", from: "jobs", filter: { state: "ready" } },
      { action: "replay", from: "history", filter: {} },
    ];
    const counts: unknown[] = [];
    for (const plan of plans) {
      counts.push(await (await change(handler, "count-matching", plan)).json());
    }

    expect(counts).toEqual([705, 700, 0, 0].map((count) => ({ count, isAtLeast: false })));
    expect(await engine.sql("select from audit")).toEqual([]);
  });
});

/** Loses the first commits of batches, or just the replies to them. */
function losingCommits(count: number, isCommitted: boolean): Intercept {
  let left = count;
  let isBatch = false;
  return async ({ text }, run) => {
    const isLost = text === "commit" && isBatch && left > 0;
    isBatch = text.includes("set cursor = ") || (isBatch && text !== "commit");
    if (!isLost) return run();
    left -= 1;
    if (isCommitted) await run();
    throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  };
}

function failing() {
  return send.handle(() => {
    throw new UnrecoverableError("on purpose");
  });
}

async function countFailed(engine: Engine): Promise<number> {
  return (await engine.sql("select from history where outcome = 'failed'")).length;
}

async function enqueue(
  { pawl }: Engine,
  count: number,
  options: { readonly queue?: string; readonly delay?: string },
): Promise<void> {
  await pawl.enqueueMany(Array.from({ length: count }, () => send.job({ text: "hello" }, options)));
}

/** An operation that cancels everything, as a process has left it. */
async function leftBehind(
  engine: Engine,
  {
    heldFor,
    cursor = null,
    plan = '{"action":"cancel","from":"jobs","filter":{}}',
  }: { readonly heldFor: string; readonly cursor?: string | null; readonly plan?: string },
): Promise<string> {
  const [row] = await engine.sql<{ id: string }>(
    `insert into operations (started_by, plan, cursor, held_by, held_until)
     values ('somebody', $1, $2, gen_random_uuid(), now() + $3::interval) returning id`,
    [plan, cursor, heldFor],
  );
  return row?.id ?? "";
}

async function start(handler: Handler, plan: object): Promise<Row> {
  const response = await change(handler, "start-operation", plan);
  expect(response.status).toBe(200);
  return (await response.json()) as Row;
}

async function find(handler: Handler, id: string): Promise<Row | undefined> {
  const answer = await (await read(handler, "operations")).json();
  return (answer as { operations: Row[] }).operations.find((each) => each.id === id);
}

function untilEnded(engine: Engine, handler: Handler, id: string): Promise<Row> {
  return engine.until(async () => {
    const row = await find(handler, id);
    return row !== undefined && row.state !== "running" && row;
  });
}
