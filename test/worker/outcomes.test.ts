import { describe, expect, it } from "vitest";
import { cancel, defineTask, partialSuccess, rateLimited, snooze, type Handler } from "pawl";
import { freshEngine, type Engine } from "../support/engine.ts";

type Return = (
  attempt: number,
  job: Parameters<Handler<undefined, undefined>>[0]["job"],
) => unknown;

describe.each([
  ["plain", false],
  ["transactional", true],
])("a %s handler that returns", (_, transactional) => {
  const task = defineTask({
    name: "task",
    transactional,
    retry: { retries: 1, delays: [0] },
    storeOutput: true,
  });

  async function run(engine: Engine, say: Return) {
    const handler = task.handle(async ({ tx, job }) => {
      if (tx !== undefined) await engine.write(tx, `attempt ${job.attempt}`);
      return say(job.attempt, job);
    });
    await engine.work({ handlers: [handler] });
    return (await engine.pawl.enqueue(task)).job;
  }

  it.each([
    ["snoozed", () => snooze(50)],
    ["rate-limited", () => rateLimited({ retryAfter: "50ms" })],
    ["snoozed", () => snooze(0)],
    ["rate-limited", () => rateLimited({ retryAfter: 0 })],
  ])("%s runs again after a while, and has not failed", async (outcome, say) => {
    const engine = await freshEngine();
    let failures: number | undefined;
    const job = await run(engine, (attempt, { failures: known }) => {
      failures = known;
      return attempt < 4 ? say() : "done";
    });

    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { attempt: 1, outcome, final: false },
      { attempt: 2, outcome, final: false },
      { attempt: 3, outcome, final: false },
      { attempt: 4, outcome: "succeeded", final: true },
    ]);
    expect(failures).toBe(0);
  });

  it.each([
    ["snooze", () => snooze("1h")],
    ["rateLimited", () => rateLimited({ retryAfter: "1h" })],
  ])("%s waits until it is due, by the database's clock", async (_name, say) => {
    const engine = await freshEngine();
    const job = await run(engine, say);

    await engine.attempts(job, (attempts) => attempts.length === 1);

    const [row] = await engine.sql<{ state: string; minutes: string; worker_id: unknown }>(
      "select state, worker_id, round(extract(epoch from run_at - clock_timestamp()) / 60)::text as minutes from jobs",
    );
    expect(row).toEqual({ state: "scheduled", minutes: "60", worker_id: null });
  });

  it("a cancellation ends the job with its reason", async () => {
    const engine = await freshEngine();
    const job = await run(engine, () => cancel("no longer wanted"));

    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { outcome: "cancelled", final: true, error: { message: "no longer wanted" } },
    ]);
  });

  it("a partial success hands its results to the next attempt, and counts as a failure", async () => {
    const engine = await freshEngine();
    let second: unknown;
    const job = await run(engine, (attempt, { partialResults, failures }) => {
      if (attempt === 1) return partialSuccess({ completedSteps: ["a"], results: { rows: 7 } });
      second = { partialResults, failures };
      return "done";
    });

    const attempts = await engine.finished(job);

    const results = { completedSteps: ["a"], results: { rows: 7 } };
    expect(attempts).toMatchObject([
      { attempt: 1, outcome: "partial", final: false, output: results },
      { attempt: 2, outcome: "succeeded", final: true },
    ]);
    expect(second).toEqual({ partialResults: results, failures: 1 });
  });

  it("a partial success for the last time ends the job with what was done", async () => {
    const engine = await freshEngine();
    const job = await run(engine, (attempt) => partialSuccess({ results: attempt }));

    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { outcome: "partial", final: false, output: { results: 1 } },
      { outcome: "partial", final: true, output: { results: 2 } },
    ]);
    expect(await engine.sql("select from jobs")).toEqual([]);
  });

  it("a value has it stored as the job's output", async () => {
    const engine = await freshEngine();
    const job = await run(engine, () => ({ rows: 7, name: "naïve 🦊" }));

    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ output: { rows: 7, name: "naïve 🦊" } }]);
  });

  it("a value that JSON cannot hold is done all the same, with a note", async () => {
    const engine = await freshEngine();
    const job = await run(engine, () => 1n);

    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { outcome: "succeeded", output: null, error: { code: "PAWL_PAYLOAD_INVALID" } },
    ]);
  });

  it("partial results that JSON cannot hold has failed", async () => {
    const engine = await freshEngine();
    const job = await run(engine, () => partialSuccess({ results: 1n }));

    const attempts = await engine.finished(job);

    expect(attempts[0]).toMatchObject({
      outcome: "failed",
      error: { code: "PAWL_PAYLOAD_INVALID" },
    });
  });
});

describe("what a transactional handler has written", () => {
  const task = defineTask({
    name: "task",
    transactional: true,
    retry: { retries: 1, delays: [0] },
  });

  async function notesAfter(say: (attempt: number) => unknown): Promise<string[]> {
    const engine = await freshEngine();
    const handler = task.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      return say(job.attempt);
    });
    await engine.work({ handlers: [handler] });
    await engine.finished((await engine.pawl.enqueue(task)).job);
    return engine.notes();
  }

  it.each([
    ["snooze", () => snooze(0)],
    ["rateLimited", () => rateLimited({ retryAfter: 0 })],
    ["partialSuccess", () => partialSuccess({ results: 1 })],
  ])("is committed with the outcome that it returns: %s", async (_, say) => {
    const notes = await notesAfter((attempt) => (attempt === 1 ? say() : undefined));

    expect(notes).toEqual(["attempt 1", "attempt 2"]);
  });

  it("is committed with a cancellation", async () => {
    expect(await notesAfter(() => cancel("no longer wanted"))).toEqual(["attempt 1"]);
  });

  it("is gone when its attempt is recorded as failed, although it returned", async () => {
    const notes = await notesAfter(() => partialSuccess({ results: 1n }));

    expect(notes).toEqual([]);
  });
});
