import { defineTask, typed, type EnqueueResult, type Worker } from "pawl";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { freshPawl, makeWorker, startWorker } from "./fixtures/fresh-pawl.ts";
import { eventually } from "./support/eventually.ts";
import { beginTransaction } from "./support/producer.ts";

const first = defineTask({ name: "first", payload: typed<string>() });
const second = defineTask({ name: "second" });
const lease = "30s";

describe("the events of a Pawl", () => {
  it("tell of every job that is enqueued, by whatever call, without its payload", async () => {
    const pawl = await freshPawl();
    const events: EnqueueResult[] = [];
    pawl.on("enqueued", (event) => events.push(event));
    const client = await beginTransaction();

    const one = await pawl.enqueue(first, "hush");
    const many = await pawl.enqueueMany([first.job("hush"), second.job()]);
    const joined = await pawl.enqueueByName("second", undefined, { db: client });
    await client.query("rollback");

    expect(events).toEqual([one, ...many, joined]);
    expect(JSON.stringify(events)).not.toContain("hush");
  });

  it("tell of what handlers enqueue, and of an id that was there already", async () => {
    const pawl = await freshPawl();
    const events: EnqueueResult[] = [];
    pawl.on("enqueued", (event) => events.push(event));
    const handlers = [
      first.handle(({ enqueue }) => enqueue(second)),
      second.handle(() => undefined),
    ];
    await startWorker(pawl, { handlers, lease });
    const id = "0199d9a4-5c00-7000-8000-000000000000";

    await pawl.enqueue(first, "x", { id });
    await eventually(() => events.length === 2);
    await pawl.enqueue(first, "x", { id });

    expect(events.map(({ job, outcome }) => [job.task, outcome])).toEqual([
      ["first", "created"],
      ["second", "created"],
      ["first", "kept"],
    ]);
  });

  it("tell of every worker that is made, which is then among its workers until it has ended", async () => {
    const pawl = await freshPawl();
    const made: Worker[] = [];
    pawl.on("worker", (worker) => made.push(worker));

    const worker = makeWorker(pawl, { handlers: [second.handle(() => undefined)] });
    const during = pawl.ownWorkers;
    await worker.stop();
    await worker.finished;

    expect(made).toEqual([worker]);
    expect(during).toEqual([worker]);
    expect(pawl.ownWorkers).toEqual([]);
  });

  it("do not undo an enqueue when a listener throws, but become an error", async () => {
    const pawl = await freshPawl();
    const errors: unknown[] = [];
    pawl.on("enqueued", () => {
      throw new RangeError("the listener's own");
    });
    pawl.on("error", (error) => errors.push(error));

    const { outcome } = await pawl.enqueue(first, "x");

    expect(outcome).toBe("created");
    expect(errors).toMatchObject([{ message: "the listener's own" }]);
  });

  it("write an error to stderr when nobody listens for it", async () => {
    const written: string[] = [];
    const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    onTestFinished(() => stderr.mockRestore());
    const pawl = await freshPawl();
    pawl.on("enqueued", () => {
      throw new RangeError("the listener's own");
    });

    await pawl.enqueue(first, "x");

    expect(written).toEqual(["pawl: the listener's own\n"]);
  });
});

describe("a Pawl and a worker to which nobody listens", () => {
  it("emit nothing for a job", async () => {
    const pawl = await freshPawl();
    const handlers = [first.handle(() => undefined)];
    const worker = makeWorker(pawl, { handlers, lease });
    await worker.start();
    const emitted: unknown[] = [];
    for (const emitter of [pawl, worker]) {
      Object.assign(emitter, { emit: (name: string) => emitted.push(name) });
    }

    await pawl.enqueueMany(Array.from({ length: 100 }, () => first.job("x")));
    await eventually(async () => (await pawl.history.list({ limit: 200 })).attempts.length === 100);

    expect(emitted).toEqual([]);
  });
});
