import { defineTask, type Pawl, type Worker } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import {
  beginTransaction,
  countJobs,
  historyOf,
  isSomebodyWaiting,
  jobsIn,
  migratedSchema,
  onlyJobIn,
  openPawl,
  startWorker,
} from "../support/producer.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const note = defineTask({ name: "note", payload: z.string(), retry: "none" });
const id = "0190a5d0-1234-7abc-8def-00000000000a";
const patience = { within: 10_000 };
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("the same id a second time", () => {
  it("is kept while the job is live", async () => {
    const pawl = openPawl(schema);

    const first = await pawl.enqueue(note, "first", { id });
    const second = await pawl.enqueue(note, "second", { id });

    expect([first.outcome, second.outcome]).toEqual(["created", "kept"]);
    expect(await onlyJobIn(schema)).toMatchObject({ id, payload: "first" });
  });

  it("answers with the job that is there, not with the one that was asked for", async () => {
    const pawl = openPawl(schema);
    const first = await pawl.enqueue(note, "first", { id, delay: "1h", correlationId: "c1" });

    const second = await pawl.enqueueByName("other", "second", { id });

    expect(second).toEqual({ job: first.job, outcome: "kept" });
  });

  it("is the same in upper case", async () => {
    const pawl = openPawl(schema);
    await pawl.enqueue(note, "first", { id });

    const { job, outcome } = await pawl.enqueue(note, "second", { id: id.toUpperCase() });

    expect(outcome).toBe("kept");
    expect(job.id).toBe(id);
    expect(await countJobs(schema)).toBe(1);
  });

  it("is another job in another queue", async () => {
    const pawl = openPawl(schema);
    await pawl.enqueue(note, "a", { id, queue: "one" });

    const { outcome } = await pawl.enqueue(note, "b", { id, queue: "two" });

    expect(outcome).toBe("created");
    expect(await countJobs(schema)).toBe(2);
  });

  it("is kept while the job runs", async () => {
    const pawl = openPawl(schema);
    const started = gate();
    const held = gate();
    await startWorker(pawl, {
      handlers: [
        note.handle(async () => {
          started.open();
          await held.opened;
        }),
      ],
    });
    await pawl.enqueue(note, "first", { id });
    await started.opened;

    const { job, outcome } = await pawl.enqueue(note, "second", { id });

    expect(outcome).toBe("kept");
    expect(job.state).toBe("running");
    held.open();
    await eventually(async () => (await historyOf(schema)).length === 1, patience);
    expect(await countJobs(schema)).toBe(0);
  });

  it("is kept after the job has succeeded, and does not run again", async () => {
    const pawl = openPawl(schema);
    const seen: string[] = [];
    await run(pawl, (payload) => seen.push(payload));
    await pawl.enqueue(note, "first", { id });
    await eventually(async () => (await historyOf(schema)).length === 1, patience);

    const { job, outcome } = await pawl.enqueue(note, "second", { id });
    await pawl.enqueue(note, "another");

    expect(outcome).toBe("kept");
    expect(job.state).toBe("finished");
    await eventually(async () => (await historyOf(schema)).length === 2, patience);
    expect(seen).toEqual(["first", "another"]);
  });

  it("is kept after the job has failed for good", async () => {
    const pawl = openPawl(schema);
    await run(pawl, () => {
      throw new Error("on purpose");
    });
    await pawl.enqueue(note, "first", { id });
    await eventually(async () => (await historyOf(schema)).length === 1, patience);

    const { outcome } = await pawl.enqueue(note, "second", { id });

    expect(outcome).toBe("kept");
    expect(await countJobs(schema)).toBe(0);
  });

  it("is a new job when its history has gone", async () => {
    const pawl = openPawl(schema);
    const worker = await run(pawl, () => undefined);
    await pawl.enqueue(note, "first", { id });
    await eventually(async () => (await historyOf(schema)).length === 1, patience);
    await worker.stop();
    await execute(`delete from ${schema}.history`);

    const { outcome } = await pawl.enqueue(note, "second", { id });

    expect(outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "second" });
  });

  it("is kept within one call, where the first wins", async () => {
    const pawl = openPawl(schema);

    const results = await pawl.enqueueMany([
      note.job("first", { id }),
      note.job("between"),
      note.job("second", { id }),
      note.job("elsewhere", { id, queue: "two" }),
    ]);

    expect(results.map(({ outcome }) => outcome)).toEqual([
      "created",
      "created",
      "kept",
      "created",
    ]);
    expect((await jobsIn(schema)).map(({ payload }) => payload).sort()).toEqual([
      "between",
      "elsewhere",
      "first",
    ]);
  });

  it("is told apart from new ones among many", async () => {
    const pawl = openPawl(schema);
    const ids = Array.from({ length: 9 }, () => crypto.randomUUID());
    const odd = ids.filter((_, index) => index % 2 === 1);
    await pawl.enqueueMany(odd.map((each) => note.job("before", { id: each })));

    const results = await pawl.enqueueMany(ids.map((each) => note.job("after", { id: each })));

    expect(results.map(({ job }) => job.id)).toEqual(ids);
    expect(results.map(({ outcome }) => outcome === "kept")).toEqual(
      ids.map((each) => odd.includes(each)),
    );
    expect(await countJobs(schema)).toBe(9);
  });

  it("takes no more statements for many kept jobs than for one", async () => {
    const proxy = await startTcpProxy();
    const pawl = openPawl(schema, { database: proxy.url });
    const requests = Array.from({ length: 500 }, () => note.job("a", { id: crypto.randomUUID() }));
    await pawl.enqueueMany(requests);
    const before = proxy.statements;

    const results = await pawl.enqueueMany(requests);

    expect(results.every(({ outcome }) => outcome === "kept")).toBe(true);
    expect(proxy.statements - before).toBeLessThan(20);
  });

  it("is shared with the SQL function", async () => {
    const pawl = openPawl(schema);
    await execute(`select ${schema}.enqueue('note', '"from SQL"', id => $1)`, [id]);

    const { outcome } = await pawl.enqueue(note, "from here", { id });

    expect(outcome).toBe("kept");
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "from SQL" });
  });
});

describe("the same id from ten connections at once", () => {
  it("is one job", async () => {
    const pawls = Array.from({ length: 10 }, () => openPawl(schema));

    const results = await Promise.all(
      pawls.map((pawl, index) => pawl.enqueue(note, String(index), { id })),
    );

    const created = results.filter(({ outcome }) => outcome === "created");
    expect(created).toHaveLength(1);
    expect(await countJobs(schema)).toBe(1);
  });

  it("runs once, however its end falls between them", async () => {
    const pawls = Array.from({ length: 10 }, () => openPawl(schema));
    const worker = openPawl(schema);
    const runs = new Map<string, number>();
    await run(worker, (payload) => runs.set(payload, (runs.get(payload) ?? 0) + 1));
    const ids = Array.from({ length: 20 }, () => crypto.randomUUID());

    for (const each of ids) {
      await Promise.all(pawls.map((pawl) => pawl.enqueue(note, each, { id: each })));
    }

    await eventually(async () => (await countJobs(schema)) === 0, patience);
    expect([...runs]).toEqual(ids.map((each) => [each, 1]));
  });

  it("locks ids in their own order, whatever order they come in", async () => {
    const pawl = openPawl(schema);
    const [low, middle, high] = [id, id.replace(/a$/, "b"), id.replace(/a$/, "c")];
    const holder = await beginTransaction();
    await pawl.enqueue(note, "held", { id: middle, db: holder });
    const waiting = pawl.enqueueMany([high, middle, low].map((each) => note.job("", { id: each })));
    await eventually(() => isSomebodyWaiting(schema), patience);
    const other = await beginTransaction();
    await other.query("set local lock_timeout = '1s'");

    // What waits for the middle one has not touched the high one yet.
    const { outcome } = await pawl.enqueue(note, "high", { id: high, db: other });

    await other.query("rollback");
    await holder.query("rollback");
    expect(outcome).toBe("created");
    expect(await waiting).toHaveLength(3);
  });

  it("does not deadlock when many ids come in opposite orders", async () => {
    const [left, right] = [openPawl(schema), openPawl(schema)];
    const ids = Array.from({ length: 300 }, () => crypto.randomUUID());
    const requests = ids.map((each) => note.job("a", { id: each }));

    for (let round = 0; round < 5; round += 1) {
      await execute(`delete from ${schema}.jobs`);
      const [some, others] = await Promise.all([
        left.enqueueMany(requests),
        right.enqueueMany(requests.toReversed()),
      ]);

      const created = [...some, ...others].filter(({ outcome }) => outcome === "created");
      expect(created).toHaveLength(300);
    }
  });
});

function run(pawl: Pawl, act: (payload: string) => unknown): Promise<Worker> {
  return startWorker(pawl, {
    handlers: [
      note.handle(({ payload }) => {
        act(payload);
      }),
    ],
  });
}
