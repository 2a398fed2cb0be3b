import { defineTask, Pawl, typed, type JobReference, type PawlOptions, type Worker } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedAttempts, endedOutcomes } from "./fixtures/attempts.ts";
import { startWorker } from "./fixtures/fresh-pawl.ts";
import { act, hideMachines, startWorkerProcess } from "./fixtures/worker-process.ts";
import { databaseUrl, execute, freshSchemaName, withClient } from "./support/database.ts";
import { eventually } from "./support/eventually.ts";
import { gate } from "./support/gate.ts";

const second = 1_000;
const hour = 3_600_000;
const day = 24 * hour;
const noon = Date.UTC(2031, 4, 6, 12);

const note = defineTask({ name: "note", payload: typed<string>() });

interface Clocked {
  readonly pawl: Pawl;
  /** The clock's hands: a test moves them. */
  readonly clock: { now: number };
}

/** A Pawl in a schema of its own, whose clock stands still until the test moves it. */
async function clockedPawl({
  now = noon,
  ...options
}: { now?: number } & PawlOptions<readonly []> = {}): Promise<Clocked> {
  const clock = { now };
  const pawl = new Pawl({
    database: databaseUrl(),
    schema: freshSchemaName(),
    clock: () => clock.now,
    ...options,
  });
  onTestFinished(() => pawl.close());
  await pawl.migrate();
  return { pawl, clock };
}

/** Starts a worker that keeps the payloads of its `note` jobs, in order. */
async function startNoting(pawl: Pawl): Promise<{ worker: Worker; noted: string[] }> {
  const noted: string[] = [];
  const handlers = [note.handle(({ payload }) => void noted.push(payload))];
  return { worker: await startWorker(pawl, { handlers }), noted };
}

/** The workers that have been heard by this time of the clock. */
async function heardAt(pawl: Pawl, time: number): Promise<number> {
  const [row] = await execute<{ count: number }>(
    `select count(*)::int as count from "${pawl.schema}".workers where heartbeat_at = $1`,
    [new Date(time)],
  );
  return row?.count ?? 0;
}

describe("a Pawl with a clock", () => {
  it("says when jobs were enqueued and when they are due exactly as the clock does", async () => {
    const { pawl, clock } = await clockedPawl();

    const now = await pawl.enqueue(note, "now");
    clock.now += 1;
    const later = await pawl.enqueue(note, "later", { delay: "2h" });
    const at = await pawl.enqueue(note, "at", { runAt: new Date(noon + 3 * hour) });
    const past = await pawl.enqueue(note, "past", { runAt: new Date(noon - hour) });

    expect(now.job.runAt).toEqual(new Date(noon));
    expect(await pawl.jobs.get(now.job)).toMatchObject({
      state: "ready",
      createdAt: new Date(noon),
      runAt: new Date(noon),
    });
    expect(await pawl.jobs.get(later.job)).toMatchObject({
      state: "scheduled",
      createdAt: new Date(noon + 1),
      runAt: new Date(noon + 1 + 2 * hour),
    });
    expect(await pawl.jobs.get(at.job)).toMatchObject({ runAt: new Date(noon + 3 * hour) });
    expect(await pawl.jobs.get(past.job)).toMatchObject({ runAt: new Date(noon + 1) });
  });

  it("makes ids of the clock's time", async () => {
    const { pawl } = await clockedPawl();

    const { job } = await pawl.enqueue(note, "now");

    expect(parseInt(job.id.replace("-", "").slice(0, 12), 16)).toBe(noon);
  });

  it.each([
    ["at once", {}, 0],
    ["when hours of delay have passed", { delay: "5h" }, 5 * hour],
    ["at a time days ahead", { runAt: new Date(noon + 2 * day) }, 2 * day],
  ])("runs a job %s", async (_when, options, passing) => {
    const { pawl, clock } = await clockedPawl();
    const { noted } = await startNoting(pawl);

    await pawl.enqueue(note, "job", options);
    clock.now += passing;

    await eventually(() => noted.includes("job"), { within: 5_000 });
  });

  it("runs no job before the clock says so", async () => {
    const { pawl, clock } = await clockedPawl();
    const { noted } = await startNoting(pawl);
    const { job } = await pawl.enqueue(note, "later", { delay: "1h" });

    clock.now += hour - 1;
    await pawl.enqueue(note, "sooner", { delay: 0 });
    await eventually(() => noted.includes("sooner"));

    expect((await pawl.jobs.get(job))?.state).toBe("scheduled");
    clock.now += 1;
    await eventually(() => noted.includes("later"));
  });

  it("finds every job of many that were enqueued while the clock stood still", async () => {
    const { pawl } = await clockedPawl();
    const { noted } = await startNoting(pawl);
    const names = Array.from({ length: 40 }, (_, place) => `job ${place}`);

    for (const name of names) await pawl.enqueue(note, name);

    await eventually(() => noted.length === names.length);
    expect(new Set(noted)).toEqual(new Set(names));
  });

  it("finds jobs that were enqueued after the clock was set back", async () => {
    const { pawl, clock } = await clockedPawl();
    const { noted } = await startNoting(pawl);
    await pawl.enqueue(note, "before");
    await eventually(() => noted.includes("before"));

    clock.now -= hour;
    await pawl.enqueue(note, "behind");

    await eventually(() => noted.includes("behind"), { within: 5_000 });
  });

  it("makes the attempts of a failing job exactly when its delays have passed", async () => {
    const { pawl, clock } = await clockedPawl();
    const task = defineTask({ name: "fail", retry: { retries: 2, delays: [second, "5s"] } });
    const times: number[] = [];
    const run = (): void => {
      times.push(clock.now - noon);
      throw new Error("failed on purpose");
    };
    const handlers = [task.handle(run), note.handle(() => undefined)];
    await startWorker(pawl, { handlers });
    const { job } = await pawl.enqueue(task);

    for (const delay of [second, 5 * second]) {
      const isPutOff = async (): Promise<boolean> =>
        (await pawl.jobs.get(job))?.runAt.getTime() === clock.now + delay;
      await eventually(isPutOff);
      clock.now += delay - 1;
      // What is enqueued now runs after whatever else is due.
      await endedAttempts(pawl, (await pawl.enqueue(note, "marker")).job);
      expect((await pawl.jobs.get(job))?.state).toBe("scheduled");
      clock.now += 1;
    }
    const attempts = await endedAttempts(pawl, job);

    expect(times).toEqual([0, second, 6 * second]);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "failed"]);
    expect(attempts.map(({ finishedAt }) => finishedAt.getTime() - noon)).toEqual(times);
  });

  it("passes back-off of hours in moments", async () => {
    const { pawl, clock } = await clockedPawl();
    const task = defineTask({ name: "fail", retry: { retries: 4, delays: ["1h", "6h"] } });
    const handlers = [task.handle(() => Promise.reject(new Error("failed on purpose")))];
    const worker = await startWorker(pawl, { handlers });
    worker.on("failed", ({ final }) => {
      if (!final) clock.now += 6 * hour;
    });

    const { job } = await pawl.enqueue(task);

    expect(await endedOutcomes(pawl, job)).toEqual(Array(5).fill("failed"));
  });

  it("gives a job of a transactional task the same time", async () => {
    const { pawl, clock } = await clockedPawl();
    const task = defineTask({ name: "transactional", transactional: true });
    const held = gate();
    const started = gate();
    const inner = gate<JobReference>();
    const run = task.handle(async ({ enqueue }) => {
      started.open();
      await held.opened;
      inner.open({ queue: "default", ...(await enqueue(note, "within")).job });
    });
    await startWorker(pawl, { handlers: [run] });

    const { job } = await pawl.enqueue(task);
    await started.opened;
    clock.now += 2 * hour;
    held.open();
    const [attempt] = await endedAttempts(pawl, job);
    expect(attempt).toMatchObject({ outcome: "succeeded", finishedAt: new Date(noon + 2 * hour) });
    const { createdAt } = (await pawl.jobs.get(await inner.opened)) ?? {};
    expect(createdAt).toEqual(new Date(noon + 2 * hour));
  });
});

describe("leases by a clock", () => {
  it("end when the clock moves past them, for a worker that was killed and no other", async () => {
    const { pawl, clock } = await clockedPawl();
    const doomed = await startWorkerProcess(pawl, { clock: noon, worker: { lease: "10s" } });
    const { job } = await pawl.enqueue(act, { does: "hang" });
    await doomed.says("running", job);
    // Nobody is to ask the machine whether it lives.
    await hideMachines(pawl);
    doomed.process.kill("SIGKILL");
    await doomed.exited;
    const runs: string[] = [];
    const held = gate();
    const lives = await startWorker(pawl, {
      handlers: [
        act.handle((context) => void runs.push(context.job.id)),
        note.handle(() => held.opened),
      ],
      lease: "10s",
    });
    const lost: unknown[] = [];
    lives.on("leaseLost", (error) => lost.push(error));
    const other = await pawl.enqueue(note, "runs meanwhile");
    await eventually(async () => (await pawl.jobs.get(other.job))?.state === "running");

    clock.now += 10 * second;
    await eventually(async () => (await heardAt(pawl, clock.now)) === 1);
    expect((await pawl.jobs.get(job))?.state).toBe("running");
    clock.now += 1;
    expect(await endedOutcomes(pawl, job)).toEqual(["crashed", "succeeded"]);
    held.open();

    expect(await endedOutcomes(pawl, other.job)).toEqual(["succeeded"]);
    expect(runs).toEqual([job.id]);
    expect(lost).toEqual([]);
  });

  it("of workers that live are kept when the clock jumps by days", async () => {
    const { pawl, clock } = await clockedPawl();
    const lost: unknown[] = [];
    const held = gate();
    const handlers = [note.handle(() => held.opened)];
    for (const name of ["one", "two"]) {
      const worker = await startWorker(pawl, { name, handlers, lease: "1s", concurrency: 1 });
      worker.on("leaseLost", (error) => lost.push(error));
    }
    const jobs = await pawl.enqueueMany([note.job("a"), note.job("b")]);

    for (let jump = 0; jump < 8; jump += 1) {
      clock.now += (jump % 4) * 6 * hour + hour;
      await eventually(async () => (await heardAt(pawl, clock.now)) === 2);
    }
    held.open();

    for (const { job } of jobs) expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    expect(lost).toEqual([]);
  });
});

describe("the history by a clock", () => {
  it.each([
    ["long ago", Date.UTC(1999, 0, 1)],
    ["far ahead", Date.UTC(2087, 5, 30)],
  ])("is kept %s, in a partition that is made there", async (_where, there) => {
    const { pawl, clock } = await clockedPawl();
    await startNoting(pawl);
    const first = await pawl.enqueue(note, "here");
    await endedAttempts(pawl, first.job);

    clock.now = there;
    const { job } = await pawl.enqueue(note, "there");
    const [attempt] = await endedAttempts(pawl, job);

    expect(attempt).toMatchObject({
      finishedAt: new Date(there),
      expiresAt: new Date(there + 30 * day),
    });
  });

  it("has a partition when the clock has jumped, before a transactional job needs it", async () => {
    const { pawl, clock } = await clockedPawl();
    const task = defineTask({ name: "transactional", transactional: true });
    await startWorker(pawl, { handlers: [task.handle(() => "done")] });

    clock.now += 400 * day;
    const { job } = await pawl.enqueue(task);

    const attempts = await endedAttempts(pawl, job);
    expect(attempts.at(-1)).toMatchObject({
      outcome: "succeeded",
      expiresAt: new Date(noon + 430 * day),
    });
  });
});

describe("a clock of the caller's", () => {
  it("is that of its own Pawl only", async () => {
    const { pawl: early } = await clockedPawl({ now: noon - 1_000 * day });
    const { pawl: late } = await clockedPawl({ now: noon + 1_000 * day });
    const plain = new Pawl({ database: databaseUrl(), schema: freshSchemaName() });
    onTestFinished(() => plain.close());
    await plain.migrate();
    const pawls = [early, late, plain];
    const seen = await Promise.all(pawls.map((pawl) => startNoting(pawl)));

    const before = Date.now();
    const results = await Promise.all(pawls.map((pawl) => pawl.enqueue(note, pawl.schema)));
    await eventually(() => seen.every(({ noted }) => noted.length === 1));

    expect(seen.flatMap(({ noted }) => noted)).toEqual(pawls.map(({ schema }) => schema));
    const [atEarly, atLate, atPlain] = results.map(({ job }) => job.runAt.getTime());
    expect(atEarly).toBe(noon - 1_000 * day);
    expect(atLate).toBe(noon + 1_000 * day);
    expect(Math.abs((atPlain ?? 0) - before)).toBeLessThan(60 * second);
  });

  it("is refused when it does not give milliseconds", () => {
    const database = databaseUrl();

    for (const reading of [NaN, Infinity, -1, "noon", new Date()]) {
      const clock = (() => reading) as () => number;
      expect(() => new Pawl({ database, clock })).toThrow(/`clock`.*milliseconds/);
    }
  });

  it("is refused when it goes wrong later, and nothing is written", async () => {
    const { pawl, clock } = await clockedPawl();

    clock.now = NaN;
    await expect(pawl.enqueue(note, "never")).rejects.toThrow(/`clock`/);

    clock.now = noon;
    expect(await execute(`select from "${pawl.schema}".jobs`)).toEqual([]);
  });

  it("leaves nothing behind in the session, and a joined transaction to its owner", async () => {
    const { pawl } = await clockedPawl();

    await withClient(async (client) => {
      await client.query("begin");
      const { job } = await pawl.enqueue(note, "joined", { db: client });
      await client.query("commit");
      const { rows } = await client.query("select current_setting('pawl.clock', true) as clock");

      expect((await pawl.jobs.get(job))?.createdAt).toEqual(new Date(noon));
      expect(rows).toEqual([{ clock: "" }]);
    });
  });
});
