import { fork, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { defineTask, type JobReference } from "pawl";
import { freshEngine, type Engine } from "../support/engine.ts";
import { gate } from "../support/gate.ts";

const task = defineTask({ name: "task", transactional: true, retry: "none" });
const plain = defineTask({ name: "plain", retry: "none" });
// For tests in which no lease is to be lost but by the test's own doing.
const lease = "30s";
const program = fileURLToPath(new URL("../support/transactional-worker.mjs", import.meta.url));

describe("a transactional handler whose claim was taken away", () => {
  it("before its transaction began does not run at all", async () => {
    const engine = await freshEngine({ connections: 3 });
    const isOver = gate();
    const ran: string[] = [];
    const handler = task.handle(async ({ job }) => {
      ran.push(job.id);
      await isOver.opened;
    });
    const { worker, lost } = await engine.work({ handlers: [handler], concurrency: 2, lease });
    const results = await engine.pawl.enqueueMany([task.job(), task.job()]);
    await engine.until(() => worker.health().running === 2 && ran.length === 1);
    const waiting = results.map(({ job }) => job).find(({ id }) => id !== ran[0]);

    await takeAway(engine, waiting?.id);
    isOver.open();
    await engine.until(() => lost.length > 0);

    expect(lost.flatMap(({ jobs }) => jobs.map(({ id }) => id))).toEqual([waiting?.id]);
    expect(ran).toHaveLength(1);
    expect(await engine.sql("select from history where id = $1", [waiting?.id])).toEqual([]);
  });

  it("when its connection had died cannot settle, and is told that its lease is lost", async () => {
    const engine = await freshEngine();
    const handler = task.handle(async ({ tx, job }) => {
      await engine.write(tx, "gone");
      await endSession(engine, tx);
      await takeAway(engine, job.id);
    });
    const { lost, settled } = await engine.work({ handlers: [handler], lease });

    const { job } = await engine.pawl.enqueue(task);
    await engine.until(() => lost.length > 0);

    expect(lost).toMatchObject([
      { code: "PAWL_LEASE_LOST", jobs: [{ id: job.id, queue: "default", attempt: 1 }] },
    ]);
    expect(settled).toEqual([]);
    expect(await engine.notes()).toEqual([]);
    expect(await engine.sql("select from history")).toEqual([]);
    expect(await engine.sql("select state from jobs")).toEqual([{ state: "running" }]);
  });

  it("by another worker leaves the job to that one", async () => {
    const engine = await freshEngine();
    const [isGiven, isTaken] = [gate(), gate()];
    const first = task.handle(async ({ tx, job }) => {
      await engine.write(tx, "first");
      await endSession(engine, tx);
      await giveBack(engine, job.id);
      isGiven.open();
      await isTaken.opened;
    });
    const second = task.handle(async ({ tx }) => {
      await engine.write(tx, "second");
      isTaken.open();
    });
    const { job } = await engine.pawl.enqueue(task);
    const { lost } = await engine.work({ handlers: [first], concurrency: 1, lease });
    await isGiven.opened;
    await engine.work({ handlers: [second], lease });
    await engine.finished(job);
    await engine.until(() => lost.length > 0);

    expect(await engine.pawl.history.attempts(job)).toMatchObject([
      { attempt: 2, outcome: "succeeded", final: true },
    ]);
    expect(await engine.notes()).toEqual(["second"]);
  });
});

describe("a worker that others have ended", () => {
  it("cannot commit what its transactional handlers write, though nobody has taken the job yet", async () => {
    const engine = await freshEngine();
    const [isHolding, isOver] = [gate(), gate()];
    const reasons: unknown[] = [];
    const handler = task.handle(async ({ tx, job, signal, enqueue }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      await enqueue(plain, undefined, { queue: "children" });
      if (job.attempt > 1) return;
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason);
        isOver.open();
      });
      isHolding.open();
      await isOver.opened;
    });
    const { lost } = await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(task, undefined, { maxAttempts: 5 });
    await isHolding.opened;

    await engine.sql("update workers set ended_at = clock_timestamp()");
    await engine.until(() => lost.length > 0);
    const attempts = await engine.finished(job);

    expect(reasons).toMatchObject([{ code: "PAWL_LEASE_LOST" }]);
    expect(attempts.at(-1)).toMatchObject({ outcome: "succeeded", final: true });
    expect(await engine.notes()).toEqual([`attempt ${attempts.at(-1)?.attempt}`]);
    expect(await engine.sql("select from jobs where queue = 'children'")).toHaveLength(1);
  });

  it("tells all its handlers, also one whose job it has claimed again since", async () => {
    const engine = await freshEngine();
    const started: number[] = [];
    const told: number[] = [];
    const handler = plain.handle(async ({ job, signal }) => {
      if (job.attempt > 2) return;
      signal.addEventListener("abort", () => told.push(job.attempt));
      started.push(job.attempt);
      await engine.until(() => signal.aborted);
    });
    await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(plain, undefined, { maxAttempts: 9 });
    await engine.until(() => started.includes(1));
    await giveBack(engine, job.id);
    await engine.sql("select rewind_queue('default')");
    await engine.until(() => started.includes(2));

    await engine.sql("update workers set ended_at = clock_timestamp()");
    await engine.until(() => told.includes(2));
    await engine.finished(job);

    expect(told.sort()).toEqual([1, 2]);
  });

  it("goes on under another id", async () => {
    const engine = await freshEngine();
    // Long enough not to be lost again, and short enough to be told of it soon.
    const options = { handlers: [plain.handle(() => undefined)], lease: "6s" } as const;
    const { worker, lost } = await engine.work(options);
    const before = worker.health().workerId;

    await engine.sql("update workers set ended_at = clock_timestamp()");
    await engine.until(() => worker.health().workerId !== before && worker.health().isReady);
    const { job } = await engine.pawl.enqueue(plain);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { outcome: "succeeded", workerId: worker.health().workerId, attempt: 1 },
    ]);
    expect(lost).toEqual([]);
  });
});

describe("a plain handler whose claim was taken away", () => {
  it("changes nothing by what it returns, and the others in its batch are settled", async () => {
    const engine = await freshEngine();
    const isOver = gate();
    const { worker, lost, settled } = await engine.work({
      handlers: [plain.handle(() => isOver.opened)],
      lease,
    });
    const results = await engine.pawl.enqueueMany(Array.from({ length: 8 }, () => plain.job()));
    await engine.until(() => worker.health().running === 8);
    const taken = results[3]?.job.id;
    await takeAway(engine, taken);

    isOver.open();
    await engine.until(() => settled.length + lost.length === 8);

    expect(lost.flatMap(({ jobs }) => jobs.map(({ id }) => id))).toEqual([taken]);
    expect(await engine.sql("select id, state from jobs")).toEqual([
      { id: taken, state: "running" },
    ]);
    expect(await engine.sql("select from history")).toHaveLength(7);
  });

  it("changes nothing by what it throws", async () => {
    const engine = await freshEngine();
    const handler = plain.handle(async ({ job }) => {
      await takeAway(engine, job.id);
      throw new Error("no luck");
    });
    const { lost, settled } = await engine.work({ handlers: [handler], lease });

    await engine.pawl.enqueue(plain);
    await engine.until(() => lost.length > 0);

    expect(settled).toEqual([]);
    expect(await engine.sql("select state, failures from jobs")).toEqual([
      { state: "running", failures: 0 },
    ]);
  });
});

describe("a process that is frozen in the middle of a transactional handler", () => {
  it("does not hold the job's row: another worker completes the job", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(task, undefined, { maxAttempts: 5 });
    const frozen = await holdInOtherProcess(engine);
    frozen.child.kill("SIGSTOP");

    const handler = task.handle(({ tx }) => engine.write(tx, "by this process"));
    await engine.work({ handlers: [handler], lease });
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { attempt: 1, outcome: "crashed" },
      { attempt: 2, outcome: "succeeded", final: true },
    ]);
    expect(await engine.notes()).toEqual(["by this process"]);
  });

  it("does not hold it in the middle of a query either, however long that takes", async () => {
    const engine = await freshEngine();
    const options = { maxAttempts: 5, correlationId: "busy" };
    const { job } = await engine.pawl.enqueue(task, undefined, options);
    const frozen = await holdInOtherProcess(engine);
    await engine.sqlUntil(
      "select from pg_stat_activity where pid = $1 and query like '%pg_sleep%' and state = 'active'",
      [frozen.pid],
    );
    frozen.child.kill("SIGSTOP");

    const handler = task.handle(({ tx }) => engine.write(tx, "by this process"));
    await engine.work({ handlers: [handler], lease });
    const attempts = await engine.finished(job);

    expect(attempts.at(-1)).toMatchObject({ attempt: 2, outcome: "succeeded" });
    expect(await engine.notes()).toEqual(["by this process"]);
  });

  it("cannot commit anything when it thaws, and is told that its lease is lost", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(task, undefined, { maxAttempts: 5 });
    const frozen = await holdInOtherProcess(engine);
    frozen.child.kill("SIGSTOP");
    const handler = task.handle(({ tx }) => engine.write(tx, "by this process"));
    await engine.work({ handlers: [handler], lease });
    await engine.finished(job);

    frozen.child.send("go on");
    frozen.child.kill("SIGCONT");
    await engine.until(() => frozen.said("going on") && frozen.said("lease lost"));

    expect(frozen.said("settled")).toBe(false);
    expect(frozen.said("unhandled")).toBe(false);
    expect(await engine.notes()).toEqual(["by this process"]);
    expect(await engine.pawl.history.attempts(job)).toHaveLength(2);
  });

  it("does not keep its session in the server, even when there is no other worker", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueue(task);
    const frozen = await holdInOtherProcess(engine);

    frozen.child.kill("SIGSTOP");
    await engine.until(async () => {
      const sessions = await engine.sql("select from pg_stat_activity where pid = $1", [
        frozen.pid,
      ]);
      return sessions.length === 0;
    });

    const rows = await engine.sql("select attempt from jobs for update nowait");
    expect(rows).toEqual([{ attempt: 1 }]);
  });
});

async function takeAway(engine: Engine, id: string | undefined): Promise<void> {
  await engine.sql("update jobs set worker_id = $2 where id = $1", [id, randomUUID()]);
}

async function giveBack(engine: Engine, id: JobReference["id"]): Promise<void> {
  await engine.sql(
    "update jobs set indexed_as = 'ready', worker_id = null, claim_number = null where id = $1",
    [id],
  );
}

/** Ends the server's side of a transaction, so that its row locks are gone. */
async function endSession(
  engine: Engine,
  tx: { query(text: string): Promise<{ rows: Record<string, unknown>[] }> },
): Promise<void> {
  const { rows } = await tx.query("select pg_backend_pid() as pid");
  const pid = rows[0]?.pid;
  await engine.sql("select pg_terminate_backend($1)", [pid]);
  await engine.until(
    async () =>
      (await engine.sql("select from pg_stat_activity where pid = $1", [pid])).length === 0,
  );
}

interface Message {
  readonly kind: string;
  readonly name?: unknown;
}

async function holdInOtherProcess(engine: Engine) {
  const given = JSON.stringify({ url: engine.url, schema: engine.schema, lease: "1s" });
  const child: ChildProcess = fork(program, [given], { execArgv: [] });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const messages: Message[] = [];
  child.on("message", (message) => messages.push(message as Message)); // the program's own
  const holding = await engine.until(() => messages.find(({ kind }) => kind === "holding"));
  const said = (kind: string): boolean => messages.some((message) => message.kind === kind);
  return { child, pid: holding.name, said };
}
