import { defineTask, JobTimeoutError, typed, type StandardSchema } from "pawl";
import { describe, expect, it } from "vitest";
import { attemptsOf, endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { aborted, forever } from "../fixtures/aborted.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const hasty = defineTask({ name: "hasty", timeout: "100ms", retry: "none" });
// How long a handler that ignores its signal is waited for, with room for a slow machine.
const givenUpWithin = 15_000;

/** Resolves after some turns of a timer as quick as the worker's own; a pause of the process is one turn, however long. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 25));
}

describe("a handler that runs longer than its task's timeout", () => {
  it("is told by its signal, which says why", async () => {
    const pawl = await freshPawl();
    const reasons: (Error | "too late")[] = [];
    const handler = hasty.handle(async ({ signal }) => {
      reasons.push(
        await Promise.race([aborted(signal), turns(60).then(() => "too late" as const)]),
      );
    });
    await startWorker(pawl, { handlers: [handler] });

    const { job } = await pawl.enqueue(hasty);
    const [attempt] = await endedAttempts(pawl, job);

    expect(reasons[0]).toBeInstanceOf(JobTimeoutError);
    expect(reasons[0]).toMatchObject({
      code: "PAWL_JOB_TIMEOUT",
      message: expect.stringMatching(/"hasty", 100/),
    });
    expect(attempt?.runMs).toBeGreaterThanOrEqual(99);
  });

  it.each([
    ["throws the reason", async (signal: AbortSignal) => Promise.reject(await aborted(signal))],
    [
      "throws an error of its own",
      async (signal: AbortSignal) => {
        await aborted(signal);
        throw new Error("something else");
      },
    ],
    ["returns as if it had succeeded", (signal: AbortSignal) => aborted(signal)],
  ])("has failed for that reason when it %s", async (_, run) => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers: [hasty.handle(({ signal }) => run(signal))] });

    const { job } = await pawl.enqueue(hasty);

    expect(await endedAttempts(pawl, job)).toMatchObject([
      {
        outcome: "failed",
        final: true,
        error: { name: "JobTimeoutError", code: "PAWL_JOB_TIMEOUT" },
      },
    ]);
  });

  it("is tried again as after any failure", async () => {
    const pawl = await freshPawl();
    const task = defineTask({
      name: "task",
      timeout: "50ms",
      retry: { retries: 2, delays: [0] },
    });
    const handler = task.handle(({ job, signal }) =>
      job.attempt < 3 ? aborted(signal) : undefined,
    );
    await startWorker(pawl, { handlers: [handler] });

    const { job } = await pawl.enqueue(task);

    expect(await endedOutcomes(pawl, job)).toEqual(["failed", "failed", "succeeded"]);
  });

  it("does not hold its place for ever when it ignores its signal, and what it returns then is ignored", async () => {
    const pawl = await freshPawl();
    const late = gate();
    const returned = gate();
    const next = defineTask({ name: "next" });
    const handlers = [
      hasty.handle(async () => {
        await late.opened;
        returned.open();
        return "too late";
      }),
      next.handle(() => undefined),
    ];
    await startWorker(pawl, { handlers, concurrency: 1 });
    const { job } = await pawl.enqueue(hasty);
    const { job: waiting } = await pawl.enqueue(next);

    const [failed] = await eventually(
      async () => {
        const attempts = await pawl.history.attempts(job);
        return attempts.length > 0 && attempts;
      },
      { within: givenUpWithin },
    );
    await endedAttempts(pawl, waiting);
    late.open();
    await returned.opened;

    expect(failed).toMatchObject({ outcome: "failed", error: { code: "PAWL_JOB_TIMEOUT" } });
    expect(await pawl.history.attempts(job)).toHaveLength(1);
  });

  it("may throw after it has been given up, which ends nothing", async () => {
    const pawl = await freshPawl();
    const late = gate();
    const handler = hasty.handle(async () => {
      await late.opened;
      throw new Error("nobody hears this");
    });
    const worker = await startWorker(pawl, { handlers: [handler] });
    const { job } = await pawl.enqueue(hasty);
    await eventually(async () => (await pawl.history.attempts(job)).length > 0, {
      within: givenUpWithin,
    });

    late.open();
    // A rejection that nobody handles is reported after the microtasks of this turn, and fails the run.
    await new Promise((resolve) => setImmediate(resolve));

    expect(worker.state).toBe("running");
    expect(worker.health().running).toBe(0);
  });

  it("may be held up by its validator: the timeout covers that too", async () => {
    const pawl = await freshPawl();
    let calls = 0;
    const hanging: StandardSchema<number, number> = {
      "~standard": {
        version: 1,
        vendor: "test",
        // The enqueue validates too.
        validate: (value) => (++calls === 1 ? { value: value as number } : forever()),
      },
    };
    const task = defineTask({ name: "task", payload: hanging, timeout: "50ms", retry: "none" });
    await startWorker(pawl, { handlers: [task.handle(() => undefined)] });

    const { job } = await pawl.enqueue(task, 1);
    const [attempt] = await eventually(
      async () => {
        const attempts = await pawl.history.attempts(job);
        return attempts.length > 0 && attempts;
      },
      { within: givenUpWithin },
    );

    expect(attempt).toMatchObject({ outcome: "failed", error: { code: "PAWL_JOB_TIMEOUT" } });
  });
});

describe("a handler that ends in time", () => {
  it("is not told anything, however long the others take", async () => {
    const pawl = await freshPawl();
    const patient = defineTask({ name: "patient", payload: typed<number>(), timeout: "1m" });
    const signals: AbortSignal[] = [];
    const finish = gate();
    const handlers = [
      patient.handle(async ({ signal }) => {
        signals.push(signal);
        await finish.opened;
      }),
      hasty.handle(({ signal }) => aborted(signal)),
    ];
    await startWorker(pawl, { handlers });
    const { job: slow } = await pawl.enqueue(patient, 1);
    const { job: timedOut } = await pawl.enqueue(hasty);

    await attemptsOf(pawl, timedOut, 1);
    finish.open();

    expect(await endedOutcomes(pawl, slow)).toEqual(["succeeded"]);
    expect(signals.map((signal) => signal.aborted)).toEqual([false]);
  });

  it("finds its signal aborted when it looks at it late for the first time", async () => {
    const pawl = await freshPawl();
    const reasons: unknown[] = [];
    const handler = hasty.handle(async (context) => {
      await turns(10);
      reasons.push(context.signal.aborted, context.signal.reason);
    });
    await startWorker(pawl, { handlers: [handler] });

    const { job } = await pawl.enqueue(hasty);
    await endedAttempts(pawl, job);

    expect(reasons).toEqual([true, expect.any(JobTimeoutError)]);
  });
});
