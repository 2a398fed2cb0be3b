import { defineTask } from "pawl";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { databaseUrl, execute } from "../support/database.ts";
import { jobsIn, migratedSchema, onlyJobIn, openPawl } from "../support/producer.ts";

const sendEmail = defineTask({
  name: "send-email",
  payload: z.object({ to: z.string() }),
  queue: "email",
  priority: 3,
  retry: { retries: 4, delays: ["1s"] },
});
const tidyUp = defineTask({ name: "tidy-up" });
const hourMs = 3_600_000;
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("enqueue", () => {
  it("writes a ready job with the defaults of its task", async () => {
    const pawl = openPawl(schema);

    await pawl.enqueue(sendEmail, { to: "ada" });

    expect(await onlyJobIn(schema)).toMatchObject({
      queue: "email",
      task: "send-email",
      state: "ready",
      priority: 3,
      attempt: 0,
      max_attempts: 5,
      correlation_id: null,
      payload: { to: "ada" },
    });
  });

  it("has defaults for a task that says nothing", async () => {
    const pawl = openPawl(schema);

    await pawl.enqueue(tidyUp);

    expect(await onlyJobIn(schema)).toMatchObject({
      queue: "default",
      priority: 0,
      max_attempts: 25,
      payload: null,
    });
  });

  it("answers with the job as it was written", async () => {
    const pawl = openPawl(schema);

    const { job, outcome } = await pawl.enqueue(sendEmail, { to: "ada" }, { correlationId: "c1" });

    const row = await onlyJobIn(schema);
    expect(outcome).toBe("created");
    expect(job).toEqual({
      id: row.id,
      queue: "email",
      task: "send-email",
      state: "ready",
      runAt: new Date(row.run_at_ms),
      correlationId: "c1",
    });
  });

  it.each([
    ["queue", { queue: "urgent" }, { queue: "urgent" }],
    ["priority", { priority: -32_768 }, { priority: -32_768 }],
    ["maxAttempts", { maxAttempts: 2 }, { max_attempts: 2 }],
    ["correlationId", { correlationId: "order 1" }, { correlation_id: "order 1" }],
    [
      "id",
      { id: "01890a5d-ac96-774b-bcce-b302099a8057" },
      { id: "01890a5d-ac96-774b-bcce-b302099a8057" },
    ],
  ])("lets the %s of a call win over the task's", async (_, options, columns) => {
    const pawl = openPawl(schema);

    const { job } = await pawl.enqueue(sendEmail, { to: "ada" }, options);

    expect(await onlyJobIn(schema)).toMatchObject({ ...columns, id: job.id, queue: job.queue });
  });

  it("schedules a job with a delay", async () => {
    const pawl = openPawl(schema);

    const { job } = await pawl.enqueue(tidyUp, undefined, { delay: "5m" });

    const row = await onlyJobIn(schema);
    expect(row.state).toBe("scheduled");
    expect(row.run_at_ms - row.created_at_ms).toBeCloseTo(300_000, 1);
    expect(job).toMatchObject({ state: "scheduled", runAt: new Date(row.run_at_ms) });
  });

  it("counts a delay by the database's clock, wherever the application's stands", async () => {
    const pawl = openPawl(schema);
    const [before] = await execute<{ ms: number }>(
      "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms",
    );
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() - 24 * hourMs);
    onTestFinished(() => clock.mockRestore());

    const { job } = await pawl.enqueue(tidyUp, undefined, { delay: "1h" });

    const { run_at_ms: runAtMs } = await onlyJobIn(schema);
    expect(runAtMs).toBeGreaterThan((before?.ms ?? 0) + hourMs - 1);
    expect(runAtMs).toBeLessThan((before?.ms ?? 0) + 2 * hourMs);
    expect(job.runAt).toEqual(new Date(runAtMs));
  });

  it("schedules a job for its runAt", async () => {
    const pawl = openPawl(schema);
    const runAt = new Date("2055-02-03T04:05:06.789Z");

    const { job } = await pawl.enqueue(tidyUp, undefined, { runAt });

    expect(await onlyJobIn(schema)).toMatchObject({
      state: "scheduled",
      run_at_ms: runAt.getTime(),
    });
    expect(job).toMatchObject({ state: "scheduled", runAt });
  });

  it.each([
    ["a runAt in the past", { runAt: new Date("1999-01-01T00:00:00Z") }],
    ["a delay of nothing", { delay: 0 }],
  ])("makes a job with %s ready at once", async (_, options) => {
    const pawl = openPawl(schema);

    const { job } = await pawl.enqueue(tidyUp, undefined, options);

    const row = await onlyJobIn(schema);
    expect(row).toMatchObject({ state: "ready", run_at_ms: row.created_at_ms });
    expect(job).toMatchObject({ state: "ready", runAt: new Date(row.run_at_ms) });
  });

  it("makes ids of version 7 that go up", async () => {
    const pawl = openPawl(schema);

    const first = await pawl.enqueue(tidyUp);
    const second = await pawl.enqueue(tidyUp);

    expect(first.job.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
    expect(second.job.id > first.job.id).toBe(true);
  });

  it("uses the ids of the application's own generator", async () => {
    const id = "9b2fd2a0-3b1e-4b7e-8f43-0d9d8a3c8a01";
    const pawl = openPawl(schema, { generateId: () => id });

    const { job } = await pawl.enqueue(tidyUp);

    expect(job.id).toBe(id);
    expect(await onlyJobIn(schema)).toMatchObject({ id });
  });

  it("enqueues once what the application's own generator gives twice", async () => {
    const id = "9b2fd2a0-3b1e-4b7e-8f43-0d9d8a3c8a01";
    const pawl = openPawl(schema, { generateId: () => id });

    const alone = await Promise.all([pawl.enqueue(tidyUp), pawl.enqueue(tidyUp)]);
    const together = await pawl.enqueueMany([tidyUp.job(), tidyUp.job()]);

    const outcomes = [...alone, ...together].map(({ outcome }) => outcome);
    expect(outcomes.sort()).toEqual(["created", "kept", "kept", "kept"]);
    expect(await onlyJobIn(schema)).toMatchObject({ id });
  });

  it("stores what was given, not what the schema made of it", async () => {
    const count = defineTask({ name: "count", payload: z.string().transform(Number) });
    const pawl = openPawl(schema);

    await pawl.enqueue(count, "42");

    expect(await onlyJobIn(schema)).toMatchObject({ payload: "42" });
  });

  it("stores the payload as it was at the call", async () => {
    const pawl = openPawl(schema);
    const payload = { to: "ada" };

    const enqueued = pawl.enqueue(sendEmail, payload);
    payload.to = "grace";
    await enqueued;

    expect(await onlyJobIn(schema)).toMatchObject({ payload: { to: "ada" } });
  });

  it("waits for a schema that takes its time", async () => {
    const isKnown = (to: string): Promise<boolean> => Promise.resolve(to === "ada");
    const write = defineTask({ name: "write", payload: z.string().refine(isKnown) });
    const pawl = openPawl(schema);

    const [known, unknown] = await Promise.allSettled([
      pawl.enqueue(write, "ada"),
      pawl.enqueue(write, "eve"),
    ]);

    expect(known.status).toBe("fulfilled");
    expect(unknown).toMatchObject({ reason: { code: "PAWL_PAYLOAD_INVALID" } });
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "ada" });
  });

  it("writes payloads with the application's own serializer", async () => {
    const at = defineTask({ name: "at", payload: z.date() });
    const serializer = {
      serialize: (value: unknown) => JSON.stringify({ at: value }),
      deserialize: (text: string) => new Date((JSON.parse(text) as { at: string }).at),
    };
    const pawl = openPawl(schema, { serializer });
    const date = new Date("2020-01-01T00:00:00Z");

    const { job } = await pawl.enqueue(at, date);

    expect(await onlyJobIn(schema)).toMatchObject({ payload: { at: "2020-01-01T00:00:00.000Z" } });
    expect(await pawl.jobs.get(job)).toMatchObject({ payload: date });
  });

  it.each([
    ["quotes and backslashes", "\"\\'{},"],
    ["a line separator", "\u2028\u2029\r\n\t"],
    ["letters of many alphabets", "žluťoučký 漢字 🐎 \u{10FFFF}"],
    ["SQL", "'); drop table jobs; --"],
    ["a text that looks like an escape", "\\u0000"],
  ])("keeps a payload with %s", async (_, to) => {
    const pawl = openPawl(schema);

    const { job } = await pawl.enqueue(sendEmail, { to });

    expect(await pawl.jobs.get(job)).toMatchObject({ payload: { to } });
  });

  it.each(["{}", "{a,b}", 'a "quoted" name', "back\\slash", "NULL", "", "'", "ž漢🐎", " a "])(
    "keeps the name %j in whatever company",
    async (name) => {
      const pawl = openPawl(schema);
      const queue = name === "" ? "x".repeat(63) : name;

      await pawl.enqueue(tidyUp, undefined, { queue, correlationId: queue });
      await pawl.enqueueMany([
        tidyUp.job(undefined, { queue, correlationId: queue }),
        tidyUp.job(undefined, { queue: "plain" }),
      ]);

      const names = (await jobsIn(schema)).map((job) => [job.queue, job.correlation_id]);
      expect(names.sort()).toEqual(
        [
          [queue, queue],
          [queue, queue],
          ["plain", null],
        ].sort(),
      );
    },
  );

  it("keeps up under any default isolation level", async () => {
    const url = new URL(databaseUrl());
    url.searchParams.set("options", "-c default_transaction_isolation=serializable");
    const pawl = openPawl(schema, { database: url.href });

    await Promise.all(
      Array.from({ length: 30 }, () =>
        pawl.enqueue(tidyUp, undefined, { id: crypto.randomUUID() }),
      ),
    );

    expect(await jobsIn(schema)).toHaveLength(30);
  });
});

describe("enqueue by a name", () => {
  it("finds the task among those of the Pawl", async () => {
    const pawl = openPawl(schema, { tasks: [sendEmail, tidyUp] });

    await pawl.enqueue("send-email", { to: "ada" });

    expect(await onlyJobIn(schema)).toMatchObject({ task: "send-email", queue: "email" });
  });

  it("holds the payload against the schema of a known task", async () => {
    const pawl = openPawl(schema, { tasks: [sendEmail] });

    const enqueued = pawl.enqueueByName("send-email", { to: 1 });

    await expect(enqueued).rejects.toMatchObject({
      name: "PayloadError",
      code: "PAWL_PAYLOAD_INVALID",
      path: "payload.to",
    });
    expect(await jobsIn(schema)).toEqual([]);
  });

  it("uses the defaults of a known task", async () => {
    const pawl = openPawl(schema, { tasks: [sendEmail] });

    await pawl.enqueueByName("send-email", { to: "ada" });

    expect(await onlyJobIn(schema)).toMatchObject({ queue: "email", priority: 3, max_attempts: 5 });
  });

  it("takes any payload for a task that only a worker knows", async () => {
    const pawl = openPawl(schema);

    const { outcome } = await pawl.enqueueByName("elsewhere", [1, { a: null }], { queue: "far" });

    expect(outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({
      task: "elsewhere",
      queue: "far",
      payload: [1, { a: null }],
    });
  });
});
