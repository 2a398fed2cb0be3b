import { defineTask, snooze, typed, type JobReference, type Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { attemptsOf, endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute, withClient } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { lastTry } from "../support/last-try.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const handlers = [task.handle(() => undefined)];
// Far above what it takes; a worker that nobody tells what is due would look only when its test is long over.
const soonMs = 1_500;
const pollInterval = "10m";
// A heartbeat that is late by a short lease would be an error, and a lost lease would run jobs twice.
const lease = "30s";
const patience = { within: 15_000 };

describe("a job for later", () => {
  it.each([
    ["a delay", () => ({ delay: "400ms" })],
    ["a time", () => ({ runAt: new Date(Date.now() + 400) })],
  ])("starts after %s, not before and not much later", async (_, options) => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, lease });

    const start = await lastTry(
      async () => {
        const { job } = await pawl.enqueue(task, 1, options());
        const [attempt] = await endedAttempts(pawl, job);
        const lateMs = Number(attempt?.startedAt) - job.runAt.getTime();
        // The history has milliseconds.
        expect(lateMs).toBeGreaterThanOrEqual(-1);
        return { state: job.state, lateMs };
      },
      // A pause of this process may even outlast the time that it has asked for.
      { until: ({ state, lateMs }) => state === "scheduled" && lateMs < soonMs },
    );

    expect(start.state).toBe("scheduled");
    expect(start.lateMs).toBeLessThan(soonMs);
  });

  it("is ready at once when its time has passed", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, lease });

    const queueMs = await untilSoon(async () => {
      const { job } = await pawl.enqueue(task, 1, { runAt: new Date(0) });
      expect(job.state).toBe("ready");
      return queueMsOf(pawl, job);
    });

    expect(queueMs).toBeLessThan(soonMs);
  });

  it("starts on time in a worker that would look again only after ten minutes", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers, lease, pollInterval });

    const lateMs = await untilSoon(async () => {
      await eventually(() => isIdle(pawl.schema), patience);
      const { job } = await pawl.enqueue(task, 1, { delay: "300ms" });
      const [attempt] = await endedAttempts(pawl, job);
      return Number(attempt?.startedAt) - job.runAt.getTime();
    });

    expect(lateMs).toBeLessThan(soonMs);
    expect(worker.state).toBe("running");
  });

  it("starts soon when its transaction commits after it fell due", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, lease });

    const lateMs = await untilSoon(async () => {
      const { job, committedAt } = await withClient(async (client) => {
        await client.query("begin");
        const { job } = await pawl.enqueue(task, 1, { delay: "50ms", db: client });
        await client.query("select pg_sleep(0.3)");
        await client.query("commit");
        return { job, committedAt: Date.now() };
      });
      const [attempt] = await endedAttempts(pawl, job);
      return Number(attempt?.startedAt) - committedAt;
    });

    expect(lateMs).toBeLessThan(soonMs);
  });

  it("runs in the order of due times, whenever it was enqueued", async () => {
    const pawl = await freshPawl();
    const noted: number[] = [];
    const noting = task.handle(({ payload }) => void noted.push(payload));
    await pawl.enqueueMany([300, 100, 200, 1].map((ms) => task.job(ms, { delay: ms })));
    await eventually(() => areDue(pawl.schema), patience);

    await startWorker(pawl, { handlers: [noting], concurrency: 1, lease });
    await eventually(() => noted.length === 4, patience);

    expect(noted).toEqual([1, 100, 200, 300]);
  });

  it("keeps its priority when it falls due", async () => {
    const pawl = await freshPawl();
    const noted: number[] = [];
    const noting = task.handle(({ payload }) => void noted.push(payload));
    await pawl.enqueue(task, 5, { delay: 1, priority: 5 });
    await pawl.enqueue(task, -5, { delay: 1, priority: -5 });
    await eventually(() => areDue(pawl.schema), patience);

    await startWorker(pawl, { handlers: [noting], concurrency: 1, lease });
    await eventually(() => noted.length === 2, patience);

    expect(noted).toEqual([-5, 5]);
  });

  it("runs though thousands fall due at the same time", async () => {
    const pawl = await freshPawl();
    const ran = new Set<number>();
    const noting = task.handle(({ payload }) => void ran.add(payload));
    await startWorker(pawl, { handlers: [noting], concurrency: 50, lease });

    await pawl.enqueueMany(
      Array.from({ length: 3_000 }, (_, n) => task.job(n, { delay: "300ms" })),
    );

    await eventually(() => ran.size === 3_000, patience);
    expect(ran.size).toBe(3_000);
  });

  it("costs the jobs of today nothing when it is one of ten thousand for tomorrow", async () => {
    const pawl = await freshPawl();
    await pawl.enqueueMany(
      Array.from({ length: 10_000 }, (_, n) => task.job(n, { delay: "1 day" })),
    );
    await startWorker(pawl, { handlers, lease });

    for (let n = 0; n < 10; n++) {
      const queueMs = await untilSoon(async () =>
        queueMsOf(pawl, (await pawl.enqueue(task, n)).job),
      );
      expect(queueMs).toBeLessThan(soonMs);
    }

    const states = await execute(
      `select state, count(*)::int as count from "${pawl.schema}".jobs group by state`,
    );
    expect(states).toEqual([{ state: "scheduled", count: 10_000 }]);
  });

  it("is left alone by a worker that does not serve its queue", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, queues: ["here"], lease });

    const { job: elsewhere } = await pawl.enqueue(task, 1, { delay: 1, queue: "elsewhere" });
    const { job: here } = await pawl.enqueue(task, 1, { delay: "200ms", queue: "here" });
    await endedAttempts(pawl, here);

    expect(await pawl.jobs.get(elsewhere)).toMatchObject({ state: "scheduled", attempt: 0 });
  });

  it("comes back on time when its handler has put it off", async () => {
    const pawl = await freshPawl();
    const snoozing = task.handle(({ job }) => (job.attempt === 1 ? snooze("300ms") : undefined));
    await startWorker(pawl, { handlers: [snoozing], lease, pollInterval });

    const lateMs = await untilSoon(async () => {
      await eventually(() => isIdle(pawl.schema), patience);
      const { job } = await pawl.enqueue(task, 1);
      const [first, second] = await attemptsOf(pawl, job, 2);
      const pausedMs = Number(second?.startedAt) - Number(first?.finishedAt);
      expect(pausedMs).toBeGreaterThanOrEqual(299);
      return pausedMs - 300;
    });

    expect(lateMs).toBeLessThan(soonMs);
  });
});

/** By how much a job was late, of a few until one was not: a busy machine may hold up any of them. */
function untilSoon(lateMs: () => Promise<number>): Promise<number> {
  return lastTry(lateMs, { until: (late) => late < soonMs });
}

/** For how long a job had waited when it started. */
async function queueMsOf(pawl: Pawl, job: JobReference): Promise<number> {
  const [attempt] = await endedAttempts(pawl, job);
  return attempt?.queueMs ?? NaN;
}

async function isIdle(schema: string): Promise<boolean> {
  const rows = await execute(`select from "${schema}".workers where idle`, [], databaseUrl());
  return rows.length > 0;
}

async function areDue(schema: string): Promise<boolean> {
  const rows = await execute(
    `select from "${schema}".jobs where state = 'scheduled' and run_at > clock_timestamp()`,
  );
  return rows.length === 0;
}
