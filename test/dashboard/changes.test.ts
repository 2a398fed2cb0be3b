import { randomUUID } from "node:crypto";
import { defineTask, Pawl, typed, type EnqueuedJob } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { freshEngine, type Engine } from "../support/engine.ts";
import { Board, codeOf } from "./board.ts";

const send = defineTask({ name: "send", payload: typed<{ to: string }>(), retry: "none" });
const failing = send.handle(() => {
  throw new Error("no such address");
});

describe("a change", () => {
  it("pauses and resumes queues and tasks, and says whether that was a change", async () => {
    const { board } = await open();

    const answers = [];
    for (const name of ["pause-queue", "pause-queue", "resume-queue", "resume-queue"] as const) {
      answers.push((await board.change(name, { name: "mail" }, "operator")).body.changed);
    }
    for (const name of ["pause-task", "resume-task", "resume-task"] as const) {
      answers.push((await board.change(name, { name: "send" }, "operator")).body.changed);
    }

    expect(answers).toEqual([true, false, true, false, true, true, false]);
  });

  it("retries, reschedules and cancels jobs, and says what became of each in order", async () => {
    const { engine, board } = await open();
    const [first, second] = await Promise.all([later(engine), later(engine)]);
    const unknown = { queue: "default", id: randomUUID() };

    const retried = await board.change("retry-jobs", { jobs: [first, unknown] });
    const runAt = "2040-01-31T12:00:00.000Z";
    const moved = await board.change("reschedule-jobs", { jobs: [second], runAt, priority: -3 });
    const cancelled = await board.change("cancel-jobs", { jobs: [unknown, first, second], reason: "no" });

    expect(outcomesOf(retried)).toEqual(["retried", "notFound"]);
    expect(outcomesOf(moved)).toEqual(["rescheduled"]);
    expect(outcomesOf(cancelled)).toEqual(["notFound", "cancelled", "cancelled"]);
    expect(await engine.pawl.jobs.get(second)).toMatchObject({
      ...{ outcome: "cancelled", runAt: new Date(runAt), error: { message: "no" } },
    });
  });

  it("replays ended jobs once, and says which were", async () => {
    const { engine, board } = await open();
    const { settled, worker } = await engine.work({ handlers: [failing] });
    const { job: failed } = await engine.pawl.enqueue(send, { to: "a" });
    await engine.until(() => settled.length === 1);
    await worker.stop();
    const waiting = await later(engine);
    const jobs = [named(failed), named(waiting)];

    const first = await board.change("replay-jobs", { jobs }, "operator");
    const again = await board.change("replay-jobs", { jobs }, "operator");

    expect(outcomesOf(first)).toEqual(["replayed", "notFound"]);
    expect(outcomesOf(again)).toEqual(["replayedBefore", "notFound"]);
    expect(await engine.sql("select from jobs where replay_of = $1", [failed.id])).toHaveLength(1);
  });

  it("does not replay what has succeeded", async () => {
    const { engine, board } = await open();
    const { settled, worker } = await engine.work({ handlers: [send.handle(() => undefined)] });
    const { job } = await engine.pawl.enqueue(send, { to: "a" });
    await engine.until(() => settled.length === 1);
    await worker.stop();

    expect(outcomesOf(await board.change("replay-jobs", { jobs: [named(job)] }))).toEqual(["succeeded"]);
  });

  it("unlocks a concurrency key", async () => {
    const { engine, board } = await open();
    await engine.pawl.enqueue(send, { to: "a" }, { concurrency: { key: "ada", limit: 1 } });
    await engine.pawl.jobs.claim("by hand");

    const answer = await board.change("unlock-key", { queue: "default", key: "ada" }, "operator");

    expect(answer.body).toEqual({ unlocked: 1 });
  });

  it.each([
    ["retry-jobs", { jobs: [] }],
    ["retry-jobs", { jobs: [{ queue: "default" }] }],
    ["retry-jobs", { jobs: [{ queue: "default", id: "7" }] }],
    ["retry-jobs", { jobs: Array.from({ length: 1_001 }, () => ({ queue: "a", id: randomUUID() })) }],
    ["cancel-jobs", { jobs: [{ queue: "default", id: randomUUID() }], reason: "r".repeat(1_001) }],
    ["reschedule-jobs", { jobs: [{ queue: "default", id: randomUUID() }] }],
    ["reschedule-jobs", { jobs: [{ queue: "default", id: randomUUID() }], runAt: "soon" }],
    ["reschedule-jobs", { jobs: [{ queue: "default", id: randomUUID() }], delay: "5 parsecs" }],
    ["unlock-key", { queue: "default" }],
    ["stop-operation", { id: "all" }],
    ["enqueue", { task: "send" }],
    ["enqueue", { task: "send", payload: "{" }],
    ["enqueue", { task: "send", payload: "{}", priority: "high" }],
  ] as const)("of %s with a wrong body is refused: %j", async (name, body) => {
    const { board } = await open();

    const answer = await board.change(name, body as never);

    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe("PAWL_OPTION_INVALID");
  });
});

describe("an enqueue", () => {
  it("takes JSON text, and what stands beside it", async () => {
    const { engine, board } = await open();
    const payload = '{"to":"ada","n":1.50,"big":9007199254740991,"e":15e-1,"text":"12345678901234567890"}';
    const options = { queue: "mail", priority: -2, delay: "1h", correlationId: "c1" };

    const { body } = await board.change("enqueue", { task: "send", payload, ...options });

    expect(body.queue).toBe("mail");
    expect(await engine.pawl.jobs.get(body)).toMatchObject({
      ...{ task: "send", priority: -2, correlationId: "c1", state: "scheduled" },
      payload: JSON.parse(payload) as unknown,
    });
  });

  it.each(["12345678901234567890", '{"n":0.1234567890123456789}', "[1e400]", "[1,2,-9007199254740993]"])(
    "refuses a number that would lose a digit: %s",
    async (payload) => {
      const { engine, board } = await open();

      const answer = await board.change("enqueue", { task: "send", payload });

      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).toContain("numbers that JavaScript can hold");
      expect(await engine.sql("select from jobs")).toEqual([]);
    },
  );

  it("checks the payload of a task that the application knows", async () => {
    const engine = await freshEngine();
    const charge = defineTask({ name: "charge", payload: z.object({ cents: z.number() }) });
    const pawl = own(engine, { tasks: [charge] });
    const board = new Board({ pawl });

    const answer = await board.change("enqueue", { task: "charge", payload: '{"cents":"secret"}' });

    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe("PAWL_PAYLOAD_INVALID");
    expect(await board.audit()).toMatchObject([{ action: "enqueue", outcome: "refused" }]);
    expect(JSON.stringify(await board.audit())).not.toContain("secret");
  });

  it("goes through the application's serializer", async () => {
    const engine = await freshEngine();
    const serializer = {
      serialize: (value: unknown) => JSON.stringify({ wrapped: value }),
      deserialize: (text: string) => (JSON.parse(text) as { wrapped: unknown }).wrapped,
    };
    const pawl = own(engine, { serializer });
    const board = new Board({ pawl });

    const { body } = await board.change("enqueue", { task: "send", payload: '{"wrapped":[1]}' });

    expect(await engine.sql("select payload from jobs")).toEqual([{ payload: { wrapped: [1] } }]);
    expect(await pawl.jobs.get(body)).toMatchObject({ payload: [1] });
  });
});

async function open(): Promise<{ engine: Engine; board: Board }> {
  const engine = await freshEngine();
  return { engine, board: new Board(engine) };
}

function own(engine: Engine, options: object): Pawl {
  const pawl = new Pawl({ database: pgDatabase(engine.pool), schema: engine.schema, ...options });
  onTestFinished(() => pawl.close());
  return pawl as Pawl;
}

async function later({ pawl }: Engine): Promise<{ queue: string; id: string }> {
  const { job } = await pawl.enqueue(send, { to: "a" }, { delay: "1h" });
  return named(job);
}

function named({ queue, id }: EnqueuedJob): { queue: string; id: string } {
  return { queue, id };
}

function outcomesOf({ body }: { body: { outcomes: readonly { outcome: string }[] } }): string[] {
  return body.outcomes.map(({ outcome }) => outcome);
}
