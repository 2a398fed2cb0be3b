import { defineTask } from "pawl";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, makeWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { act, startWorkerProcess } from "../fixtures/worker-process.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const hold = defineTask({ name: "hold" });
const handlers = [hold.handle(() => undefined)];

/** The moments at which the database took heartbeats, in milliseconds, as they come. */
function beatsOf(schema: string): { next(): Promise<number> } {
  let last = 0;
  return {
    async next() {
      last = await eventually(async () => {
        const [row] = await execute<{ at: number }>(
          `select (extract(epoch from heartbeat_at) * 1000)::float8 as at
             from "${schema}".workers where ended_at is null`,
        );
        return row !== undefined && row.at !== last && row.at;
      });
      return last;
    },
  };
}

/** A pool of the test's own database that says its password by a function, which no thread can be given. */
function poolWithFunction(): pg.Pool {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl());
  const pool = new pg.Pool({
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    database: decodeURIComponent(pathname.slice(1)),
    password: () => decodeURIComponent(password) || "none",
  });
  onTestFinished(() => pool.end());
  return pool;
}

describe("the heartbeat", () => {
  it("comes three times in a lease", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, lease: "900ms" });
    const beats = beatsOf(pawl.schema);
    await beats.next();
    const first = await beats.next();

    for (let count = 0; count < 4; count++) await beats.next();
    const last = await beats.next();

    const intervalMs = (last - first) / 5;
    expect(intervalMs).toBeGreaterThan(250);
    expect(intervalMs).toBeLessThan(500);
  });

  it("comes from a thread, which health() says", async () => {
    const worker = await startWorker(await freshPawl(), { handlers });

    const health = await eventually(() => {
      const now = worker.health();
      return now.heartbeat === "thread" && now;
    });

    expect(health.lastBeatAt).toBeInstanceOf(Date);
  });

  it("goes on while a handler blocks the event loop for three leases", async () => {
    const pawl = await freshPawl();
    const blocked = await startWorkerProcess(pawl);
    const ran: string[] = [];
    const { job } = await pawl.enqueue(act, { does: "block", ms: 3_000 });
    await blocked.says("running", job);

    await startWorker(pawl, { handlers: [act.handle(({ job: { id } }) => void ran.push(id))] });
    const attempts = await endedAttempts(pawl, job);

    expect(attempts).toMatchObject([{ outcome: "succeeded", attempt: 1 }]);
    expect(attempts[0]?.runMs).toBeGreaterThan(2_900);
    expect(ran).toEqual([]);
    expect(blocked.said("lease lost")).toBe(false);
  });

  it("stops when the event loop is blocked past the longest timeout, and the job runs elsewhere", async () => {
    const pawl = await freshPawl();
    const blocked = await startWorkerProcess(pawl, { timeout: "1s" });
    const { job } = await pawl.enqueue(act, { does: "block", ms: 5_000 });
    await blocked.says("running", job);

    await startWorker(pawl, { handlers: [act.handle(() => undefined)] });
    const attempts = await endedAttempts(pawl, job);
    await blocked.says("lease lost", job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["crashed", "succeeded"]);
    // The late outcome of the blocked handler has changed nothing.
    expect(await pawl.history.list(job)).toEqual(attempts);
  });

  it("ends with the worker", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers });
    await eventually(() => worker.health().lastBeatAt !== null);

    await worker.stop();

    const [row] = await execute<{ ended: boolean }>(
      `select ended_at >= heartbeat_at as ended from "${pawl.schema}".workers`,
    );
    expect(row?.ended).toBe(true);
    expect(worker.health().isReady).toBe(false);
  });
});

describe("where a thread cannot connect", () => {
  it("the heartbeat comes from the event loop, which health() says", async () => {
    const pawl = await freshPawl(poolWithFunction());
    const worker = await startWorker(pawl, { handlers, lease: "900ms" });
    const beats = beatsOf(pawl.schema);
    await beats.next();
    const first = await beats.next();
    const second = await beats.next();

    expect(worker.health().heartbeat).toBe("event loop");
    expect(second - first).toBeLessThan(600);
    expect(worker.health()).toMatchObject({ isReady: true, lastBeatAt: expect.any(Date) });
  });

  it("a job that takes many leases is not run twice", async () => {
    const pawl = await freshPawl(poolWithFunction());
    const finish = gate();
    await startWorker(pawl, { handlers: [hold.handle(() => finish.opened)], lease: "500ms" });
    const beats = beatsOf(pawl.schema);
    await beats.next();
    const { job } = await pawl.enqueue(hold);
    await eventually(async () => (await pawl.jobs.get(job))?.state === "running");

    for (let count = 0; count < 10; count++) await beats.next();
    finish.open();

    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
  });

  it("stops at once all the same", async () => {
    const pawl = await freshPawl(poolWithFunction());
    const worker = makeWorker(pawl, { handlers, lease: "30s" });
    await worker.start();

    const before = performance.now();
    await worker.stop();

    expect(performance.now() - before).toBeLessThan(3_000);
  });
});
