import { randomUUID } from "node:crypto";
import { defineTask, Pawl, typed, type Serializer } from "pawl";
import { describe, expect, it } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { clockedPawl } from "../fixtures/clocked-pawl.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { databaseUrl } from "../support/database.ts";
import {
  beginTransaction,
  migratedSchema,
  openPawl,
  rejectionOf,
  startWorker,
} from "../support/producer.ts";

const hour = 3_600_000;
const note = defineTask({ name: "note", payload: typed<string>(), retry: "none" });
const handlers = [note.handle(() => "done")];

describe("enqueue! takes a task or its name, in the caller's transaction", () => {
  it("checks a name against the known tasks, or takes any through enqueueByName", async () => {
    const pawl = openPawl(await migratedSchema(), { tasks: [note] });

    const byTask = await pawl.enqueue(note, "by task");
    const byName = await pawl.enqueue("note", "by name");
    const error = await rejectionOf(pawl.enqueue("nobody" as "note", "unknown"));
    const untyped = await pawl.enqueueByName("nobody", { any: ["thing"] });

    for (const { job } of [byTask, byName]) {
      expect(await pawl.jobs.get(job)).toMatchObject({ task: "note", state: "ready" });
    }
    expect(error).toMatchObject({ name: "TaskError", code: "PAWL_TASK_UNKNOWN" });
    expect(await pawl.jobs.get(untyped.job)).toMatchObject({
      task: "nobody",
      payload: { any: ["thing"] },
    });
  });

  it("makes the job if and only if the transaction commits", async () => {
    const pawl = await freshPawl();
    const client = await beginTransaction();
    const undone = await pawl.enqueue(note, "undone", { db: client });
    const undoneToo = await pawl.enqueueByName("note", "undone", { db: client });

    await client.query("rollback");
    await client.query("begin");
    const done = await pawl.enqueue(note, "done", { db: client });
    const unseen = await pawl.jobs.get(done.job);
    await client.query("commit");

    expect(await pawl.jobs.get(undone.job)).toBeUndefined();
    expect(await pawl.jobs.get(undoneToo.job)).toBeUndefined();
    expect(unseen).toBeUndefined();
    expect(await pawl.jobs.get(done.job)).toMatchObject({ payload: "done" });
  });
});

describe(":queue is default unless it is given", () => {
  it("for the enqueue", async () => {
    const pawl = await freshPawl();

    const usual = await pawl.enqueue(note, "usual");
    const given = await pawl.enqueue(note, "given", { queue: "mine" });

    expect([usual.job.queue, given.job.queue]).toEqual(["default", "mine"]);
    expect((await pawl.jobs.list({ queue: "mine" })).jobs).toMatchObject([{ id: given.job.id }]);
  });
});

describe(":job-table is any schema, and several live side by side in one database", () => {
  it("each with its own jobs", async () => {
    const pawls = [await freshPawl(), await freshPawl()];
    const [first, second] = pawls;
    const jobs = await Promise.all(pawls.map((pawl) => pawl.enqueue(note, pawl.schema)));

    const worked = await first?.workOnce({ handlers });
    await first?.uninstall();

    expect(worked?.job.id).toBe(jobs[0]?.job.id);
    expect((await second?.jobs.list())?.jobs).toMatchObject([{ id: jobs[1]?.job.id }]);
    expect(await second?.workOnce({ handlers })).toMatchObject({ job: { id: jobs[1]?.job.id } });
  });

  it("is checked by its name", () => {
    const make = (): unknown => new Pawl({ database: databaseUrl(), schema: "Robert'); drop" });

    expect(make).toThrow(/`schema`/);
  });
});

describe(":serializer is used on both ends", () => {
  const moments = defineTask({ name: "moments", payload: typed<Date>(), retry: "none" });
  const dates: Serializer = {
    serialize: (value) => JSON.stringify({ at: (value as Date).getTime() }),
    deserialize: (text) => {
      const { at } = JSON.parse(text) as { at: unknown };
      if (typeof at !== "number") throw new TypeError("expected a time, got none");
      return new Date(at);
    },
  };

  it("carries what JSON cannot", async () => {
    const pawl = openPawl(await migratedSchema(), { serializer: dates });
    const at = new Date(Date.UTC(2031, 4, 6));
    const seen: unknown[] = [];

    const { job } = await pawl.enqueue(moments, at);
    const live = await pawl.jobs.get(job);
    await pawl.workOnce({ handlers: [moments.handle(({ payload }) => seen.push(payload))] });

    expect(live).toMatchObject({ payload: at });
    expect(seen).toEqual([at]);
    expect(await pawl.history.attempts(job)).toMatchObject([{ payload: at }]);
  });

  it("fails a job that cannot be decoded with a clear error, and does not stop the worker", async () => {
    const schema = await migratedSchema();
    const pawl = openPawl(schema, { serializer: dates });
    const foreign = await openPawl(schema).enqueueByName("moments", { no: "time" });
    const worker = await startWorker(pawl, { handlers: [moments.handle(() => "done")] });
    const failures: unknown[] = [];
    worker.on("failed", ({ error }) => failures.push(error));
    const own = await pawl.enqueue(moments, new Date());

    expect(await endedOutcomes(pawl, own.job)).toEqual(["succeeded"]);
    const attempts = await endedAttempts(pawl, foreign.job);
    expect(attempts.at(-1)).toMatchObject({
      outcome: "failed",
      error: {
        code: "PAWL_PAYLOAD_UNDECODABLE",
        message: expect.stringMatching(/readable by the serializer/),
        cause: { message: "expected a time, got none" },
      },
    });
    expect(worker.state).toBe("running");
  });
});

describe(":uuid-fn makes the ids, or one is given: the same id twice into a queue is one job", () => {
  it("made by generateId", async () => {
    const id = randomUUID();
    const pawl = openPawl(await migratedSchema(), { generateId: () => id });

    const first = await pawl.enqueue(note, "first");
    const second = await pawl.enqueue(note, "second");

    expect(first).toMatchObject({ outcome: "created", job: { id } });
    expect(second).toMatchObject({ outcome: "kept", job: { id } });
    expect((await pawl.jobs.list()).jobs).toHaveLength(1);
    expect(await pawl.jobs.get(id)).toMatchObject({ payload: "first" });
  });

  it("given per enqueue, also after the job has finished, as long as its history is kept", async () => {
    const { pawl, clock } = await clockedPawl();
    const id = randomUUID();
    await pawl.enqueue(note, "first", { id });
    await pawl.workOnce({ handlers });

    const finished = await pawl.enqueue(note, "second", { id });
    const elsewhere = await pawl.enqueue(note, "elsewhere", { id, queue: "elsewhere" });
    clock.now += 32 * 24 * hour;
    await pawl.maintenance.pruneHistory();
    const forgotten = await pawl.enqueue(note, "third", { id });

    const outcomes = [finished, elsewhere, forgotten].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["kept", "created", "created"]);
  });
});

describe(":clock decides due times and delays when it is given, else the database's clock does", () => {
  it("given", async () => {
    const { pawl, clock } = await clockedPawl();
    const { job } = await pawl.enqueue(note, "later", { delay: "2h" });
    const runAt = new Date(clock.now + 2 * hour);

    clock.now += 2 * hour - 1;
    const early = await pawl.workOnce({ handlers });
    clock.now += 1;
    const inTime = await pawl.workOnce({ handlers });

    expect(job.runAt).toEqual(runAt);
    expect(early).toBeNull();
    expect(inTime).toMatchObject({ job: { id: job.id } });
    expect(await pawl.history.attempts(job)).toMatchObject([{ finishedAt: runAt }]);
  });

  it("not given", async () => {
    const pawl = await freshPawl();
    const client = await beginTransaction();
    const read = async (): Promise<number> => {
      const { rows } = await client.query<{ at: Date }>("select clock_timestamp() as at");
      return rows[0]?.at.getTime() ?? NaN;
    };

    const before = await read();
    const { job } = await pawl.enqueue(note, "soon", { delay: "1h" });
    const after = await read();

    expect(job.runAt.getTime()).toBeGreaterThanOrEqual(before + hour - 1);
    expect(job.runAt.getTime()).toBeLessThanOrEqual(after + hour + 1);
  });
});
