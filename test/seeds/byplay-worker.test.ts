import { defineTask, typed, type Ack, type FailedAttempt, type Worker } from "pawl";
import { describe, expect, it } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { keepStderr } from "../fixtures/kept-stderr.ts";
import { section, page, tableRows } from "../docs/markdown.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { rejectionOf, startWorker } from "../support/producer.ts";

const mishap = new RangeError("failed on purpose");
const note = defineTask({ name: "note", payload: typed<string>(), retry: "none" });
const fails = defineTask({ name: "fails", retry: "none" });
const failing = fails.handle(() => Promise.reject(mishap));
const handlers = [note.handle(() => "done"), failing];

describe("new-worker makes a worker that does not start by itself", () => {
  it("claims nothing before it starts", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(note, "waits");
    const idle = pawl.worker({ handlers, queues: ["default"] });
    await startWorker(pawl, { handlers, queues: ["others"] });
    const other = await pawl.enqueue(note, "runs", { queue: "others" });
    await endedAttempts(pawl, other.job);

    expect(idle.state).toBe("new");
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", attempt: 0 });
  });

  it("takes jobs of any queue when none is named, and of no other when some are", async () => {
    const pawl = await freshPawl();
    const left = await pawl.enqueue(note, "left", { queue: "c" });
    await startWorker(pawl, { handlers, queues: ["a", "b"] });
    const ran = await pawl.enqueue(note, "ran", { queue: "b" });
    await endedAttempts(pawl, ran.job);
    const before = await pawl.jobs.get(left.job);

    await startWorker(pawl, { handlers });

    expect(before).toMatchObject({ state: "ready" });
    expect(await endedOutcomes(pawl, left.job)).toEqual(["succeeded"]);
  });

  it("drains its queues in their order: c, a, b drains c first", async () => {
    const pawl = await freshPawl();
    const ran: string[] = [];
    const jobs = ["a", "b", "c"].flatMap((queue) =>
      Array.from({ length: 5 }, () => note.job(queue, { queue })),
    );
    await pawl.enqueueMany(jobs);

    await startWorker(pawl, {
      queues: ["c", "a", "b"],
      concurrency: 1,
      handlers: [note.handle(({ payload }) => void ran.push(payload))],
    });
    await eventually(() => ran.length === 15);

    expect(ran.join("")).toBe("cccccaaaaabbbbb");
  });

  it("runs as many at once as it says, by default as many as is documented", async () => {
    const pawl = await freshPawl();
    const held = gate();
    const holding = [note.handle(() => held.opened)];
    await pawl.enqueueMany(Array.from({ length: 15 }, () => note.job("held")));

    const few = await startWorker(pawl, { handlers: holding, concurrency: 2 });
    await eventually(() => few.health().running === 2);
    const usual = await startWorker(pawl, { handlers: holding });
    await eventually(() => usual.health().running === 10);
    const running = [few, usual].map((worker) => worker.health().running);
    held.open();

    const options = section(page("docs/reference/options.md"), "## `pawl.worker(options)`");
    const defaults = new Map(tableRows(options).map(([name, value]) => [name, value]));
    expect(running).toEqual([2, 10]);
    expect(defaults.get("`concurrency`")).toBe("10");
    expect(defaults.get("`queues`")).toMatch(/^any queue/);
    expect(defaults.get("`pollInterval`")).toBe('`"1s"`');
    expect(defaults.get("`onFailed`")).toMatch(/stderr/);
  });
});

describe("on-fail is told of each failed attempt", () => {
  it("writes one line to stderr by default", async () => {
    const lines = keepStderr();
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, name: "ada" });

    const { job } = await pawl.enqueue(fails);
    await endedAttempts(pawl, job);
    await eventually(() => lines.length > 0);

    expect(lines.join("").match(/\n/g)).toHaveLength(1);
    expect(lines[0]).toMatch(/^pawl worker "ada": .*"fails".*RangeError: failed on purpose\n$/);
    expect(lines[0]).toContain(job.id);
  });

  it("gets the worker, the job and what was thrown, before on-ack, in place of the line", async () => {
    const lines = keepStderr();
    const pawl = await freshPawl();
    const calls: [string, FailedAttempt | { worker: Worker; ack: Ack }][] = [];
    const worker = await startWorker(pawl, {
      handlers,
      onFailed: async (failed) => {
        await pawl.history.attempts(failed.job);
        calls.push(["onFailed", failed]);
      },
      onSettled: (settled) => {
        if (settled.ack !== null) calls.push(["onSettled", settled]);
      },
    });

    const { job } = await pawl.enqueue(fails);
    await eventually(() => calls.length === 2);

    expect(calls).toMatchObject([
      ["onFailed", { job: { id: job.id } }],
      ["onSettled", { ack: { job: { id: job.id }, outcome: "failed" } }],
    ]);
    expect(calls[0]?.[1].worker).toBe(worker);
    expect(calls[0]?.[1]).toHaveProperty("error", mishap);
    expect(lines).toEqual([]);
  });

  it("never stops the worker by an exception of its own", async () => {
    const pawl = await freshPawl();
    const errors: unknown[] = [];
    const own = new TypeError("of the hook");
    const worker = await startWorker(pawl, {
      handlers,
      onFailed: () => {
        throw own;
      },
    });
    worker.on("error", (error) => errors.push(error));

    await pawl.enqueue(fails);
    await eventually(() => errors.length === 1);
    const { job } = await pawl.enqueue(note, "after");

    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    expect(errors).toEqual([own]);
    expect(worker.state).toBe("running");
  });
});

describe("on-ack is told of every attempt to work", () => {
  it("also when no job was found", async () => {
    const pawl = await freshPawl();
    const acks: Ack[] = [];
    const worker = await startWorker(pawl, {
      handlers,
      onFailed: () => undefined,
      onSettled: ({ ack }) => acks.push(ack),
    });
    await eventually(() => acks.includes(null));

    const done = await pawl.enqueue(note, "done");
    const failed = await pawl.enqueue(fails);
    await eventually(() => acks.filter((ack) => ack !== null).length === 2);

    const about = (id: string): Ack | undefined => acks.find((ack) => ack?.job.id === id);
    expect(about(done.job.id)).toMatchObject({ outcome: "succeeded", final: true });
    expect(about(failed.job.id)).toMatchObject({ outcome: "failed", error: mishap });
    expect(worker.state).toBe("running");
  });

  it("can stop the worker, and then no further job starts", async () => {
    const pawl = await freshPawl();
    const ran: string[] = [];
    await pawl.enqueueMany(["a", "b", "c"].map((text) => note.job(text)));
    const worker = await startWorker(pawl, {
      concurrency: 1,
      handlers: [note.handle(({ payload }) => void ran.push(payload))],
      onSettled: ({ worker: itself, ack }) => {
        if (ack !== null) void itself.stop();
      },
    });

    await worker.finished;

    expect(ran).toEqual(["a"]);
    expect((await pawl.jobs.list({ state: "ready" })).jobs).toHaveLength(2);
  });
});

describe("start, interrupt, join and state: a worker's life", () => {
  it("goes from new to running, stopping and terminated, and lets running jobs finish", async () => {
    const pawl = await freshPawl();
    const held = gate();
    const started = gate();
    let runs = 0;
    const worker = pawl.worker({
      handlers: [
        note.handle(async () => {
          runs += 1;
          started.open();
          await held.opened;
        }),
      ],
    });
    const states: string[] = [worker.state];
    const { job } = await pawl.enqueue(note, "long");
    await worker.start();
    states.push(worker.state);
    await started.opened;

    const stopped = worker.stop();
    states.push(worker.state);
    let isFinished = false;
    void worker.finished.then(() => (isFinished = true));
    const late = await pawl.enqueue(note, "late");
    const wasFinished = isFinished;
    held.open();
    await worker.finished;
    states.push(worker.state);
    await stopped;

    expect(states).toEqual(["new", "running", "stopping", "terminated"]);
    expect(wasFinished).toBe(false);
    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    expect(await pawl.jobs.get(late.job)).toMatchObject({ state: "ready" });
    expect(runs).toBe(1);
  });

  it("does not begin again: the error says so", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers });
    await worker.stop();

    expect(await rejectionOf(worker.start())).toMatchObject({
      name: "WorkerError",
      code: "PAWL_WORKER_STATE",
      message: expect.stringMatching(/terminated.*starts once, make another/),
    });
  });
});

describe("worker exceptions are never silent, and the worker goes on", () => {
  it.each(["an error event", "a line on stderr when nobody listens"])("as %s", async (how) => {
    const lines = keepStderr();
    const pawl = await freshPawl();
    const errors: unknown[] = [];
    const outage = new Error("outside of any job");
    let isBroken = false;
    const worker = await startWorker(pawl, {
      handlers,
      name: "ada",
      forbiddenFlags: () => {
        if (isBroken) throw outage;
        return [];
      },
    });
    if (how === "an error event") worker.on("error", (error) => errors.push(error));

    isBroken = true;
    await eventually(() => errors.length + lines.length > 0);
    isBroken = false;
    const { job } = await pawl.enqueue(note, "after");

    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    if (how === "an error event") expect(errors[0]).toBe(outage);
    else expect(lines[0]).toBe('pawl worker "ada": outside of any job\n');
  });
});
