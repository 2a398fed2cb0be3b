import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ClosedError, defineTask, Pawl, ShutdownError, typed, type WorkerState } from "pawl";
import { pgDatabase } from "pawl/pg";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedOutcomes } from "../fixtures/attempts.ts";
import { aborted, forever } from "../fixtures/aborted.ts";
import { freshPawl, makeWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { countSessions, namedUrl } from "../fixtures/sessions.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { intercepted } from "../support/intercepted-database.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const within = 15_000;

/** How long something takes, in milliseconds. */
async function timed(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

describe("a worker that stops", () => {
  it("waits for its running handlers, whose success counts", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const handler = task.handle(async ({ signal }) => {
      await finish.opened;
      if (signal.aborted) throw new Error("expected to be left in peace");
    });
    const worker = await startWorker(pawl, { handlers: [handler], shutdownGrace: "30s" });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    const stopped = worker.stop();
    finish.open();
    await stopped;

    expect(await pawl.history.attempts(job)).toMatchObject([{ outcome: "succeeded" }]);
  });

  it("claims nothing more", async () => {
    let claims = 0;
    // A claim begins with the look for queues that have something to claim.
    const database = intercepted(pgDatabase(databaseUrl()), async ({ text }, run) => {
      if (!/\.(find_ready_queues|claim_jobs)\(/.test(text)) return run();
      claims += 1;
      return run().finally(() => (claims -= 1));
    });
    onTestFinished(() => database.close());
    const pawl = await freshPawl(database);
    const finish = gate();
    const handler = task.handle(() => finish.opened);
    const worker = await startWorker(pawl, { handlers: [handler], shutdownGrace: "30s" });
    await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    const stopped = worker.stop();
    await new Promise((resolve) => setImmediate(resolve));
    // One that was under way may still find what is enqueued now.
    await eventually(() => claims === 0, { within });
    const { job: late } = await pawl.enqueue(task, 2);
    finish.open();
    await stopped;

    expect(await pawl.jobs.get(late)).toMatchObject({ state: "ready", attempt: 0 });
  });

  it("tells its handlers when the grace period is over, and not before", async () => {
    const pawl = await freshPawl();
    const told: { reason: Error; afterMs: number }[] = [];
    let stoppedAt = Infinity;
    const handler = task.handle(async ({ signal }) => {
      const reason = await aborted(signal);
      told.push({ reason, afterMs: performance.now() - stoppedAt });
      throw reason;
    });
    const worker = await startWorker(pawl, { handlers: [handler] });
    await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    stoppedAt = performance.now();
    await worker.stop({ grace: "300ms" });

    expect(told[0]?.reason).toBeInstanceOf(ShutdownError);
    expect(told[0]?.reason).toMatchObject({ code: "PAWL_SHUTDOWN" });
    expect(told[0]?.afterMs).toBeGreaterThanOrEqual(295);
  });

  it.each([
    ["throws the reason", async (signal: AbortSignal) => Promise.reject(await aborted(signal))],
    [
      "throws an error of its own",
      async (signal: AbortSignal) => {
        await aborted(signal);
        throw new Error("the fetch was aborted");
      },
    ],
    ["hangs on", forever],
  ])("gives a job back whose handler %s, without counting a failure", async (_, run) => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, {
      handlers: [task.handle(({ signal }) => run(signal))],
    });
    const { job } = await pawl.enqueue(task, 1, { maxAttempts: 1 });
    await eventually(() => worker.health().running === 1);

    await worker.stop({ grace: 0 });

    expect(await pawl.jobs.get(job)).toMatchObject({
      state: "ready",
      failures: 0,
      crashes: 0,
      attempt: 1,
      workerId: null,
    });
    expect(await pawl.history.attempts(job)).toMatchObject([
      { outcome: "released", final: false, error: null },
    ]);
  });

  it("counts the success of a handler that finishes in spite of its aborted signal", async () => {
    const pawl = await freshPawl();
    const handler = task.handle(async ({ signal }) => {
      await aborted(signal);
    });
    const worker = await startWorker(pawl, { handlers: [handler] });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);

    await worker.stop({ grace: 0 });

    expect(await pawl.history.attempts(job)).toMatchObject([{ outcome: "succeeded", final: true }]);
  });

  it("gives what it had not finished back to the front of the queue", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, {
      handlers: [
        task.handle(({ signal }) => aborted(signal).then((reason) => Promise.reject(reason))),
      ],
      concurrency: 2,
    });
    await pawl.enqueueMany([1, 2, 3, 4].map((n) => task.job(n)));
    await eventually(() => worker.health().running === 2);
    await worker.stop({ grace: 0 });

    const order: number[] = [];
    const noting = task.handle(({ payload }) => void order.push(payload));
    await startWorker(pawl, { handlers: [noting], concurrency: 1 });
    await eventually(() => order.length === 4);

    expect(order).toEqual([1, 2, 3, 4]);
  });

  it("gives buffered jobs back at once, while its running handlers go on", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const handler = task.handle(({ payload }) => (payload < 0 ? finish.opened : undefined));
    const quick = Array.from({ length: 5_000 }, (_, n) => task.job(n));
    await pawl.enqueueMany([...quick, task.job(-1), task.job(-2), ...quick]);
    const worker = await startWorker(pawl, { handlers: [handler], concurrency: 2 });
    const buffered = await eventually(
      () => worker.health().running === 2 && worker.health().buffered,
      { within: 30_000 },
    );

    const stopped = worker.stop({ grace: "30s" });
    const states = await eventually(
      async () => {
        const rows = await execute<{ state: string; count: number; failures: number }>(
          `select state, count(*)::int as count, sum(failures)::int as failures
           from "${pawl.schema}".jobs group by state order by state`,
        );
        return rows.find(({ state, count }) => state === "running" && count === 2) && rows;
      },
      { within },
    );

    expect(buffered).toBeGreaterThan(0);
    expect(states).toEqual([
      { state: "ready", count: 5_000, failures: 0 },
      { state: "running", count: 2, failures: 0 },
    ]);
    expect(worker.state).toBe("stopping");
    finish.open();
    await stopped;
  }, 60_000);

  it.each([
    ["no grace", 0],
    ["a shorter grace", "100ms"],
  ])("hurries when it is asked again with %s", async (_, grace) => {
    const pawl = await freshPawl();
    const handler = task.handle(async ({ signal }) => Promise.reject(await aborted(signal)));
    const worker = await startWorker(pawl, { handlers: [handler] });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => worker.health().running === 1);
    const patient = worker.stop({ grace: "1h" });

    const tookMs = await timed(Promise.all([worker.stop({ grace }), patient]));

    expect(tookMs).toBeLessThan(15_000);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", failures: 0 });
  });

  it("is not hung up by handlers that ignore everything", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers: [task.handle(forever)], concurrency: 5 });
    await pawl.enqueueMany(Array.from({ length: 5 }, (_, n) => task.job(n)));
    await eventually(() => worker.health().running === 5);

    const tookMs = await timed(worker.stop({ grace: "50ms" }));

    expect(tookMs).toBeLessThan(5_000);
    const rows = await execute(`select state from "${pawl.schema}".jobs`);
    expect(rows).toEqual(Array.from({ length: 5 }, () => ({ state: "ready" })));
  });

  it("leaves signals of the process to the user", async () => {
    const before = process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");

    const worker = await startWorker(await freshPawl(), { handlers: [task.handle(forever)] });
    const during = process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
    await worker.stop();

    expect(during).toBe(before);
  });

  it("is known to have ended", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers: [task.handle(forever)] });

    await worker.stop();

    const rows = await execute(
      `select ended_at is not null as ended, crashed, idle from "${pawl.schema}".workers`,
    );
    expect(rows).toEqual([{ ended: true, crashed: false, idle: false }]);
  });
});

describe("pawl.close()", () => {
  it("stops all its workers, started or not", async () => {
    const pawl = await freshPawl();
    const handlers = [task.handle(() => undefined)];
    const workers = [
      await startWorker(pawl, { handlers }),
      await startWorker(pawl, { handlers }),
      makeWorker(pawl, { handlers }),
    ];

    await pawl.close();

    expect(workers.map(({ state }): WorkerState => state)).toEqual(
      Array<WorkerState>(3).fill("terminated"),
    );
    await expect(pawl.enqueue(task, 1)).rejects.toThrow(ClosedError);
  });

  it("leaves no connection", async () => {
    const { schema } = await freshPawl();
    const pawl = new Pawl({ database: namedUrl(schema), schema });
    const worker = makeWorker(pawl, { handlers: [task.handle(() => undefined)] });
    await worker.start();
    const { job } = await pawl.enqueue(task, 1);
    await endedOutcomes(pawl, job);
    // The listener and the heartbeat's thread may connect later than the first job runs.
    await eventually(async () => (await countSessions(schema)) > 2, { within });

    await pawl.close();

    await eventually(async () => (await countSessions(schema)) === 0, { within });
  });

  it("leaves a pool that was given to it open and unchanged", async () => {
    const pool = new pg.Pool({ connectionString: databaseUrl() });
    onTestFinished(() => pool.end());
    const listeners = pool.listenerCount("error");
    const pawl = await freshPawl(pool);
    await startWorker(pawl, { handlers: [task.handle(() => undefined)] });
    const { job } = await pawl.enqueue(task, 1);
    await endedOutcomes(pawl, job);

    await pawl.close();

    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    expect(pool.idleCount).toBe(pool.totalCount);
    expect(pool.listenerCount("error")).toBe(listeners);
  });

  it.each(["worker", "pool", "producer", "never started"])(
    "leaves nothing that keeps the process alive (%s)",
    async (kind) => {
      const { schema } = await freshPawl();
      const program = fileURLToPath(new URL("../fixtures/life.mjs", import.meta.url));
      const child = spawn(process.execPath, [program, namedUrl(schema), schema, kind], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      let said = "";
      let closedAt = Infinity;
      child.stderr.on("data", (text: Buffer) => (said += text.toString()));
      child.stdout.on("data", (text: Buffer) => {
        said += text.toString();
        closedAt = performance.now();
      });

      const [status] = (await once(child, "close")) as [number | null];

      expect(said).toBe("closed\n");
      expect(status).toBe(0);
      expect(performance.now() - closedAt).toBeLessThan(3_000);
      await eventually(async () => (await countSessions(schema)) === 0);
    },
  );
});
