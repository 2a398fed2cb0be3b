import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  defineTask,
  LeaseLostError,
  Pawl,
  typed,
  UnrecoverableError,
  type HeldJob,
  type JobReference,
} from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { attemptsOf, endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { beginTransaction } from "../support/producer.ts";

const task = defineTask({
  name: "task",
  payload: typed<number>(),
  retry: { retries: 2, delays: [0] },
});
const other = defineTask({ name: "other", queue: "others", payload: typed<number>() });

/** A Pawl that knows the tasks, in a schema of its own, with so many jobs. */
async function stage(
  jobs = 0,
): Promise<{ pawl: Pawl<[typeof task, typeof other]>; ids: string[] }> {
  const { schema } = await freshPawl();
  const pawl = anotherPawl(schema);
  const enqueued = await pawl.enqueueMany(Array.from({ length: jobs }, (_, n) => task.job(n)));
  return { pawl, ids: enqueued.map(({ job }) => job.id) };
}

function anotherPawl(schema: string): Pawl<[typeof task, typeof other]> {
  const pawl = new Pawl({ database: databaseUrl(), schema, tasks: [task, other] });
  onTestFinished(() => pawl.close());
  return pawl;
}

async function claimOne(pawl: Pick<Pawl, "jobs">, workerId = "ada"): Promise<HeldJob> {
  const [job] = await pawl.jobs.claim(workerId);
  if (job === undefined) throw new Error("expected a job to be ready");
  return job;
}

async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** What is in the table of live jobs, in the order of enqueueing. */
function jobsOf(pawl: { schema: string }): Promise<{ id: string; state: string }[]> {
  return execute(`select id::text, state from ${pawl.schema}.jobs order by id`);
}

function workersOf(pawl: { schema: string }): Promise<{ name: string; ended: boolean }[]> {
  return execute(
    `select name, ended_at is not null as ended from ${pawl.schema}.workers order by started_at`,
  );
}

/** A process that claims so many jobs, says which, and then does nothing more. */
function startHolder(
  pawl: { schema: string },
  batchSize: number,
): { child: ChildProcess; claimed: Promise<string[]> } {
  const program = fileURLToPath(new URL("../fixtures/holder.mjs", import.meta.url));
  const given = JSON.stringify({ url: databaseUrl(), schema: pawl.schema, batchSize });
  const child = fork(program, [given], { execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, claimed: once(child, "message").then(([ids]) => ids as string[]) }; // the program's own
}

describe("a claim by hand", () => {
  it("takes one job by default, and as many as asked for, in order", async () => {
    const { pawl, ids } = await stage(4);

    const first = await pawl.jobs.claim("ada");
    const others = await pawl.jobs.claim("ada", { batchSize: 5 });

    expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 1));
    expect(others.map(({ id }) => id)).toEqual(ids.slice(1));
    expect(await pawl.jobs.claim("ada")).toEqual([]);
  });

  it("hands out what is known of a job, and its payload", async () => {
    const { pawl, ids } = await stage(1);

    const job = await claimOne(pawl);

    expect(job).toMatchObject({
      id: ids[0],
      queue: "default",
      task: "task",
      attempt: 1,
      attemptId: `${ids[0]}.1`,
      failures: 0,
      maxAttempts: 3,
      flags: [],
      payload: 0,
    });
    expect(JSON.parse(JSON.stringify(job))).not.toHaveProperty("payload");
  });

  it("takes only jobs of the tasks and queues that it names", async () => {
    const { pawl } = await stage(1);
    await pawl.enqueue(other, 1);
    await pawl.enqueue(other, 2, { queue: "elsewhere" });

    const byTask = await pawl.jobs.claim("ada", { tasks: ["other"], queues: ["others"] });
    const byQueue = await pawl.jobs.claim("ada", { queues: ["elsewhere"], batchSize: 9 });
    const rest = await pawl.jobs.claim("ada", { batchSize: 9 });

    expect([byTask, byQueue, rest].map((jobs) => jobs.map(({ payload }) => payload))).toEqual([
      [1],
      [2],
      [0],
    ]);
  });

  it("leaves jobs with a forbidden flag to others", async () => {
    const { pawl, ids } = await stage(3);
    await execute(`update ${pawl.schema}.jobs set flags = '{eu}' where id = $1`, [ids[0]]);
    await execute(`update ${pawl.schema}.jobs set flags = '{us}' where id = $1`, [ids[1]]);

    const first = await pawl.jobs.claim("ada", { batchSize: 3, forbiddenFlags: ["eu", "us"] });
    const second = await pawl.jobs.claim("ada", { batchSize: 3, forbiddenFlags: () => ["us"] });
    const third = await pawl.jobs.claim("bob", { batchSize: 3 });

    expect([first, second, third].map((jobs) => jobs.map(({ id, flags }) => [id, flags]))).toEqual([
      [[ids[2], []]],
      [[ids[0], ["eu"]]],
      [[ids[1], ["us"]]],
    ]);
  });

  it("finds a job that has fallen due, with no worker about", async () => {
    const { pawl } = await stage();
    const { job } = await pawl.enqueue(task, 1, { delay: "50ms" });

    const claimed = await eventually(async () => (await pawl.jobs.claim("ada"))[0]);

    expect(claimed.id).toBe(job.id);
  });

  it("hands out a job whose payload cannot be read; only the look at it fails", async () => {
    const { schema } = await freshPawl();
    const serializer = {
      serialize: JSON.stringify,
      deserialize: (): never => {
        throw new Error("garbled");
      },
    };
    const pawl = new Pawl({ database: databaseUrl(), schema, serializer });
    onTestFinished(() => pawl.close());
    await pawl.enqueueByName("task", 1);

    const job = await claimOne(pawl);

    expect(() => job.payload).toThrow(
      expect.objectContaining({ code: "PAWL_PAYLOAD_UNDECODABLE" }),
    );
    await pawl.jobs.fail("ada", [{ job, error: "cannot be read" }]);
  });

  it("gives each job to one of several processes", async () => {
    const { pawl, ids } = await stage(200);
    const holders = [1, 2].map(() => startHolder(pawl, 70));
    const here = pawl.jobs.claim("ada", { batchSize: 60 });

    const claimed = [...(await here).map(({ id }) => id)];
    for (const holder of holders) claimed.push(...(await holder.claimed));

    expect(claimed).toHaveLength(200);
    expect(new Set(claimed)).toEqual(new Set(ids));
  });
});

describe("jobs with keys and limits, by hand", () => {
  it("run one at a time and in order when they share a concurrency key", async () => {
    const { pawl } = await stage();
    for (const n of [1, 2, 3]) await pawl.enqueue(task, n, { concurrency: { key: "serial" } });

    const payloads: unknown[] = [];
    const together: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const jobs = await pawl.jobs.claim("ada", { batchSize: 5 });
      together.push(jobs.length);
      payloads.push(...jobs.map(({ payload }) => payload));
      await pawl.jobs.complete("ada", jobs);
    }

    expect(together).toEqual([1, 1, 1]);
    expect(payloads).toEqual([1, 2, 3]);
  });

  it("free their concurrency key when the caller's transaction commits", async () => {
    const { pawl } = await stage();
    for (const n of [1, 2]) await pawl.enqueue(task, n, { concurrency: { key: "serial" } });
    const first = await claimOne(pawl);
    const client = await beginTransaction();

    await pawl.jobs.complete("ada", [first], { db: client });
    const before = await pawl.jobs.claim("ada");
    await client.query("commit");
    const second = await claimOne(pawl);

    expect(before).toEqual([]);
    expect(second.payload).toBe(2);
  });

  it("are handed out within their rate limit", async () => {
    const { pawl } = await stage();
    const limited = defineTask({
      name: "limited",
      payload: typed<number>(),
      rateLimit: { key: "api", capacity: 2, interval: "1h" },
    });
    await pawl.enqueueMany([1, 2, 3].map((n) => limited.job(n)));
    await pawl.enqueue(task, 4);

    const jobs = [
      ...(await pawl.jobs.claim("ada", { batchSize: 9 })),
      ...(await pawl.jobs.claim("ada", { batchSize: 9 })),
    ];

    expect(jobs.map(({ payload }) => payload).sort()).toEqual([1, 2, 4]);
  });

  it("leave no history when their task says so, and are told apart from lost ones all the same", async () => {
    const { pawl: owner } = await stage();
    const silent = defineTask({ name: "silent", payload: typed<number>(), keep: "failures" });
    const pawl = new Pawl({ database: databaseUrl(), schema: owner.schema, tasks: [silent] });
    onTestFinished(() => pawl.close());
    await pawl.enqueueMany([1, 2, 3].map((n) => silent.job(n)));
    const jobs = await pawl.jobs.claim("ada", { batchSize: 3 });
    const lost = jobs[1] as HeldJob;
    await execute(`delete from ${pawl.schema}.jobs where id = $1`, [lost.id]);

    const error = await rejectionOf(pawl.jobs.complete("ada", jobs));

    expect((error as LeaseLostError).jobs.map(({ id }) => id)).toEqual([lost.id]);
    expect(await jobsOf(pawl)).toEqual([]);
    expect(await execute(`select from ${pawl.schema}.history`)).toEqual([]);
  });
});

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
          stack: expect.stringContaining("manual-claims.test"),
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
      `update ${pawl.schema}.jobs set state = 'ready', worker_id = null, claim_number = null where id = $1`,
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
    const [first, second, third] = await pawl.jobs.claim("ada", {
      batchSize: 3,
      historyRetention: "60 days",
    });
    const client = await beginTransaction();

    await pawl.jobs.complete("ada", [first as HeldJob], { db: client });
    await pawl.jobs.fail("ada", [{ job: second as HeldJob, error: "no" }], { db: client });
    await pawl.jobs.release("ada", [third as HeldJob], { db: client });
    const before = await jobsOf(pawl);
    await client.query("rollback");
    await client.query("begin");
    await pawl.jobs.complete("ada", [first, second, third] as HeldJob[], { db: client });
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

    const error = await rejectionOf(call(pawl as never, job));

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

describe("the lease of jobs claimed by hand", () => {
  it("ends with the process that held them", async () => {
    const { pawl, ids } = await stage(2);
    await startWorker(pawl as never, { handlers: [other.handle(() => undefined)] });
    const holder = startHolder(pawl, 2);
    await holder.claimed;

    holder.child.kill("SIGKILL");
    const again = await eventually(
      async () => {
        const jobs = await pawl.jobs.claim("ada", { batchSize: 2 });
        return jobs.length > 0 && jobs;
      },
      { within: 30_000 },
    );

    const [first] = await attemptsOf(pawl, { queue: "default", id: ids[0] ?? "" }, 1);
    expect(again[0]).toMatchObject({ id: ids[0], attempt: 2, failures: 1 });
    expect(first).toMatchObject({ outcome: "crashed", final: false });
  }, 60_000);

  it("is kept while they are held, and given up by a worker that has been idle for a while", async () => {
    const { pawl } = await stage(1);
    const job = await claimOne(pawl);

    await eventually(
      async () => {
        const [row] = await execute<{ beaten: boolean }>(
          `select heartbeat_at - started_at > interval '12 seconds' as beaten from ${pawl.schema}.workers`,
        );
        return row?.beaten;
      },
      { within: 25_000 },
    );
    await pawl.jobs.complete("ada", [job]);
    await eventually(async () => (await workersOf(pawl))[0]?.ended, { within: 25_000 });
    await pawl.enqueue(task, 1);
    const again = await claimOne(pawl);
    await pawl.jobs.complete("ada", [again]);

    expect(await workersOf(pawl)).toEqual([
      { name: "ada", ended: true },
      { name: "ada", ended: false },
    ]);
  }, 60_000);

  it("ends when the Pawl is closed, and the jobs are ready again at once", async () => {
    const { pawl, ids } = await stage(2);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 2 });

    await pawl.close();

    const error = await rejectionOf(pawl.jobs.complete("ada", jobs));
    expect(error).toMatchObject({ code: "PAWL_CLOSED" });
    expect(await jobsOf(pawl)).toEqual(ids.map((id) => ({ id, state: "ready" })));
    expect(await workersOf(pawl)).toEqual([{ name: "ada", ended: true }]);
  });

  it("is taken up under a new id after others have ended the worker", async () => {
    const { pawl } = await stage(1);
    const job = await claimOne(pawl);
    await execute(`update ${pawl.schema}.workers set ended_at = now()`);

    const again = await eventually(async () => (await pawl.jobs.claim("ada"))[0], {
      within: 30_000,
    });
    const error = await rejectionOf(pawl.jobs.complete("ada", [job]));
    await pawl.jobs.complete("ada", [again]);

    expect(again).toMatchObject({ id: job.id, attempt: 2 });
    expect(error).toMatchObject({ code: "PAWL_LEASE_LOST" });
  }, 60_000);
});
