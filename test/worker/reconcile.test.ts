import { describe, expect, it } from "vitest";
import { DatabaseError, defineTask, snooze, type JobReference } from "pawl";
import { reconcileJobs } from "#pawl/store/upkeep";
import { HandClaimer, succeeded } from "../support/claiming.ts";
import { databaseUrl } from "../support/database.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { gate } from "../support/gate.ts";
import { intercepted, type Call, type Intercept } from "../support/intercepted-database.ts";
import { startLossyProxy } from "../support/lossy-proxy.ts";

const task = defineTask({ name: "task", retry: "none" });
// Longer than a busy machine pauses anybody.
const leaseMs = 8_000;
const transactional = defineTask({ name: "transactional", transactional: true, retry: "none" });

describe("a claim that was committed and its reply lost", () => {
  it.each([
    ["plain", task],
    ["transactional", transactional],
  ])("is given back within a lease, and its %s jobs run", async (_, kind) => {
    const proxy = await startLossyProxy(databaseUrl());
    const engine = await freshEngine({ url: proxy.url });
    const jobs = await engine.pawl.enqueueMany(Array.from({ length: 20 }, () => kind.job()));
    const lost = proxy.lose(`"${engine.schema}".claim_jobs(`, "before the reply");
    const handler = kind.handle(({ job }) => engine.sql("insert into notes values ($1)", [job.id]));
    const observed = await engine.work({ handlers: [handler], concurrency: 20, lease: leaseMs });
    await lost;

    const lostAt = performance.now();
    const attempts = await Promise.all(jobs.map(({ job }) => engine.finished(job)));
    const took = performance.now() - lostAt;

    expect(took).toBeLessThan(leaseMs);
    for (const each of attempts) {
      expect(each).toMatchObject([
        { attempt: 1, outcome: "released", final: false, startedAt: null },
        { attempt: 2, outcome: "succeeded", final: true },
      ]);
    }
    expect(await engine.notes()).toEqual(jobs.map(({ job }) => job.id).sort());
    expect(observed.lost).toEqual([]);
  });

  it("counts as no failure, so that a job with one attempt still has it", async () => {
    const { intercept, lost } = loseFirstClaim();
    const engine = await freshEngine({ wrap: (database) => intercepted(database, intercept) });
    const { job } = await engine.pawl.enqueue(task, undefined, { maxAttempts: 1 });
    let failures: number | undefined;
    const handler = task.handle(({ job: running }) => {
      failures = running.failures;
    });
    await engine.work({ handlers: [handler] });
    await lost;

    const attempts = await engine.finished(job);

    expect(attempts.at(-1)).toMatchObject({ outcome: "succeeded", attempt: 2 });
    expect(failures).toBe(0);
  });

  it("takes no job with it that an earlier queue gave in the same look", async () => {
    const { intercept, lost } = loseFirstClaim("second");
    const engine = await freshEngine({ wrap: (database) => intercepted(database, intercept) });
    const { job: first } = await engine.pawl.enqueue(task, undefined, { queue: "first" });
    const { job: second } = await engine.pawl.enqueue(task, undefined, { queue: "second" });

    const handler = task.handle(() => undefined);
    await engine.work({ handlers: [handler], queues: ["first", "second"] });
    await lost;

    expect((await engine.finished(first)).at(-1)).toMatchObject({ outcome: "succeeded" });
    expect((await engine.finished(second)).at(-1)).toMatchObject({ outcome: "succeeded" });
  });
});

describe("what a worker holds", () => {
  it("is not given back, however long its handler runs", async () => {
    const looks = countReconciles();
    const engine = await freshEngine({
      wrap: (database) => intercepted(database, looks.intercept),
    });
    const handler = task.handle(() => engine.until(() => looks.count >= 4));
    await engine.work({ handlers: [handler], queues: ["default"], lease: "500ms" });

    const { job } = await engine.pawl.enqueue(task);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ attempt: 1, outcome: "succeeded" }]);
  });

  it("is not given back when it was claimed again before the reply to its settle came", async () => {
    const looks = countReconciles();
    const isRunningAgain = gate();
    const holdReply: Intercept = async (call, run) => {
      const rows = await looks.intercept(call, run);
      if (isCallOf("return_jobs", call)) await isRunningAgain.opened;
      return rows;
    };
    const engine = await freshEngine({ wrap: (database) => intercepted(database, holdReply) });
    const handler = task.handle(async ({ job }) => {
      if (job.attempt === 1) return snooze(0);
      isRunningAgain.open();
      const before = looks.count;
      await engine.until(() => looks.count >= before + 3);
      return undefined;
    });
    const { lost } = await engine.work({
      handlers: [handler],
      queues: ["default"],
      lease: "500ms",
    });

    const { job } = await engine.pawl.enqueue(task);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { attempt: 1, outcome: "snoozed" },
      { attempt: 2, outcome: "succeeded", final: true },
    ]);
    expect(lost).toEqual([]);
  });
});

describe("a reconciliation", () => {
  it("gives back what its worker does not hold, and nothing else", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const [held] = await claimer.claim({ limit: 1 });
    const [unknown] = await claimer.claim({ limit: 1 });

    const returned = await reconcile(engine, claimer, {
      from: 1,
      to: 2,
      held: held === undefined ? [] : [held],
    });

    expect(returned).toBe(1);
    expect(await statesOf(engine)).toMatchObject({
      [held?.id ?? ""]: "running",
      [unknown?.id ?? ""]: "ready",
    });
  });

  it("leaves the claims alone of which the reply may still come", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([task.job(), task.job(), task.job()]);
    const jobs = [];
    for (let number = 1; number <= 3; number += 1) jobs.push(await claimer.claimOne());

    const returned = await reconcile(engine, claimer, { from: 2, to: 2, held: [] });

    expect(returned).toBe(1);
    expect(await statesOf(engine)).toEqual({
      [jobs[0]?.id ?? ""]: "running",
      [jobs[1]?.id ?? ""]: "ready",
      [jobs[2]?.id ?? ""]: "running",
    });
  });

  it("leaves the jobs of other workers alone", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueue(task);
    const other = new HandClaimer(engine.store);
    const job = await other.claimOne();

    const returned = await reconcile(engine, new HandClaimer(engine.store), {
      from: 1,
      to: 9,
      held: [],
    });

    expect(returned).toBe(0);
    expect(await other.settle([succeeded(job)])).toBe(1);
  });

  it("fences off whoever held the jobs, should the reply come after all", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueue(task);
    const late = await claimer.claimOne();

    await reconcile(engine, claimer, { from: 1, to: 1, held: [] });

    expect(await claimer.settle([succeeded(late)])).toBe(0);
    expect(await statesOf(engine)).toEqual({ [late.id]: "ready" });
  });

  it("gives jobs of several queues back", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    for (const queue of ["a", "b", "c"]) {
      await engine.pawl.enqueueMany([
        task.job(undefined, { queue }),
        task.job(undefined, { queue }),
      ]);
      await claimer.claim({ queue });
    }

    const returned = await reconcile(engine, claimer, { from: 1, to: 3, held: [] });

    expect(returned).toBe(6);
    expect(await engine.sql("select distinct state from jobs")).toEqual([{ state: "ready" }]);
    expect(await engine.sql("select count(*)::int from queues where rewinds > 0")).toEqual([
      { count: 3 },
    ]);
  });

  it("tells jobs with the same id in two queues apart", async () => {
    const { intercept, lost } = loseFirstClaim("second");
    const engine = await freshEngine({ wrap: (database) => intercepted(database, intercept) });
    const id = "018f2d3c-0000-7000-8000-000000000001";
    const isOver = gate();
    const handler = task.handle(({ job }) => (job.queue === "first" ? isOver.opened : undefined));
    await engine.work({ handlers: [handler], queues: ["first", "second"], lease: "500ms" });
    await engine.pawl.enqueue(task, undefined, { id, queue: "first" });
    await engine.sqlUntil("select from jobs where state = 'running'");

    const { job } = await engine.pawl.enqueue(task, undefined, { id, queue: "second" });
    await lost;
    const attempts = await engine.finished(job);
    isOver.open();

    expect(attempts).toMatchObject([{ outcome: "released" }, { outcome: "succeeded" }]);
  });
});

function reconcile(
  engine: Engine,
  { workerId }: HandClaimer,
  claims: { from: number; to: number; held: JobReference[] },
): Promise<number> {
  return reconcileJobs(engine.store, workerId, claims);
}

async function statesOf(engine: Engine): Promise<Record<string, string>> {
  const rows = await engine.sql<{ id: string; state: string }>("select id, state from jobs");
  return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
}

/** The first claim that finds jobs, in this queue if one is given, is done and its reply is lost. */
function loseFirstClaim(queue?: string) {
  const { opened: lost, open } = gate();
  let isLost = false;
  const intercept: Intercept = async (call, run) => {
    const rows = await run();
    const isClaim = isCallOf("claim_jobs", call) && rows.length > 1;
    if (isLost || !isClaim || (queue !== undefined && call.values[0] !== queue)) return rows;
    isLost = true;
    open();
    throw new DatabaseError("PAWL_DATABASE_UNAVAILABLE", "the connection was cut");
  };
  return { intercept, lost };
}

// The migrations name them as well, without values.
function isCallOf(name: string, { text, values }: Call): boolean {
  return values.length > 0 && text.includes(`.${name}(`);
}

function countReconciles() {
  const counter = {
    count: 0,
    intercept: (async (call, run) => {
      const rows = await run();
      if (isCallOf("reconcile_jobs", call)) counter.count += 1;
      return rows;
    }) satisfies Intercept,
  };
  return counter;
}
