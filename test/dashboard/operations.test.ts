import { randomUUID } from "node:crypto";
import { defineTask, Pawl, typed, UnrecoverableError } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { OperationPlan, OperationRow } from "#pawl/dashboard/api";
import { freshEngine, type Engine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { intercepted } from "../support/intercepted-database.ts";
import { Board, codeOf } from "./board.ts";

const send = defineTask({ name: "send", payload: typed<{ n: number }>(), retry: "none" });

describe("an operation", () => {
  it("cancels all jobs that match, and no others", async () => {
    const { engine, board } = await open();
    await enqueue(engine, 1_200, { queue: "bulk" });
    await enqueue(engine, 3, { queue: "other" });

    const started = await board.change("start-operation", cancel({ queue: "bulk" }), "operator");
    const ended = await endOf(board, started.body.id);

    expect(started.body).toMatchObject({ state: "running", startedBy: "a operator", changed: 0 });
    expect(ended).toMatchObject({ state: "done", changed: 1_200, refused: 0, error: null });
    expect(ended.examined).toBeGreaterThanOrEqual(1_200);
    expect(Date.parse(ended.finishedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(ended.startedAt));
    expect(await engine.sql("select queue from jobs")).toEqual(
      Array.from({ length: 3 }, () => ({ queue: "other" })),
    );
    expect(await engine.sql("select distinct error ->> 'message' as reason from history")).toEqual([
      { reason: "cancelled by a operator" },
    ]);
    expect(await board.audit()).toMatchObject([
      { action: "start-operation", outcome: "done", role: "operator" },
    ]);
  });

  it("retries, by what the payload holds", async () => {
    const { engine, board } = await open();
    await enqueue(engine, 10);

    const plan = { action: "retry", from: "jobs", filter: { search: "payload.n:3" } } as const;
    const ended = await runToEnd(board, plan);

    expect(ended).toMatchObject({ state: "done", changed: 1, refused: 0 });
    expect(await engine.sql("select payload ->> 'n' as n from jobs where state = 'ready'")).toEqual([
      { n: "3" },
    ]);
  });

  it("reschedules", async () => {
    const { engine, board } = await open();
    await enqueue(engine, 5);
    const runAt = "2040-01-31T12:00:00.000Z";

    const ended = await runToEnd(board, {
      ...{ action: "reschedule", from: "jobs", filter: { state: "scheduled" } },
      rescheduling: { runAt, priority: 7 },
    });

    expect(ended).toMatchObject({ changed: 5 });
    expect(await engine.sql("select distinct run_at, priority from jobs")).toEqual([
      { run_at: new Date(runAt), priority: 7 },
    ]);
  });

  it("replays what has failed, once, and nothing that has succeeded", async () => {
    const { engine, board } = await open();
    await settle(engine, 20, (n) => n % 2 === 0);
    const plan = { action: "replay", from: "history", filter: { task: "send" } } as const;

    const first = await runToEnd(board, plan);
    const again = await runToEnd(board, plan);

    expect(first).toMatchObject({ state: "done", changed: 10, refused: 0 });
    expect(again).toMatchObject({ state: "done", changed: 0, refused: 10 });
    expect(await engine.sql("select from jobs where replay_of is not null")).toHaveLength(10);
  });

  it("counts as refused what cannot be replayed, and replays the others", async () => {
    const engine = await freshEngine();
    await settle(engine, 30, () => true);
    // Since then, a payload has to be another.
    const strict = defineTask({
      name: "send",
      payload: z.object({ n: z.number().refine((n) => n % 10 !== 0) }),
    });
    const pawl = new Pawl({
      ...{ database: pgDatabase(engine.pool), schema: engine.schema, tasks: [strict] },
    });
    onTestFinished(() => pawl.close());
    const board = new Board({ pawl: pawl as never });

    const ended = await runToEnd(board, { action: "replay", from: "history", filter: {} });

    expect(ended).toMatchObject({ state: "done", changed: 27, refused: 3, error: null });
    expect(await engine.sql("select from jobs")).toHaveLength(27);
  });

  it("leaves alone what was enqueued after its start", async () => {
    const { engine, board } = await open();
    await enqueue(engine, 5);
    const plan = JSON.stringify(cancel({ queue: "default" }));
    await engine.sql(
      `insert into operations (id, plan, started_by, role) values ($1, $2, 'ada', 'admin')`,
      [randomUUID(), plan],
    );
    await enqueue(engine, 4);

    await board.read("operations");
    const ended = await engine.until(async () => onlyOne(await listOf(board), "done"));

    expect(ended).toMatchObject({ changed: 5 });
    expect(await engine.sql("select from jobs")).toHaveLength(4);
  });

  it("is stopped, and keeps what it has done", async () => {
    const gate = gateAfter(1);
    const { engine, board } = await open(gate.wrap);
    await enqueue(engine, 1_500);
    const { body } = await board.change("start-operation", cancel({}), "operator");
    await gate.reached;

    const stopped = await board.change("stop-operation", { id: body.id }, "operator");
    gate.open();
    const again = await board.change("stop-operation", { id: body.id }, "operator");
    const ended = await endOf(board, body.id);

    expect([stopped.body.changed, again.body.changed]).toEqual([true, false]);
    expect(ended).toMatchObject({ state: "stopped", changed: 500 });
    await engine.until(async () => (await engine.sql("select from jobs")).length === 1_000);
    expect(await board.audit()).toMatchObject([
      ...[{ action: "stop-operation" }, { action: "stop-operation" }],
      { action: "start-operation" },
    ]);
  });

  it("that fails for good says why, without secrets", async () => {
    const { engine, board } = await open();
    await engine.sql(
      `insert into operations (id, plan, started_by, role)
       values ($1, '{"action":"cancel","from":"jobs","filter":{"search":"payload.a"}}', 'ada', 'admin')`,
      [randomUUID()],
    );
    engine.pawl.on("error", () => undefined);

    await board.read("operations");
    const failed = await engine.until(async () => onlyOne(await listOf(board), "failed"));

    expect(failed.error).toMatch(/^PAWL_OPTION_INVALID: expected `search`/);
  });

  it.each<[string, unknown]>([
    ["another action", { action: "delete", from: "jobs", filter: {} }],
    ["another source", { action: "retry", from: "history", filter: {} }],
    ["live jobs to replay", { action: "replay", from: "jobs", filter: {} }],
    ["no filter", { action: "retry", from: "jobs" }],
    ["a filter that is none", { action: "retry", from: "jobs", filter: { state: "done" } }],
    ["a search that is none", { action: "retry", from: "jobs", filter: { search: "payload.a" } }],
    ["no new time", { action: "reschedule", from: "jobs", filter: {}, rescheduling: {} }],
    ["another new time", { action: "reschedule", from: "jobs", filter: {}, rescheduling: { runAt: "x" } }],
    ["successes to replay", { action: "replay", from: "history", filter: { outcome: "succeeded" } }],
    ["attempts that were not the last", { action: "replay", from: "history", filter: { final: "false" } }],
  ])("with %s is refused", async (_, plan) => {
    const { engine, board } = await open();

    const started = await board.change("start-operation", plan as OperationPlan);
    const counted = await board.change("count-matching", plan as OperationPlan);

    expect([started.status, counted.status]).toEqual([400, 400]);
    expect(codeOf(started)).toMatch(/^PAWL_OPTION_/);
    expect(await engine.sql("select from operations")).toEqual([]);
  });

  it("hides what an admin has searched for", async () => {
    const { board } = await open();

    const started = await board.change("start-operation", cancel({ search: "payload.token:abc" }));

    expect(started.body.plan.filter.search).toBe("[redacted]");
    expect(JSON.stringify([await listOf(board), await board.audit()])).not.toContain("abc");
  });
});

describe("a count of what matches", () => {
  it("is that of the operation", async () => {
    const { engine, board } = await open();
    await enqueue(engine, 1_050);
    await settle(engine, 4, (n) => n > 0);

    const jobs = await board.change("count-matching", cancel({ queue: "default" }), "operator");
    const past = await board.change("count-matching", {
      ...{ action: "replay", from: "history", filter: {} },
    });

    expect(jobs.body).toEqual({ count: 1_050, isAtLeast: false });
    expect(past.body).toEqual({ count: 3, isAtLeast: false });
    expect(await board.audit()).toEqual([]);
  });
});

describe("an operation whose process has died", () => {
  it("is taken over when it is held no more, and repeats nothing", async () => {
    // The first process changes a batch, and then freezes before the next is committed.
    const gate = gateAfter(1);
    const { engine, board } = await open(gate.wrap);
    await enqueue(engine, 1_200);
    await board.change("start-operation", replan(), "operator");
    await gate.reached;
    const other = new Board({ pawl: beside(engine) });

    await other.read("operations");
    const held = await listOf(other);
    await engine.sql("update operations set held_until = now() - interval '1 second'");
    const ended = await engine.until(async () => {
      return onlyOne(await listOf(other), "done");
    });
    gate.open();
    await engine.until(() => gate.passed());

    expect(held).toMatchObject([{ state: "running", changed: 500 }]);
    expect(ended).toMatchObject({ changed: 1_200, refused: 0 });
    expect(await listOf(board)).toMatchObject([{ state: "done", changed: 1_200 }]);
    // Each was changed once.
    expect(await engine.sql("select priority, count(*)::integer from jobs group by 1")).toEqual([
      { priority: 5, count: 1_200 },
    ]);
  });

  it("is taken up at the start of a dashboard", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 7);
    await engine.sql(
      `insert into operations (id, plan, started_by, role, held_by, held_until)
       values ($1, $2, 'ada', 'admin', $1, now() - interval '1 second')`,
      [randomUUID(), JSON.stringify(cancel({}))],
    );

    new Board(engine);

    await engine.sqlUntil("select from operations where state = 'done' and changed = 7");
  });

  it("goes on where a commit was lost, or was not", async () => {
    for (const isDone of [true, false]) {
      let commits = 0;
      const { engine, board } = await open(({ text }, run) => {
        if (text !== "commit") return run();
        commits += 1;
        // The first is that of the start; this one, of a batch, is never answered.
        if (commits !== 3) return run();
        const lost = Object.assign(new Error("Connection terminated"), { code: "ECONNRESET" });
        return (isDone ? run() : Promise.resolve([])).then(() => Promise.reject(lost));
      });
      await enqueue(engine, 1_200);

      const ended = await runToEnd(board, replan());

      expect(ended).toMatchObject({ state: "done", changed: 1_200, refused: 0 });
    }
  });
});

describe("operations", () => {
  it("run two at once, and the third after one of them", async () => {
    const gate = gateAfter(0);
    const { engine, board } = await open(gate.wrap);
    for (const queue of ["a", "b", "c"]) await enqueue(engine, 2, { queue });

    for (const queue of ["a", "b", "c"]) await board.change("start-operation", cancel({ queue }));
    await engine.until(() => gate.waiting() === 2);
    const held = await engine.sql("select from operations where held_until is not null");
    gate.open();

    expect(held).toHaveLength(2);
    await engine.until(async () => (await listOf(board)).every(({ state }) => state === "done"));
    expect(await engine.sql("select from jobs")).toEqual([]);
  });

  it("end by themselves when the database is away for a while", async () => {
    let isAway = true;
    let calls = 0;
    const { engine, board } = await open(({ text }, run) => {
      if (!isAway || !text.includes("search_jobs")) return run();
      calls += 1;
      const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      return Promise.reject(refused);
    });
    await enqueue(engine, 3);
    await board.change("start-operation", cancel({}));

    await engine.until(() => calls > 1);
    isAway = false;

    await engine.until(async () => onlyOne(await listOf(board), "done"));
    expect(await engine.sql("select from jobs")).toEqual([]);
  });
});

type Intercept = Parameters<typeof intercepted>[1];

async function open(intercept?: Intercept): Promise<{ engine: Engine; board: Board }> {
  const engine = await freshEngine(
    intercept === undefined ? {} : { wrap: (database) => intercepted(database, intercept) },
  );
  return { engine, board: new Board(engine) };
}

/** Lets so many batches of operations begin, and holds the others until it is opened. */
function gateAfter(batches: number) {
  let begun = 0;
  let waiting = 0;
  let passed = 0;
  let reach = (): void => undefined;
  let release = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (release = resolve));
  const wrap: Intercept = async ({ text }, run) => {
    if (!text.includes("for update") || !text.includes("operations") || text.includes("update \"")) {
      return run();
    }
    begun += 1;
    if (begun > batches) {
      waiting += 1;
      reach();
      await opened;
      passed += 1;
    }
    return run();
  };
  return { wrap, reached, waiting: () => waiting, passed: () => passed > 0, open: () => release() };
}

function beside(engine: Engine): Pawl {
  const pawl = new Pawl({ database: pgDatabase(engine.pool), schema: engine.schema });
  onTestFinished(() => pawl.close());
  return pawl;
}

function cancel(filter: Extract<OperationPlan, { from: "jobs" }>["filter"]): OperationPlan {
  return { action: "cancel", from: "jobs", filter };
}

function replan(): OperationPlan {
  return { action: "reschedule", from: "jobs", filter: {}, rescheduling: { priority: 5 } };
}

async function enqueue(
  { pawl }: Engine,
  count: number,
  options: { readonly queue?: string } = {},
): Promise<void> {
  await pawl.enqueueMany(
    Array.from({ length: count }, (_, n) => send.job({ n }, { ...options, delay: "1h" })),
  );
}

async function settle(engine: Engine, count: number, fails: (n: number) => boolean): Promise<void> {
  const handler = send.handle(({ payload }) => {
    if (fails(payload.n)) throw new UnrecoverableError("on purpose");
  });
  const { worker, settled } = await engine.work({ handlers: [handler], queues: ["past"] });
  await engine.pawl.enqueueMany(
    Array.from({ length: count }, (_, n) => send.job({ n }, { queue: "past" })),
  );
  await engine.until(() => settled.length === count);
  await worker.stop();
}

async function runToEnd(board: Board, plan: OperationPlan): Promise<OperationRow> {
  const { body } = await board.change("start-operation", plan);
  return endOf(board, body.id);
}

async function endOf(board: Board, id: string): Promise<OperationRow> {
  return eventually(
    async () => (await listOf(board)).find((each) => each.id === id && each.state !== "running"),
    { within: 15_000 },
  );
}

async function listOf(board: Board): Promise<readonly OperationRow[]> {
  return (await board.read("operations", {}, "viewer")).body.operations;
}

function onlyOne(
  operations: readonly OperationRow[],
  state: OperationRow["state"],
): OperationRow | undefined {
  return operations.length === 1 && operations[0]?.state === state ? operations[0] : undefined;
}
