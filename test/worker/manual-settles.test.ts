import type { Pawl } from "pawl";
import { LeaseLostError, UnrecoverableError, type HeldJob, type JobReference } from "pawl";
import { describe, expect, it } from "vitest";
import { attemptsOf, endedAttempts } from "../fixtures/attempts.ts";
import { claimOne, jobsOf, rejectionOf, stage, task } from "../fixtures/by-hand.ts";
import { execute } from "../support/database.ts";
import { beginTransaction } from "../support/producer.ts";

describe("settling by hand", () => {
  it("completes jobs with their outputs and the time they took", async () => {
    const { pawl } = await stage(2);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 2 });

    await pawl.jobs.complete("ada", jobs, { executionMs: 1_500, outputs: [{ sum: 3 }, undefined] });

    const [first] = await endedAttempts(pawl, jobs[0] as JobReference);
    const [second] = await endedAttempts(pawl, jobs[1] as JobReference);
    const tookMs = Number(first?.finishedAt) - Number(first?.startedAt);
    expect(first).toMatchObject({ outcome: "succeeded", final: true, output: { sum: 3 } });
    expect(second).toMatchObject({ outcome: "succeeded", output: null });
    expect(tookMs).toBe(1_500);
    expect(await jobsOf(pawl)).toEqual([]);
  });

  it("retries a failed job by its task, with the message in its history", async () => {
    const { pawl } = await stage(1);
    const first = await claimOne(pawl);
    await pawl.jobs.fail("ada", [{ job: first, error: new TypeError("no luck") }]);
    const second = await claimOne(pawl);
    await pawl.jobs.fail("ada", [{ job: second, error: "still none" }]);
    const third = await claimOne(pawl);
    await pawl.jobs.fail("ada", [{ job: third, error: "never" }], { executionMs: 5 });

    const attempts = await endedAttempts(pawl, first);

    expect(second).toMatchObject({ attempt: 2, failures: 1, lastError: "no luck" });
    expect(attempts.map(({ outcome, final, error }) => [outcome, final, error])).toEqual([
      [
        "failed",
        false,
        expect.objectContaining({
          name: "TypeError",
          message: "no luck",
          stack: expect.stringContaining("manual-settles.test"),
        }),
      ],
      ["failed", false, { name: "Error", message: "still none" }],
      ["failed", true, expect.objectContaining({ message: "never" })],
    ]);
  });

  it("retries a job of an unknown task after a while, and fails an unrecoverable one for good", async () => {
    const { pawl } = await stage();
    const enqueued = await pawl.enqueueByName("nobody's", null);
    const { job: doomed } = await pawl.enqueue(task, 1);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 2 });

    await pawl.jobs.fail(
      "ada",
      jobs.map((job) => ({ job, error: new UnrecoverableError("hopeless") })).slice(1),
    );
    await pawl.jobs.fail("ada", jobs.map((job) => ({ job, error: "later" })).slice(0, 1));

    expect(await endedAttempts(pawl, doomed)).toMatchObject([{ outcome: "failed", final: true }]);
    expect(await jobsOf(pawl)).toEqual([{ id: enqueued.job.id, state: "scheduled" }]);
  });

  it("keeps partial results for the next attempt", async () => {
    const { pawl } = await stage(1);
    const results = { completedSteps: ["fetch"], retryFromStep: "store" };
    const first = await claimOne(pawl);

    await pawl.jobs.reportPartialSuccess("ada", first, results, { executionMs: 20 });
    const second = await claimOne(pawl);

    expect(second.partialResults).toEqual(results);
    expect(await attemptsOf(pawl, first, 1)).toMatchObject([
      { outcome: "partial", final: false, output: results },
    ]);
  });

  it("gives jobs back as if they had not been claimed", async () => {
    const { pawl, ids } = await stage(2);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 1 });

    await pawl.jobs.release("ada", jobs);
    const again = await pawl.jobs.claim("bob", { batchSize: 2 });

    expect(again.map(({ id, failures }) => [id, failures])).toEqual([
      [ids[0], 0],
      [ids[1], 0],
    ]);
  });

  it("settles what is held and names what is not", async () => {
    const { pawl, ids } = await stage(4);
    const mine = await pawl.jobs.claim("ada", { batchSize: 3 });
    const bobs = await pawl.jobs.claim("bob");
    await pawl.jobs.complete("ada", mine.slice(0, 1));
    await execute(
      `update ${pawl.schema}.jobs set indexed_as = 'ready', worker_id = null, claim_number = null where id = $1`,
      [ids[1]],
    );

    const error = await rejectionOf(pawl.jobs.complete("ada", [...mine.slice(1), ...bobs]));

    expect(error).toBeInstanceOf(LeaseLostError);
    expect((error as LeaseLostError).jobs).toEqual([
      { queue: "default", id: ids[3], attempt: 1 },
      { queue: "default", id: ids[1], attempt: 1 },
    ]);
    expect(await jobsOf(pawl)).toEqual([
      { id: ids[1], state: "ready" },
      { id: ids[3], state: "running" },
    ]);
    await pawl.jobs.complete("bob", bobs);
  });

  it("finds a job lost that has been settled before", async () => {
    const { pawl } = await stage(1);
    const job = await claimOne(pawl);
    await pawl.jobs.fail("ada", [{ job, error: "once" }]);
    const again = await claimOne(pawl, "bob");

    const error = await rejectionOf(pawl.jobs.release("ada", [job]));
    await pawl.jobs.complete("bob", [again]);

    expect(error).toMatchObject({ code: "PAWL_LEASE_LOST", jobs: [{ id: job.id, attempt: 1 }] });
  });

  it("keeps history for as long as its claim said", async () => {
    const { pawl } = await stage(1);
    const jobs = await pawl.jobs.claim("ada", { historyRetention: "90 days" });

    await pawl.jobs.complete("ada", jobs);

    const [row] = await execute<{ days: number }>(
      `select extract(day from expires_at - finished_at)::float8 as days from ${pawl.schema}.history`,
    );
    expect(row).toEqual({ days: 90 });
  });

  it("settles in the caller's transaction, or not at all", async () => {
    const { pawl } = await stage(3);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 3, historyRetention: "60 days" });
    const client = await beginTransaction();

    await pawl.jobs.complete("ada", jobs.slice(0, 1), { db: client });
    await pawl.jobs.fail(
      "ada",
      jobs.slice(1, 2).map((job) => ({ job, error: "no" })),
      { db: client },
    );
    await pawl.jobs.release("ada", jobs.slice(2), { db: client });
    const before = await jobsOf(pawl);
    await client.query("rollback");
    await client.query("begin");
    await pawl.jobs.complete("ada", jobs, { db: client });
    await client.query("commit");

    expect(before.map(({ state }) => state)).toEqual(["running", "running", "running"]);
    expect(await jobsOf(pawl)).toEqual([]);
  });

  it.each([
    [
      "an unknown option",
      (pawl: Pawl, job: HeldJob) => pawl.jobs.complete("ada", [job], { ms: 1 } as never),
    ],
    [
      "a time below zero",
      (pawl: Pawl, job: HeldJob) => pawl.jobs.complete("ada", [job], { executionMs: -1 }),
    ],
    [
      "too few outputs",
      (pawl: Pawl, job: HeldJob) => pawl.jobs.complete("ada", [job], { outputs: [] }),
    ],
    ["a copy of a job", (pawl: Pawl, job: HeldJob) => pawl.jobs.complete("ada", [{ ...job }])],
    ["a job twice", (pawl: Pawl, job: HeldJob) => pawl.jobs.complete("ada", [job, job])],
    ["no name", (pawl: Pawl, job: HeldJob) => pawl.jobs.complete("", [job])],
    ["no error", (pawl: Pawl, job: HeldJob) => pawl.jobs.fail("ada", [{ job } as never])],
    [
      "an error that is none",
      (pawl: Pawl, job: HeldJob) => pawl.jobs.fail("ada", [{ job, error: 3 as never }]),
    ],
    ["a batch of none", (pawl: Pawl) => pawl.jobs.claim("ada", { batchSize: 0 })],
  ])("refuses %s, and writes nothing", async (_, call) => {
    const { pawl } = await stage(1);
    const job = await claimOne(pawl);

    const error = await rejectionOf(call(pawl, job));

    expect(error).toMatchObject({ name: "OptionError" });
    expect(await jobsOf(pawl)).toMatchObject([{ state: "running" }]);
  });

  it("refuses an output that is no JSON", async () => {
    const { pawl } = await stage(1);
    const job = await claimOne(pawl);

    const error = await rejectionOf(pawl.jobs.complete("ada", [job], { outputs: [{ big: 1n }] }));

    expect(error).toMatchObject({ code: "PAWL_PAYLOAD_INVALID", path: "outputs[0].big" });
  });
});
