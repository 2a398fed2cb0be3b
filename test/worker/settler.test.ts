import { randomUUID } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { DatabaseError, defineTask } from "pawl";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import type { Settlement } from "#pawl/store/settles";
import { storeOn } from "#pawl/store/store";
import { Settler } from "#pawl/worker/settler";
import { failed, HandClaimer, released, retentionMs, succeeded } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { intercepted, type Intercept } from "../support/intercepted-database.ts";

const task = defineTask({ name: "task" });

describe("a settle", () => {
  it("is refused when the job was given back and claimed again, also by the same worker", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const stale = await claimer.claimOne();
    await claimer.settle([released(stale)]);
    const current = await claimer.claimOne();

    const written = await claimer.settle([succeeded(stale)]);

    expect(written).toBe(0);
    expect(await engine.sql("select state, claim_number::int from jobs")).toEqual([
      { state: "running", claim_number: current.claimNumber },
    ]);
    expect(await claimer.settle([succeeded(current)])).toBe(1);
    expect(await historyOf(engine)).toEqual(["1 released", "2 succeeded"]);
  });

  it("is refused when a crash of the database had the same attempt number given out twice", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const stale = await claimer.claimOne();
    await engine.sql(forgetClaims);
    const current = await claimer.claimOne();

    const written = await claimer.settle([succeeded(stale)]);

    expect(current.attempt).toBe(stale.attempt);
    expect(written).toBe(0);
    expect(await historyOf(engine)).toEqual([]);
  });

  it("is refused when another worker holds the job under the same claim number", async () => {
    const engine = await freshEngine();
    const [one, other] = [new HandClaimer(engine.store), new HandClaimer(engine.store)];
    await engine.pawl.enqueue(task);
    const stale = await one.claimOne();
    await engine.sql(forgetClaims);
    const current = await other.claimOne();

    const written = await one.settle([succeeded(stale)]);

    expect(current.claimNumber).toBe(stale.claimNumber);
    expect(written).toBe(0);
    expect(await other.settle([succeeded(current)])).toBe(1);
  });

  it.each([
    ["a failure", (job: ClaimedJob) => failed(job, 0)],
    ["a release", released],
  ])("back to the queue is refused in the same way: %s", async (_, settlementOf) => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const stale = await claimer.claimOne();
    await claimer.settle([released(stale)]);
    await claimer.claimOne();

    const written = await claimer.settle([settlementOf(stale)]);

    expect(written).toBe(0);
    expect(await engine.sql("select state from jobs")).toEqual([{ state: "running" }]);
    expect(await historyOf(engine)).toEqual(["1 released"]);
  });

  it("of a batch leaves out the jobs whose claim is lost, and settles the others", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const [first, taken, last] = await three(claimer);
    await takeAway(engine, taken);

    const written = await claimer.settle([first, taken, last].map(succeeded));

    expect(written).toBe(2);
    expect(await engine.sql("select id from jobs")).toEqual([{ id: taken.id }]);
  });
});

describe("the settler", () => {
  it("says which jobs it lost, and only those", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const jobs = await three(claimer);
    await takeAway(engine, jobs[1]);
    const { settler, settled, lost } = settlerOf(engine, claimer);

    for (const job of jobs) settler.add(succeeded(job));
    await settler.drained();

    expect(names(lost)).toEqual(names([jobs[1]]));
    expect(names(jobsOf(settled))).toEqual(names([jobs[0], jobs[2]]));
  });

  it("calls an attempt lost that was fenced off by a later claim of its own worker", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const stale = await claimer.claimOne();
    await engine.sql(forgetClaims);
    const current = await claimer.claimOne();
    await claimer.settle([succeeded(current)]);
    const { settler, settled, lost } = settlerOf(engine, claimer);

    settler.add(succeeded(stale));
    await settler.drained();

    expect(names(lost)).toEqual(names([stale]));
    expect(settled).toEqual([]);
  });

  it.each([
    ["as crashed", { running: 1 }, "crashed"],
    ["as given back", { running: 0 }, "released"],
    ["as failed for good", { running: 1, quarantineAfter: 1 }, "failed"],
  ])("calls an attempt lost that others have settled %s", async (_, rescue, outcome) => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const job = await claimer.claimOne();
    await claimer.loseAll(rescue);
    const { settler, settled, lost } = settlerOf(engine, claimer);

    settler.add(succeeded(job));
    await settler.drained();

    expect(await historyOf(engine)).toEqual([`1 ${outcome}`]);
    expect(names(lost)).toEqual(names([job]));
    expect(settled).toEqual([]);
  });

  it.each([
    ["for good", succeeded],
    ["for a later retry", (job: ClaimedJob) => failed(job, 60_000)],
    ["for a retry at once", (job: ClaimedJob) => failed(job, 0)],
    ["by giving it back", released],
  ])("finds in the history what it settled %s when the reply was lost", async (_, settlementOf) => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const jobs = await three(claimer);
    const { settler, settled, lost } = settlerOf(engine, claimer, loseFirstReply("settled"));

    const settlements = jobs.map(settlementOf);
    for (const settlement of settlements) settler.add(settlement);
    await settler.drained();

    expect(lost).toEqual([]);
    expect(names(jobsOf(settled))).toEqual(names(jobs));
    expect(settled).toEqual(settlements);
    expect(await historyOf(engine)).toHaveLength(3);
  });

  it("tells apart what it settled before the reply was lost, and what it had lost before", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const jobs = await three(claimer);
    await takeAway(engine, jobs[0]);
    const { settler, settled, lost } = settlerOf(engine, claimer, loseFirstReply("settled"));

    for (const job of jobs) settler.add(succeeded(job));
    await settler.drained();

    expect(names(lost)).toEqual(names([jobs[0]]));
    expect(names(jobsOf(settled))).toEqual(names([jobs[1], jobs[2]]));
  });

  it("tells apart two claims of the same job that end in the same batch", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const stale = await claimer.claimOne();
    await engine.sql(forgetClaims);
    const current = await claimer.claimOne();
    const { settler, settled, lost } = settlerOf(engine, claimer);

    settler.add(succeeded(stale));
    settler.add(succeeded(current));
    await settler.drained();

    expect(names(lost)).toEqual(names([stale]));
    expect(names(jobsOf(settled))).toEqual(names([current]));
    expect(await historyOf(engine)).toEqual(["1 succeeded"]);
  });

  it("drops nothing while the database is away", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const jobs = await three(claimer);
    let failures = 0;
    const { settler, settled, errors } = settlerOf(engine, claimer, (_, run) => {
      failures += 1;
      return failures <= 4 ? Promise.reject(unavailable()) : run();
    });

    for (const job of jobs) settler.add(succeeded(job));
    await settler.drained();

    expect(errors).toHaveLength(4);
    expect(settled).toHaveLength(3);
    expect(await engine.sql("select from jobs")).toEqual([]);
  });

  it("ends its tries when it is told to give up", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const job = await claimer.claimOne();
    const { settler, errors } = settlerOf(engine, claimer, () => Promise.reject(unavailable()));
    settler.add(succeeded(job));
    await engine.until(() => errors.length > 2);

    settler.abandon();
    await settler.drained();

    expect(settler.pending).toBe(0);
    expect(await engine.sql("select state from jobs")).toEqual([{ state: "running" }]);
  });

  it("does not let a row that is locked hold up the others", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const [locked, ...others] = await three(claimer);
    const client = await engine.connect();
    await client.query("begin");
    await client.query("select from jobs where id = $1 for update", [locked.id]);
    const { settler, settled } = settlerOf(engine, claimer);

    settler.addApart(succeeded(locked));
    for (const job of others) settler.add(succeeded(job));
    await engine.until(() => settled.length === 2);
    await client.query("rollback");
    await settler.drained();

    expect(names(jobsOf(settled))).toEqual(names([...others, locked]));
  });
});

// What a crash leaves of claims that did not wait for the disk: nothing.
const forgetClaims =
  "update jobs set indexed_as = 'ready', attempt = 0, worker_id = null, claim_number = null, claimed_at = null";

/** Two jobs look alike to a matcher, for all that they hold is private. */
function names(jobs: readonly ClaimedJob[]): string[] {
  return jobs.map(({ id, claimNumber }) => `${id} by claim ${claimNumber}`);
}

function jobsOf(settlements: readonly Settlement[]): ClaimedJob[] {
  return settlements.map(({ job }) => job);
}

async function three(claimer: HandClaimer): Promise<[ClaimedJob, ClaimedJob, ClaimedJob]> {
  const jobs = await claimer.claim({ limit: 3 });
  const [first, second, third] = jobs.sort((a, b) => (a.id < b.id ? -1 : 1));
  if (first === undefined || second === undefined || third === undefined) {
    throw new Error("expected three jobs to be ready");
  }
  return [first, second, third];
}

async function takeAway(engine: Engine, job: ClaimedJob): Promise<void> {
  await engine.sql("update jobs set worker_id = $2 where id = $1", [job.id, randomUUID()]);
}

async function historyOf(engine: Engine): Promise<string[]> {
  const rows = await engine.sql<{ attempt: number; outcome: string }>(
    "select attempt, outcome from history order by attempt, finished_at",
  );
  return rows.map(({ attempt, outcome }) => `${attempt} ${outcome}`);
}

function settlerOf(engine: Engine, { workerId }: HandClaimer, intercept?: Intercept) {
  const settled: Settlement[] = [];
  const lost: ClaimedJob[] = [];
  const errors: unknown[] = [];
  const db = intercept === undefined ? engine.store.db : intercepted(engine.store.db, intercept);
  const settler = new Settler(storeOn(engine.store, db), {
    workerId,
    historyOf: () => ({ keep: "all", retentionMs }),
    isAdmitting: true,
    random: () => 0.5,
    onSettled: (settlements) => settled.push(...settlements),
    onWritten: () => undefined,
    onLost: (jobs) => lost.push(...jobs),
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => settler.abandon());
  return { settler, settled, lost, errors };
}

/** What a text is part of is done, and for the first time nobody hears of it. */
function loseFirstReply(text: string): Intercept {
  let isLost = false;
  return async (call, run) => {
    const rows = await run();
    if (isLost || !call.text.includes(text)) return rows;
    isLost = true;
    throw unavailable();
  };
}

function unavailable(): DatabaseError {
  return new DatabaseError("PAWL_DATABASE_UNAVAILABLE", "the connection was cut");
}
