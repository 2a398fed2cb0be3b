import { setTimeout as wait } from "node:timers/promises";
import type { EnqueuedJob, Pawl } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { databaseUrl, execute } from "../support/database.ts";
import { migratedSchema, openPawl } from "../support/producer.ts";
import { moduleOf, startPawl, type Running } from "./pawl-command.ts";

// Signals that come within 300 ms are one Ctrl-C, passed on by npx.
const longerThanAnEchoMs = 400;

/** What a job does. */
interface Work {
  readonly ms: number;
  readonly heedsSignal: boolean;
  /** Signals that its process sends itself: from outside, nobody knows when they are looked at. */
  readonly sends?: "an echo" | "three signals";
}

const text = `
import { setTimeout as wait } from "node:timers/promises";
import { defineTask, typed } from "pawl";
const send = (signal) => process.kill(process.pid, signal);
const sends = {
  "an echo": () => {
    send("SIGINT");
    send("SIGINT");
  },
  "three signals": () => {
    process.on("SIGTERM", () => setTimeout(send, ${longerThanAnEchoMs}, "SIGTERM"));
    send("SIGTERM");
  },
};
process.on("SIGINT", () => console.log("SIGINT came"));
export const work = defineTask({ name: "work", payload: typed(), retry: "none", async run({ payload, signal }) {
  console.log("running");
  sends[payload.sends]?.();
  await wait(payload.ms, undefined, payload.heedsSignal ? { signal } : {});
} });
// As a module does that has opened a server or a pool of its own.
setInterval(() => undefined, 1_000);`;

let schema: string;
let pawl: Pawl;

beforeEach(async () => {
  schema = await migratedSchema();
  pawl = openPawl(schema);
});

/** Starts a worker with one more option or two. */
async function start(...more: string[]): Promise<Running> {
  const tasks = moduleOf("tasks.mjs", text);
  const connection = ["--database", databaseUrl(), "--schema", schema];
  const worker = startPawl(["work", "--tasks", tasks, ...connection, ...more]);
  await worker.says("started");
  return worker;
}

/** The same, with a job that is running. */
async function startWithJob(
  payload: Work,
  ...more: string[]
): Promise<{ worker: Running; job: EnqueuedJob }> {
  const { job } = await pawl.enqueueByName("work", payload);
  const worker = await start(...more);
  await worker.says("running");
  return { worker, job };
}

async function outcomesOf(job: EnqueuedJob): Promise<string[]> {
  return (await pawl.history.attempts(job)).map(({ outcome }) => outcome);
}

describe("the first signal", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "%s ends an idle worker with status 0",
    async (signal) => {
      const worker = await start();

      worker.process.kill(signal);
      const { status } = await worker.ended;

      expect(status).toBe(0);
      expect(worker.stderr).toMatch(/"msg":"worker stopped"\}\n$/);
      const rows = await execute(`select from ${schema}.workers where ended_at is null`);
      expect(rows).toEqual([]);
    },
  );

  it.each(["SIGTERM", "SIGINT"] as const)("%s lets a running job end", async (signal) => {
    const { worker, job } = await startWithJob({ ms: 1_000, heedsSignal: true });

    worker.process.kill(signal);
    const { status } = await worker.ended;

    expect(status).toBe(0);
    expect(await outcomesOf(job)).toEqual(["succeeded"]);
  });

  it("gives a job back when the grace period is over, and counts no failure", async () => {
    const job = { ms: 60_000, heedsSignal: true };
    const started = await startWithJob(job, "--shutdown-grace", "300ms");

    started.worker.process.kill("SIGTERM");
    const { status } = await started.worker.ended;

    expect(status).toBe(0);
    expect(await pawl.jobs.get(started.job)).toMatchObject({ state: "ready", failures: 0 });
    expect(await outcomesOf(started.job)).toEqual(["released"]);
  });

  it("gives a job back whose handler ignores the end of the grace period", async () => {
    const job = { ms: 60_000, heedsSignal: false };
    const started = await startWithJob(job, "--shutdown-grace", "100ms");

    started.worker.process.kill("SIGTERM");
    const { status } = await started.worker.ended;

    expect(status).toBe(0);
    expect(await pawl.jobs.get(started.job)).toMatchObject({ state: "ready", failures: 0 });
  });

  it("is not doubled by an echo", async () => {
    const work = { ms: 1_500, heedsSignal: true, sends: "an echo" } as const;
    const { worker, job } = await startWithJob(work);

    const { status, stdout } = await worker.ended;

    expect(stdout.match(/SIGINT came/g)).toHaveLength(2);
    expect(status).toBe(0);
    expect(await outcomesOf(job)).toEqual(["succeeded"]);
  });
});

describe("the second signal", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s does not wait for a running job: status %i", async (signal, expected) => {
    const { worker, job } = await startWithJob({ ms: 60_000, heedsSignal: true });

    worker.process.kill("SIGTERM");
    await worker.says("signal again");
    await wait(longerThanAnEchoMs);
    worker.process.kill(signal);
    const { status } = await worker.ended;

    expect(status).toBe(expected);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", failures: 0 });
  });

  it("ends a worker whose handler ignores it", async () => {
    const { worker } = await startWithJob({ ms: 60_000, heedsSignal: false });

    worker.process.kill("SIGTERM");
    await worker.says("signal again");
    await wait(longerThanAnEchoMs);
    worker.process.kill("SIGTERM");
    const { status } = await worker.ended;

    expect(status).toBe(143);
  });
});

describe("the third signal", () => {
  it("ends the process on the spot", async () => {
    const work = { ms: 60_000, heedsSignal: false, sends: "three signals" } as const;
    const { worker, job } = await startWithJob(work);

    const { status } = await worker.ended;

    expect(status).toBe(143);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "running" });
  });
});
