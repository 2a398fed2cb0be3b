import {
  defineTask,
  JobTimeoutError,
  PayloadError,
  typed,
  type Ack,
  type JobReference,
  type Pawl,
  type Worker,
  type WorkerOptions,
} from "pawl";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl, makeWorker } from "../fixtures/fresh-pawl.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const lease = "30s"; // a late heartbeat on a loaded machine is not what is tested here
const mishap = new RangeError("failed on purpose");
const task = defineTask({
  name: "task",
  payload: typed<{ readonly fails?: boolean; readonly secret?: string }>(),
  retry: { retries: 1, delays: [0] },
});
const handlers = [
  task.handle(({ payload }) => {
    if (payload.fails === true) throw mishap;
  }),
];

/** Starts a worker whose errors are kept; it is stopped with its Pawl. */
async function startHooked(
  pawl: Pawl,
  options: WorkerOptions,
): Promise<{ worker: Worker; errors: unknown[] }> {
  const errors: unknown[] = [];
  const worker = makeWorker(pawl, { handlers, lease, concurrency: 1, ...options });
  worker.on("error", (error) => errors.push(error));
  await worker.start();
  return { worker, errors };
}

/** Keeps what goes to stderr in this process. */
function keepStderr(): string[] {
  const lines: string[] = [];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  return lines;
}

describe("onFailed", () => {
  it("gets the worker, the job and what the handler threw, after each failed attempt", async () => {
    const pawl = await freshPawl();
    const calls: unknown[] = [];
    const { worker } = await startHooked(pawl, {
      onFailed: (attempt) => calls.push(attempt),
    });

    const { job } = await pawl.enqueue(task, { fails: true });
    await eventually(() => calls.length === 2);

    expect(calls).toMatchObject([
      { worker, job: { id: job.id, attempt: 1 } },
      { worker, job: { id: job.id, attempt: 2 } },
    ]);
    for (const { error } of calls as { error: unknown }[]) expect(error).toBe(mishap);
  });

  it("is called when the history has the failure, and not for a job that is done", async () => {
    const pawl = await freshPawl();
    const rows: number[] = [];
    await startHooked(pawl, {
      onFailed: async ({ job }) => rows.push((await pawl.history.attempts(job)).length),
    });

    await endedAttempts(pawl, (await pawl.enqueue(task, {})).job);
    await pawl.enqueue(task, { fails: true });
    await eventually(() => rows.length === 2);

    expect(rows).toEqual([1, 2]);
  });

  it.each([
    ["a timeout", "20ms", undefined, JobTimeoutError],
    [
      "a payload that its schema no longer takes",
      "1m",
      { issues: [{ message: "too old" }] },
      PayloadError,
    ],
  ] as const)("gets the error of %s", async (_what, timeout, refusal, kind) => {
    const pawl = await freshPawl();
    const standard = {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) => (isWorking ? (refusal ?? { value }) : { value }),
    };
    let isWorking = false;
    const strict = defineTask({
      name: "strict",
      payload: { "~standard": standard },
      retry: "none",
      timeout,
    });
    const errors: unknown[] = [];
    await pawl.enqueue(strict, "payload");
    isWorking = true;

    await startHooked(pawl, {
      handlers: [
        strict.handle(
          ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", reject)),
        ),
      ],
      onFailed: ({ error }) => errors.push(error),
    });
    await eventually(() => errors.length === 1);

    expect(errors[0]).toBeInstanceOf(kind);
  });

  it("gets what a transactional handler threw", async () => {
    const pawl = await freshPawl();
    const transactional = defineTask({ name: "tx", transactional: true, retry: "none" });
    const errors: unknown[] = [];
    await startHooked(pawl, {
      handlers: [transactional.handle(() => Promise.reject(mishap))],
      onFailed: ({ error }) => errors.push(error),
    });

    await pawl.enqueue(transactional);
    await eventually(() => errors.length === 1);

    expect(errors[0]).toBe(mishap);
  });

  it.each([
    ["throws", () => { throw new TypeError("of the hook"); }], // prettier-ignore
    ["rejects", () => Promise.reject(new TypeError("of the hook"))],
  ])("that %s makes an error event, and the worker goes on", async (_how, onFailed) => {
    const pawl = await freshPawl();
    const { errors } = await startHooked(pawl, { onFailed });

    const { job } = await pawl.enqueue(task, { fails: true });
    await eventually(() => errors.length === 2);
    const after = await pawl.enqueue(task, {});

    expect(errors).toEqual([new TypeError("of the hook"), new TypeError("of the hook")]);
    expect(await endedAttempts(pawl, job)).toHaveLength(2);
    expect(await endedAttempts(pawl, after.job)).toMatchObject([{ outcome: "succeeded" }]);
  });

  it("left out, writes one line to stderr, without the payload", async () => {
    const pawl = await freshPawl();
    const lines = keepStderr();
    await startHooked(pawl, {});

    const { job } = await pawl.enqueue(task, { fails: true, secret: "hush" });
    await eventually(() => lines.length === 2);

    expect(lines[0]).toContain(`attempt 1 of job ${job.id} of the task "task"`);
    expect(lines[0]).toMatch(/^pawl worker .* RangeError: failed on purpose\n$/);
    expect(lines[1]).toContain("attempt 2");
    expect(lines.join("")).not.toContain("hush");
  });

  it("left out, is silent where somebody listens for failed, or has a hook", async () => {
    const pawl = await freshPawl();
    const lines = keepStderr();
    const { worker } = await startHooked(pawl, {});
    const failed: unknown[] = [];
    worker.on("failed", (event) => failed.push(event));

    await endedAttempts(pawl, (await pawl.enqueue(task, { fails: true })).job);
    await eventually(() => failed.length === 2);

    expect(lines).toEqual([]);
  });
});

describe("onSettled", () => {
  it("gets the worker and what became of each attempt", async () => {
    const pawl = await freshPawl();
    const acks: Ack[] = [];
    const { worker } = await startHooked(pawl, {
      onSettled: (settled) => {
        expect(settled.worker).toBe(worker);
        if (settled.ack !== null) acks.push(settled.ack);
      },
      onFailed: () => undefined,
    });

    const done = await pawl.enqueue(task, {});
    await eventually(() => acks.length === 1);
    const failing = await pawl.enqueue(task, { fails: true });
    await eventually(() => acks.length === 3);

    expect(acks).toMatchObject([
      { job: { id: done.job.id }, outcome: "succeeded", final: true },
      { job: { id: failing.job.id }, outcome: "failed", final: false, error: mishap },
      { job: { id: failing.job.id }, outcome: "failed", final: true, error: mishap },
    ]);
    expect(acks[0]).not.toHaveProperty("error");
    expect(acks.every((ack) => (ack?.runMs ?? -1) >= 0)).toBe(true);
  });

  it("gets null when a look found no job", async () => {
    const pawl = await freshPawl();
    const acks: Ack[] = [];

    await startHooked(pawl, { onSettled: ({ ack }) => acks.push(ack) });

    await eventually(() => acks.length > 0);
    expect(acks[0]).toBeNull();
  });

  it("comes after a slow onFailed, and before whatever the next attempt brings", async () => {
    const pawl = await freshPawl();
    const calls: string[] = [];
    const held = gate();
    await startHooked(pawl, {
      concurrency: 5,
      onFailed: async ({ job }) => {
        calls.push(`failing ${job.attempt}`);
        if (job.attempt === 1) await held.opened;
        calls.push(`failed ${job.attempt}`);
      },
      onSettled: ({ ack }) => ack && calls.push(`settled ${ack.job.attempt}`),
    });

    const { job } = await pawl.enqueue(task, { fails: true });
    await endedAttempts(pawl, job);
    expect(calls).toEqual(["failing 1"]);
    held.open();
    await eventually(() => calls.length === 6);

    expect(calls).toEqual([
      ...["failing 1", "failed 1", "settled 1"],
      ...["failing 2", "failed 2", "settled 2"],
    ]);
  });

  it("stops a worker when nothing is left: it has done everything by then", async () => {
    const pawl = await freshPawl();
    const jobs = await pawl.enqueueMany(Array.from({ length: 40 }, () => task.job({})));
    const done: string[] = [];

    const { worker } = await startHooked(pawl, {
      concurrency: 4,
      onSettled: ({ worker: self, ack }) => {
        if (ack === null) void self.stop();
        else done.push(ack.job.id);
      },
    });
    await worker.finished;

    expect(worker.state).toBe("terminated");
    expect(new Set(done)).toEqual(new Set(jobs.map(({ job }) => job.id)));
  });

  it.each([1, 3])("stops a worker after %i jobs: the others were never started", async (count) => {
    const pawl = await freshPawl();
    const started: string[] = [];
    const counting = [task.handle(({ job }) => void started.push(job.id))];
    const jobs = await pawl.enqueueMany(Array.from({ length: 30 }, () => task.job({})));
    let settled = 0;

    const { worker, errors } = await startHooked(pawl, {
      handlers: counting,
      onSettled: ({ worker: self, ack }) => {
        if (ack !== null && ++settled === count) void self.stop();
      },
    });
    await worker.finished;

    expect(started).toEqual(jobs.slice(0, count).map(({ job }) => job.id));
    expect(settled).toBe(count);
    const left = jobs.slice(count).map(({ job }) => job);
    expect(await statesOf(pawl, left)).toEqual(left.map(() => "ready"));
    expect(errors).toEqual([]);
  });

  it("that throws makes an error event, and the worker goes on", async () => {
    const pawl = await freshPawl();
    const { errors } = await startHooked(pawl, {
      onSettled: ({ ack }) => {
        if (ack !== null) throw new TypeError("of the hook");
      },
    });

    for (let turn = 0; turn < 3; turn += 1) {
      await endedAttempts(pawl, (await pawl.enqueue(task, {})).job);
    }

    await eventually(() => errors.length === 3);
    expect(errors[0]).toEqual(new TypeError("of the hook"));
  });

  it("that is slow keeps its place: no more attempts wait for hooks than may run", async () => {
    const pawl = await freshPawl();
    const held = gate();
    const started: string[] = [];
    await startHooked(pawl, {
      concurrency: 2,
      handlers: [task.handle(({ job }) => void started.push(job.id))],
      onSettled: async ({ ack }) => {
        if (ack !== null) await held.opened;
      },
    });

    const jobs = await pawl.enqueueMany(Array.from({ length: 6 }, () => task.job({})));
    const [first, second] = jobs;
    for (const result of [first, second]) if (result) await endedAttempts(pawl, result.job);
    expect(started).toHaveLength(2);
    held.open();

    for (const { job } of jobs) await endedAttempts(pawl, job);
    expect(started).toHaveLength(6);
  });
});

async function statesOf(pawl: Pawl, jobs: readonly JobReference[]): Promise<unknown[]> {
  const found = await Promise.all(jobs.map((job) => pawl.jobs.get(job)));
  return found.map((job) => job?.state);
}
