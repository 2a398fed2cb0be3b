import { defineTask } from "pawl";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, makeWorker, startUnluckyWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { act, startWorkerProcess } from "../fixtures/worker-process.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { lastTry } from "../support/last-try.ts";

const hold = defineTask({ name: "hold" });
const handlers = [hold.handle(() => undefined)];
// For tests in which the lease does not matter: a heartbeat that is late by a short one would be an error.
const lease = "30s";
const patience = { within: 15_000 };

/** Has the database write down every heartbeat that it takes from now on. */
async function recordBeats(schema: string): Promise<void> {
  await execute(`
    create table "${schema}".beats (worker_id uuid, at timestamptz);
    create function "${schema}".record_beat() returns trigger language plpgsql as $$
    begin
      insert into "${schema}".beats values (new.id, new.heartbeat_at);
      return null;
    end $$;
    create trigger record_beat after update of heartbeat_at on "${schema}".workers
      for each row execute function "${schema}".record_beat()`);
}

/** The pause between two heartbeats of a worker that is in the middle of so many, in milliseconds. */
async function medianPauseMs(schema: string, pauses: number): Promise<number> {
  const found = await eventually(async () => {
    const rows = await execute<{ ms: number }>(
      `select (extract(epoch from at - lag) * 1000)::float8 as ms
         from (select at, lag(at) over (partition by worker_id order by at) from "${schema}".beats) as beats
        where lag is not null
        order by ms`,
    );
    return rows.length >= pauses && rows;
  }, patience);
  return found[found.length >> 1]?.ms ?? NaN;
}

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
      }, patience);
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
    const worker = await startUnluckyWorker(pawl, { handlers, lease: "900ms" });
    await eventually(() => worker.health().heartbeat === "thread", patience);
    await recordBeats(pawl.schema);

    const pauseMs = await medianPauseMs(pawl.schema, 7);

    expect(pauseMs).toBeGreaterThan(250);
    expect(pauseMs).toBeLessThan(500);
  });

  it("comes from a thread, which health() says", async () => {
    const worker = await startWorker(await freshPawl(), { handlers, lease });

    const health = await eventually(() => {
      const now = worker.health();
      return now.heartbeat === "thread" && now;
    }, patience);

    expect(health.lastBeatAt).toBeInstanceOf(Date);
  });

  it("comes from the thread before the first job runs, which may block the event loop", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(hold);
    const places: unknown[] = [];
    const seeing = hold.handle(() => void places.push(worker.health().heartbeat));
    const worker = await startWorker(pawl, { handlers: [seeing], lease });

    await endedOutcomes(pawl, job);

    expect(places).toEqual(["thread"]);
  });

  it("does not let a worker claim that is stopped before the thread beats", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(hold);
    const worker = makeWorker(pawl, { handlers, lease });
    await worker.start();

    await worker.stop();

    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", attempt: 0 });
  });

  it("goes on while a handler blocks the event loop for three leases", async () => {
    const pawl = await freshPawl();
    const blocked = await startWorkerProcess(pawl, { worker: { lease: "2s" } });
    const ran: string[] = [];
    const elsewhere = [act.handle(({ job: { id } }) => void ran.push(id))];

    // A machine that is busy for longer than a lease keeps the thread from beating, too.
    const { job, attempts } = await lastTry(
      async () => {
        const { job } = await pawl.enqueue(act, { does: "block", ms: 6_000 });
        await blocked.says("running", job);
        const worker = await startUnluckyWorker(pawl, { handlers: elsewhere });
        const attempts = await endedAttempts(pawl, job);
        await worker.stop();
        return { job, attempts };
      },
      { until: ({ attempts }) => attempts.length === 1 },
    );

    expect(attempts).toMatchObject([{ outcome: "succeeded", attempt: 1 }]);
    expect(attempts[0]?.runMs).toBeGreaterThan(5_900);
    expect(ran).not.toContain(job.id);
    expect(blocked.said("lease lost", job)).toBe(false);
  }, 60_000);

  it("stops when the event loop is blocked past the longest timeout, and the job runs elsewhere", async () => {
    const pawl = await freshPawl();
    const blocked = await startWorkerProcess(pawl, { timeout: "1s" });

    // A busy machine may keep the others from noticing until the handler has returned.
    const { job, attempts } = await lastTry(
      async () => {
        const { job } = await pawl.enqueue(act, { does: "block", ms: 5_000 });
        await blocked.says("running", job);
        const elsewhere = await startUnluckyWorker(pawl, {
          handlers: [act.handle(() => undefined)],
        });
        const attempts = await endedAttempts(pawl, job);
        await elsewhere.stop();
        return { job, attempts };
      },
      { until: ({ attempts }) => attempts[0]?.outcome === "crashed" },
    );

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["crashed", "succeeded"]);
    await blocked.says("lease lost", job);
    // The late outcome of the blocked handler has changed nothing.
    expect(await pawl.history.attempts(job)).toEqual(attempts);
  }, 60_000);

  it("ends with the worker", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers, lease });
    await eventually(() => worker.health().lastBeatAt !== null, patience);

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
    const worker = await startUnluckyWorker(pawl, { handlers, lease: "900ms" });
    await recordBeats(pawl.schema);

    expect(await medianPauseMs(pawl.schema, 5)).toBeLessThan(600);
    expect(worker.health().heartbeat).toBe("event loop");
    await eventually(() => worker.health().isReady, patience);
    expect(worker.health().lastBeatAt).toBeInstanceOf(Date);
  });

  it("a job that takes many leases is not run twice", async () => {
    const pawl = await freshPawl(poolWithFunction());
    let finish = gate();
    const holding = [hold.handle(() => finish.opened)];
    await startUnluckyWorker(pawl, { handlers: holding, lease: "500ms" });
    const beats = beatsOf(pawl.schema);

    // A machine that is busy for longer than such a short lease takes it away.
    const outcomes = await lastTry(
      async () => {
        finish = gate();
        await beats.next();
        const { job } = await pawl.enqueue(hold);
        await eventually(async () => (await pawl.jobs.get(job))?.state === "running", patience);
        for (let count = 0; count < 10; count++) await beats.next();
        finish.open();
        return endedOutcomes(pawl, job);
      },
      { until: ({ length }) => length === 1 },
    );

    expect(outcomes).toEqual(["succeeded"]);
  }, 60_000);

  it("stops at once all the same", async () => {
    const pawl = await freshPawl(poolWithFunction());

    const stopMs = await lastTry(
      async () => {
        const worker = makeWorker(pawl, { handlers, lease: "30s" });
        await worker.start();
        const before = performance.now();
        await worker.stop();
        return performance.now() - before;
      },
      { until: (ms) => ms < 3_000 },
    );

    expect(stopMs).toBeLessThan(3_000);
  });
});
