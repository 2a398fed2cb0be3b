import { defineTask, type HistoryAttempt, type JobReference, type Pawl } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { migratedSchema, openPawl, rejectionOf, startWorker } from "../support/producer.ts";

const retry = { retries: 1, delays: [0] };
const add = defineTask({
  name: "add",
  payload: z.array(z.number()),
  storeOutput: true,
  queue: "sums",
  retry,
});
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("the attempts of a job", () => {
  it("is empty before its first attempt has ended", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(add, [1]);

    expect(await pawl.history.attempts(job)).toEqual([]);
  });

  it("has one row for an attempt, with all that is known of it", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(add, [1, 2], { correlationId: "c1" });
    const worker = await startWorker(pawl, {
      handlers: [add.handle(({ payload: [a = 0, b = 0] }) => a + b)],
    });

    const attempts = await ended(pawl, job);

    expect(attempts).toMatchObject([
      {
        id: job.id,
        queue: "sums",
        task: "add",
        attempt: 1,
        attemptId: `${job.id}.1`,
        outcome: "succeeded",
        final: true,
        correlationId: "c1",
        workerId: worker.health().workerId,
        error: null,
        output: 3,
        payload: [1, 2],
        payloadError: null,
        replayOf: null,
        runAt: job.runAt,
      },
    ]);
  });

  it("says how long the job waited and how long it ran", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(add, []);
    await startWorker(pawl, {
      handlers: [
        add.handle(async () => {
          const begun = performance.now();
          await eventually(() => performance.now() - begun > 100);
        }),
      ],
    });

    const [attempt] = await ended(pawl, job);

    const { queueMs, runMs, runAt, startedAt, finishedAt } = defined(attempt);
    expect(runMs).toBeGreaterThanOrEqual(95);
    expect(queueMs).toBeGreaterThanOrEqual(0);
    expect(Number(queueMs) + Number(runMs)).toBeCloseTo(Number(finishedAt) - Number(runAt), -1);
    expect(Number(startedAt)).toBeLessThan(Number(finishedAt));
  });

  it("has its attempts in order, and the payload with the last", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(add, [7]);
    await startWorker(pawl, {
      handlers: [add.handle(() => Promise.reject(new TypeError("cannot add")))],
    });

    const attempts = await ended(pawl, job);

    expect(attempts).toMatchObject([
      {
        attempt: 1,
        outcome: "failed",
        final: false,
        payload: undefined,
        error: { name: "TypeError", message: "cannot add" },
      },
      { attempt: 2, outcome: "failed", final: true, payload: [7], error: { name: "TypeError" } },
    ]);
  });

  it("has what went wrong: message, stack, code and causes, cleaned and cut", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(add, [7], { maxAttempts: 1 });
    const cause = new TypeError("behind\0 it");
    const error = Object.assign(new Error(`nul\0 ${"x".repeat(100_000)}`, { cause }), {
      code: "E1",
    });
    await startWorker(pawl, { handlers: [add.handle(() => Promise.reject(error))] });

    const [attempt] = await ended(pawl, job);

    const record = attempt?.error as { message: string; stack: string };
    expect(record).toMatchObject({
      code: "E1",
      cause: { name: "TypeError", message: "behind it" },
    });
    expect(record.message).toMatch(/^nul x+…$/);
    expect(record.stack).toContain("attempts.test.ts");
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThanOrEqual(16_384);
  });

  it("keeps apart what has the same id in another queue", async () => {
    const pawl = openPawl(schema);
    const id = crypto.randomUUID();
    await pawl.enqueue(add, [1], { id, queue: "one" });
    await pawl.enqueue(add, [2], { id, queue: "two" });
    await startWorker(pawl, { handlers: [add.handle(() => undefined)] });

    const one = await ended(pawl, { id, queue: "one" });
    const two = await ended(pawl, { id, queue: "two" });

    expect([one, two]).toMatchObject([[{ payload: [1] }], [{ payload: [2] }]]);
  });

  it("says that a payload cannot be decoded", async () => {
    const serializer = {
      serialize: JSON.stringify,
      deserialize: () => {
        throw new Error("on purpose");
      },
    };
    const { job } = await openPawl(schema).enqueue(add, [1]);
    await startWorker(openPawl(schema), { handlers: [add.handle(() => undefined)] });
    await ended(openPawl(schema), job);

    const attempts = await openPawl(schema, { serializer }).history.attempts(job);

    expect(attempts).toMatchObject([
      {
        outcome: "succeeded",
        payload: undefined,
        payloadError: { name: "PayloadError", code: "PAWL_PAYLOAD_UNDECODABLE" },
      },
    ]);
  });
});

describe("a live job", () => {
  it("is found with all that is known of it", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(add, [1, 2], {
      correlationId: "c1",
      priority: 3,
      maxAttempts: 9,
      delay: "1h",
    });

    expect(await pawl.jobs.get(job)).toMatchObject({
      ...job,
      state: "scheduled",
      payload: [1, 2],
      priority: 3,
      maxAttempts: 9,
      attempt: 0,
      failures: 0,
      workerId: null,
      claimedAt: null,
      lastError: null,
    });
  });

  it("is not found in another queue, under another id, or when it has ended", async () => {
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueue(add, []);
    const elsewhere = await pawl.jobs.get({ ...job, queue: "elsewhere" });
    const another = await pawl.jobs.get({ ...job, id: crypto.randomUUID() });
    await startWorker(pawl, { handlers: [add.handle(() => undefined)] });
    await ended(pawl, job);

    expect([elsewhere, another, await pawl.jobs.get(job)]).toEqual([
      undefined,
      undefined,
      expect.objectContaining({ state: "finished" }),
    ]);
  });

  it("says that its payload cannot be decoded", async () => {
    const serializer = { serialize: () => "1", deserialize: () => JSON.parse("{") as unknown };
    const pawl = openPawl(schema, { serializer });
    const { job } = await pawl.enqueueByName("any");

    const refusal = await rejectionOf(pawl.jobs.get(job));

    expect(refusal).toMatchObject({ name: "PayloadError", code: "PAWL_PAYLOAD_UNDECODABLE" });
    expect(await execute(`select from ${schema}.jobs`)).toHaveLength(1);
  });
});

function ended(pawl: Pick<Pawl, "history">, job: JobReference): Promise<HistoryAttempt[]> {
  return eventually(
    async () => {
      const attempts = await pawl.history.attempts(job);
      return attempts.at(-1)?.final === true && attempts;
    },
    { within: 10_000 },
  );
}

function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("expected a value");
  return value;
}
