import {
  defineTask,
  exponential,
  LeaseLostError,
  partialSuccess,
  typed,
  type HeldJob,
  type Pawl,
} from "pawl";
import { describe, expect, it } from "vitest";
import { endedOutcomes } from "../fixtures/attempts.ts";
import { claimOne } from "../fixtures/by-hand.ts";
import { clockedPawl } from "../fixtures/clocked-pawl.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { openPawl, rejectionOf } from "../support/producer.ts";

const day = 86_400_000;
const task = defineTask({ name: "task", payload: typed<number>() });
const growing = defineTask({
  name: "growing",
  payload: typed<number>(),
  retry: exponential({ retries: 3, initial: "10s", factor: 2, jitter: 0 }),
});

async function pawlWithJobs(count: number): Promise<{ pawl: Pawl; ids: string[] }> {
  const pawl = await freshPawl();
  const results = await pawl.enqueueMany(Array.from({ length: count }, (_, n) => task.job(n)));
  return { pawl, ids: results.map(({ job }) => job.id) };
}

describe("get-jobs claims jobs for a worker, which is a name", () => {
  it("claims one job unless told otherwise, and none that somebody holds", async () => {
    const { pawl, ids } = await pawlWithJobs(4);

    const one = await pawl.jobs.claim("ada");
    const two = await pawl.jobs.claim("ada", { batchSize: 2 });
    const rest = await pawl.jobs.claim("bob", { batchSize: 9 });

    expect([one, two, rest].map((jobs) => jobs.map(({ id }) => id))).toEqual([
      [ids[0]],
      [ids[1], ids[2]],
      [ids[3]],
    ]);
    expect(one[0]).toMatchObject({ task: "task", payload: 0, attempt: 1 });
  });

  it("claims of the named tasks only, and skips forbidden flags", async () => {
    const { pawl } = await pawlWithJobs(1);
    const flagged = await pawl.enqueue(growing, 7, { flags: ["gpu", "eu"] });
    const plain = await pawl.enqueue(growing, 8, { flags: ["eu"] });

    const options = { tasks: ["growing"], batchSize: 9 };
    const allowed = await pawl.jobs.claim("ada", { ...options, forbiddenFlags: ["gpu"] });
    const others = await pawl.jobs.claim("ada", options);

    expect(allowed.map(({ id }) => id)).toEqual([plain.job.id]);
    expect(others.map(({ id }) => id)).toEqual([flagged.job.id]);
  });

  it("keeps the history for as long as the claim says", async () => {
    const { pawl } = await pawlWithJobs(2);
    const usual = await claimOne(pawl);
    const [long] = await pawl.jobs.claim("ada", { historyRetention: "90 days" });
    await pawl.jobs.complete("ada", [usual, ...(long === undefined ? [] : [long])]);

    const { attempts } = await pawl.history.list();
    const kept = attempts.map(({ expiresAt, finishedAt }) => +expiresAt - +finishedAt);

    expect(kept.sort((a, b) => a - b)).toEqual([30 * day, 90 * day]);
  });

  it("keeps the worker's lease while it holds jobs", async () => {
    const { pawl, clock } = await clockedPawl();
    await pawl.enqueue(task, 1);
    const job = await claimOne(pawl);

    clock.now += day;
    await eventually(async () => {
      const heard = await execute(
        `select from "${pawl.schema}".workers where name = 'ada' and heartbeat_at = $1`,
        [new Date(clock.now)],
      );
      return heard.length === 1;
    });
    const other = openPawl(pawl.schema, { clock: () => clock.now });

    expect(await other.maintenance.resetLockedJobs()).toBe(0);
    await pawl.jobs.complete("ada", [job]);
    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
  });
});

describe("correlation-id: each attempt has an id of its own, found again in its history row", () => {
  it("for every attempt of every job", async () => {
    const { pawl } = await pawlWithJobs(2);
    const ids: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const job = await claimOne(pawl);
      ids.push(job.attemptId);
      if (job.attempt > 1) await pawl.jobs.complete("ada", [job]);
      else {
        await pawl.jobs.fail("ada", [{ job, error: "again" }]);
        await pawl.jobs.retry(job);
      }
    }

    const { attempts } = await pawl.history.list();

    expect(new Set(ids).size).toBe(4);
    expect(attempts.map(({ attemptId }) => attemptId).sort()).toEqual([...ids].sort());
    for (const { id, attempt, attemptId } of attempts) expect(attemptId).toBe(`${id}.${attempt}`);
  });
});

describe("complete-jobs removes jobs from the queue and writes their history", () => {
  it("with the time they took", async () => {
    const { pawl } = await pawlWithJobs(1);
    const job = await claimOne(pawl);

    await pawl.jobs.complete("ada", [job], { executionMs: 1_500 });

    expect((await pawl.jobs.list()).jobs).toEqual([]);
    expect(await pawl.history.attempts(job)).toMatchObject([
      { outcome: "succeeded", final: true, runMs: 1_500, payload: 0 },
    ]);
  });

  it("for the holder only: the others of the batch settle, and the error lists the lost", async () => {
    const { pawl, ids } = await pawlWithJobs(3);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 3 });
    await pawl.jobs.failPermanently(ids[1] ?? "", "taken away");

    const ofOthers = await rejectionOf(pawl.jobs.complete("bob", jobs));
    const untouched = (await pawl.jobs.list({ state: "running" })).jobs.map(({ id }) => id);
    const error = await rejectionOf(pawl.jobs.complete("ada", jobs));

    const lost = ids.map((id) => ({ queue: "default", id, attempt: 1 }));
    expect(ofOthers).toBeInstanceOf(LeaseLostError);
    expect(ofOthers).toMatchObject({ jobs: lost });
    expect(untouched).toEqual([ids[0], ids[2]]);
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(error).toMatchObject({ jobs: [lost[1]] });
    expect((await pawl.jobs.list()).jobs).toEqual([]);
    expect(await endedOutcomes(pawl, { queue: "default", id: ids[2] ?? "" })).toEqual([
      "succeeded",
    ]);
  });
});

describe("fail-jobs retries with exponential backoff, and keeps message and stack", () => {
  it("doubles the delay until the attempts are used up", async () => {
    const { pawl, clock } = await clockedPawl({ tasks: [growing] });
    const { job } = await pawl.enqueue(growing, 1);
    const delays: (number | null)[] = [];
    const early: number[] = [];

    for (let attempt = 1; attempt <= 4; attempt += 1) {
      const held = await claimOne(pawl);
      await pawl.jobs.fail("ada", [{ job: held, error: new TypeError(`no luck ${attempt}`) }]);
      const next = await pawl.jobs.get(job);
      const delay = next?.state === "scheduled" ? +next.runAt - clock.now : null;
      delays.push(delay);
      clock.now += (delay ?? 1) - 1;
      early.push((await pawl.jobs.claim("ada")).length);
      clock.now += 1;
    }

    const attempts = await pawl.history.attempts(job);
    expect(delays).toEqual([10_000, 20_000, 40_000, null]);
    expect(early).toEqual([0, 0, 0, 0]);
    expect(attempts.map(({ final }) => final)).toEqual([false, false, false, true]);
    expect(attempts[3]).toMatchObject({ outcome: "failed", error: { message: "no luck 4" } });
  });

  it("takes an Error or a string, of several jobs at once", async () => {
    const { pawl, ids } = await pawlWithJobs(2);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 2 });
    const errors = [new RangeError("too far"), "in words"];

    await pawl.jobs.fail(
      "ada",
      jobs.map((job, place) => ({ job, error: errors[place] ?? "" })),
      { executionMs: 20 },
    );

    const [first, second] = await Promise.all(jobs.map((job) => pawl.history.attempts(job)));
    expect(first).toMatchObject([
      {
        outcome: "failed",
        final: false,
        runMs: 20,
        error: {
          name: "RangeError",
          message: "too far",
          stack: expect.stringContaining("job-manager-worker.test"),
        },
      },
    ]);
    expect(second).toMatchObject([{ outcome: "failed", error: { message: "in words" } }]);
    expect(await pawl.jobs.get(ids[0] ?? "")).toMatchObject({
      state: "scheduled",
      failures: 1,
      lastError: "too far",
    });
  });
});

describe("report-partial-success reschedules with backoff, and the next attempt reads what was done", () => {
  const results = {
    completedSteps: ["fetch", "parse"],
    failedSteps: ["store"],
    retryFromStep: "store",
    results: { rows: 12 },
  };

  it("by hand", async () => {
    const { pawl, clock } = await clockedPawl({ tasks: [growing] });
    const { job } = await pawl.enqueue(growing, 1);
    const first = await claimOne(pawl);

    await pawl.jobs.reportPartialSuccess("ada", first, results, { executionMs: 30 });
    const waiting = await pawl.jobs.get(job);
    clock.now += 10_000;
    const second: HeldJob = await claimOne(pawl);

    expect(waiting).toMatchObject({ state: "scheduled", runAt: new Date(clock.now) });
    expect(second).toMatchObject({ attempt: 2, partialResults: results });
    expect(await pawl.history.attempts(job)).toMatchObject([
      { outcome: "partial", final: false, runMs: 30 },
    ]);
  });

  it("from a handler", async () => {
    const { pawl, clock } = await clockedPawl();
    const { job } = await pawl.enqueue(growing, 1);
    const read: unknown[] = [];
    const handlers = [
      growing.handle(({ job: { partialResults } }) => {
        read.push(partialResults);
        return partialResults === null ? partialSuccess(results) : "done";
      }),
    ];

    await pawl.workOnce({ handlers });
    const early = await pawl.workOnce({ handlers });
    clock.now += 10_000;
    await pawl.workOnce({ handlers });

    expect(early).toBeNull();
    expect(read).toEqual([null, results]);
    expect(await endedOutcomes(pawl, job)).toEqual(["partial", "succeeded"]);
  });
});
