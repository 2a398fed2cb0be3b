import { defineTask, type JobInfo } from "pawl";
import * as valibot from "valibot";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { historyOf, jobsIn, migratedSchema, openPawl, startWorker } from "../support/producer.ts";

const patience = { within: 10_000 };
const note = defineTask({ name: "note", payload: z.string() });
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("a running worker", () => {
  it("runs a job in the queue it was enqueued into, and leaves other queues alone", async () => {
    const pawl = openPawl(schema);
    const seen: string[] = [];
    await pawl.enqueue(note, "theirs", { queue: "theirs" });
    await pawl.enqueue(note, "ours", { queue: "ours" });

    await startWorker(pawl, {
      queues: ["ours"],
      handlers: [note.handle(({ payload, job }) => seen.push(`${payload} in ${job.queue}`))],
    });

    await eventually(async () => (await historyOf(schema)).length === 1, patience);
    expect(seen).toEqual(["ours in ours"]);
    expect(await jobsIn(schema)).toMatchObject([{ queue: "theirs", state: "ready" }]);
  });

  it("does not run a job before its delay is over", async () => {
    const pawl = openPawl(schema);
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });

    const { job } = await pawl.enqueue(note, "later", { delay: 400 });

    const [attempt] = await finished(() => pawl.history.attempts(job));
    const waitedMs = Number(attempt?.startedAt) - Number(attempt?.createdAt);
    expect(waitedMs).toBeGreaterThanOrEqual(399);
  });

  it("does not run a job before its runAt", async () => {
    const pawl = openPawl(schema);
    await startWorker(pawl, { handlers: [note.handle(() => undefined)] });
    const runAt = new Date(Date.now() + 400);

    const { job } = await pawl.enqueue(note, "later", { runAt });

    const [attempt] = await finished(() => pawl.history.attempts(job));
    expect(Number(attempt?.startedAt)).toBeGreaterThanOrEqual(runAt.getTime() - 1);
  });

  it("runs jobs by their priority, the lowest first, and equal ones in order", async () => {
    const pawl = openPawl(schema);
    const seen: string[] = [];
    for (const [payload, priority] of [
      ["last", 5],
      ["second", 0],
      ["third", 0],
      ["first", -5],
    ] as const) {
      await pawl.enqueue(note, payload, { priority });
    }

    await startWorker(pawl, {
      concurrency: 1,
      handlers: [note.handle(({ payload }) => seen.push(payload))],
    });

    await eventually(() => seen.length === 4, patience);
    expect(seen).toEqual(["first", "second", "third", "last"]);
  });

  it("gives a job its maxAttempts and no more", async () => {
    const pawl = openPawl(schema);
    const flaky = defineTask({ name: "flaky", retry: { retries: 9, delays: [0] } });
    await pawl.enqueue(flaky, undefined, { maxAttempts: 3 });

    await startWorker(pawl, {
      handlers: [flaky.handle(() => Promise.reject(new Error("as always")))],
    });

    await eventually(async () => (await historyOf(schema)).at(-1)?.final, patience);
    expect(await historyOf(schema)).toMatchObject([
      { attempt: 1, outcome: "failed", final: false },
      { attempt: 2, outcome: "failed", final: false },
      { attempt: 3, outcome: "failed", final: true },
    ]);
  });

  it("tells the handler what the job was enqueued with", async () => {
    const pawl = openPawl(schema);
    const id = "0190a5d0-0000-7000-8000-000000000001";
    const run = gate<JobInfo>();
    await pawl.enqueue(note, "hello", { id, correlationId: "c1", priority: 7, maxAttempts: 2 });

    await startWorker(pawl, {
      handlers: [
        note.handle(({ job }) => {
          run.open(job);
        }),
      ],
    });

    expect(await run.opened).toMatchObject({
      id,
      queue: "default",
      task: "note",
      attempt: 1,
      correlationId: "c1",
      priority: 7,
      maxAttempts: 2,
    });
  });

  it("passes the correlation id on to what a handler enqueues, and into the history", async () => {
    const pawl = openPawl(schema);
    const parent = defineTask({ name: "parent" });
    await pawl.enqueue(parent, undefined, { correlationId: "chain" });

    await startWorker(pawl, {
      handlers: [
        note.handle(() => undefined),
        parent.handle(async ({ enqueue }) => {
          await enqueue(note, "same chain");
          await enqueue(note, "another", { correlationId: "own" });
        }),
      ],
    });

    const chains = await eventually(async () => {
      const ended = await historyOf(schema);
      return ended.length === 3 && ended;
    }, patience);
    const ids = chains.map(({ correlation_id: id }) => id);
    expect(ids.sort()).toEqual(["chain", "chain", "own"]);
  });
});

describe("the payload a handler gets", () => {
  it("is the output of a zod schema, made when the job runs", async () => {
    const pawl = openPawl(schema);
    const visit = defineTask({
      name: "visit",
      payload: z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
    });
    const run = gate<Date>();
    await pawl.enqueue(visit, { at: "2020-01-01T00:00:00Z" });

    await startWorker(pawl, {
      handlers: [
        visit.handle(({ payload }) => {
          run.open(payload.at);
        }),
      ],
    });

    expect(await run.opened).toEqual(new Date("2020-01-01T00:00:00Z"));
  });

  it("is the output of a valibot schema, with its defaults", async () => {
    const pawl = openPawl(schema);
    const greet = defineTask({
      name: "greet",
      payload: valibot.object({ name: valibot.optional(valibot.string(), "world") }),
    });
    const run = gate<string>();
    await pawl.enqueue(greet, {});

    await startWorker(pawl, {
      handlers: [
        greet.handle(({ payload }) => {
          run.open(payload.name);
        }),
      ],
    });

    expect(await run.opened).toBe("world");
  });

  it("is undefined for a task without a schema", async () => {
    const pawl = openPawl(schema);
    const bare = defineTask({ name: "bare" });
    const run = gate<unknown>();
    await pawl.enqueue(bare);

    await startWorker(pawl, {
      handlers: [
        bare.handle(({ payload }) => {
          run.open(payload);
        }),
      ],
    });

    expect(await run.opened).toBeUndefined();
  });

  it("is what an optional schema makes of a payload that was left out", async () => {
    const pawl = openPawl(schema);
    const sweep = defineTask({
      name: "sweep",
      payload: z.object({ deep: z.boolean() }).optional(),
      retry: "none",
    });
    const seen: unknown[] = [];
    await pawl.enqueue(sweep);

    await startWorker(pawl, {
      handlers: [sweep.handle(({ payload }) => seen.push(payload))],
    });

    const [end] = await finished(() => historyOf(schema));
    expect(end).toMatchObject({ outcome: "succeeded" });
    expect(seen).toEqual([undefined]);
  });
});

async function finished<Attempt extends { readonly final: boolean }>(
  list: () => Promise<Attempt[]>,
): Promise<Attempt[]> {
  return eventually(async () => {
    const attempts = await list();
    return attempts.at(-1)?.final === true && attempts;
  }, patience);
}
