import { defineTask, LeaseLostError, type Worker } from "pawl";
import { describe, expect, it, vi } from "vitest";
import { endedAttempts } from "../fixtures/attempts.ts";
import { aborted } from "../fixtures/aborted.ts";
import { freshPawl, startUnluckyWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { countSessions, namedUrl } from "../fixtures/sessions.ts";
import { act, hideMachines, knowsMachine, startWorkerProcess } from "../fixtures/worker-process.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { lastTry } from "../support/last-try.ts";

const leaseMs = 1_000;
const promisedMs = leaseMs + 2_000;
// For workers whose own lease does not matter: a heartbeat that is late by a short one would be an error.
const lease = "30s";
const patience = { within: 15_000 };
const idle = [defineTask({ name: "other" }).handle(() => undefined)];

/** Does to a worker what others do when it has been silent for a lease. */
async function takeLease(schema: string, worker: Worker): Promise<void> {
  const { workerId } = worker.health();
  await execute(
    `update "${schema}".workers set heartbeat_at = clock_timestamp() - interval '1 day' where id = $1`,
    [workerId],
  );
  await execute(`select "${schema}".rescue_jobs($1, 3, false)`, [workerId]);
}

/**
 * Kills a worker process while it runs two jobs and holds others. It gives those back after two seconds, so on a busy
 * machine it may be too late: `isWhole` says whether it had written all outcomes and given nothing back.
 */
async function killWithBufferedJobs() {
  const pawl = await freshPawl();
  const quick = Array.from({ length: 5_000 }, () => act.job({ does: "succeed" }));
  const slow = [1, 2].map(() => act.job({ does: "hang" }));
  const results = await pawl.enqueueMany([...quick, ...slow, ...quick]);
  const started = results.slice(quick.length, quick.length + 2).map(({ job }) => job);
  const url = namedUrl(pawl.schema);
  const killed = await startWorkerProcess(pawl, { url, worker: { concurrency: 2 } });
  for (const job of started) await killed.says("running", job);
  const startedAt = performance.now();
  await eventually(async () => {
    const { unsettled, buffered } = await killed.health();
    return (unsettled === 0 && buffered > 0) || performance.now() - startedAt > 2_000;
  }, patience);

  killed.process.kill("SIGKILL");
  await killed.exited;
  // A claim under way may bring more until its session ends.
  await eventually(async () => (await countSessions(pawl.schema)) === 0, patience);
  const [counts] = await execute<{ running: number; ended: number; attempts: number }>(
    `select (select count(*)::int from "${pawl.schema}".jobs where state = 'running') as running,
            count(*) filter (where outcome = 'succeeded')::int as ended, count(*)::int as attempts
       from "${pawl.schema}".history`,
  );
  const { running = 0, ended = 0, attempts = 0 } = counts ?? {};
  const buffered = running - started.length;
  const isWhole = buffered > 0 && ended === quick.length && attempts === ended;
  return { pawl, started, buffered, isWhole };
}

describe("the jobs of a worker process that was killed", () => {
  const promises: readonly [string, string, number][] = [
    ["run again within the lease and two seconds", "elsewhere", promisedMs],
    ["run again within two seconds when it ran on this machine", "here", 2_000],
  ];
  it.each(promises.filter(([, where]) => where === "elsewhere" || knowsMachine))(
    "%s",
    async (_, where, withinMs) => {
      const pawl = await freshPawl();
      const again = new Map<string, number>();
      const handler = act.handle(({ job }) => void again.set(job.id, performance.now()));

      // A busy machine may keep the rescuer from its promise.
      const { jobs, afterMs } = await lastTry(
        async () => {
          again.clear();
          const killed = await startWorkerProcess(pawl, { worker: { concurrency: 3 } });
          const jobs = await pawl.enqueueMany([1, 2, 3].map(() => act.job({ does: "hang" })));
          for (const { job } of jobs) await killed.says("running", job);
          if (where === "elsewhere") await hideMachines(pawl);
          const rescuer = await startUnluckyWorker(pawl, { handlers: [handler] });
          const killedAt = performance.now();
          killed.process.kill("SIGKILL");
          await eventually(() => again.size === 3, patience);
          await rescuer.stop();
          return { jobs, afterMs: Math.max(...again.values()) - killedAt };
        },
        { until: ({ afterMs }) => afterMs < withinMs },
      );

      expect(new Set(again.keys())).toEqual(new Set(jobs.map(({ job }) => job.id)));
      expect(afterMs).toBeLessThan(withinMs);
    },
    60_000,
  );

  it("have a crash in their history when they had started, and only a release when they had not", async () => {
    const killed = await lastTry(killWithBufferedJobs, { until: ({ isWhole }) => isWhole });
    const { pawl, started, buffered } = killed;
    expect(killed.isWhole).toBe(true);

    // It brings the jobs back, and does not run them.
    await startWorker(pawl, { handlers: idle, lease });
    const rows = await eventually(async () => {
      const found = await execute<{ id: string; outcome: string; failures: number }>(
        `select id::text, outcome, failures, error ->> 'code' as code, started_at is not null as started
           from "${pawl.schema}".history join "${pawl.schema}".jobs using (queue, id)
          where jobs.state = 'ready' and history.attempt = 1`,
      );
      return found.length > 0 && found;
    }, patience);
    const crashed = rows.filter(({ outcome }) => outcome === "crashed");
    const released = rows.filter(({ outcome }) => outcome === "released");
    expect(new Set(crashed.map(({ id }) => id))).toEqual(new Set(started.map(({ id }) => id)));
    expect(crashed).toMatchObject(
      started.map(() => ({ failures: 1, code: "PAWL_WORKER_CRASHED", started: true })),
    );
    expect(released).toHaveLength(buffered);
    expect(released.every(({ failures }) => failures === 0)).toBe(true);
    expect(rows).toHaveLength(2 + buffered);
  }, 60_000);

  it.each([
    [1, ["crashed"]],
    [2, ["crashed", "crashed"]],
  ])("may crash it %i times when that is their maxAttempts", async (maxAttempts, outcomes) => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers: idle, lease });
    const { job } = await pawl.enqueue(act, { does: "die" }, { maxAttempts });

    for (let count = 0; count < maxAttempts; count++) {
      const { exited } = await startWorkerProcess(pawl);
      await exited;
    }
    const attempts = await endedAttempts(pawl, job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(attempts.at(-1)).toMatchObject({ final: true, error: { code: "PAWL_WORKER_CRASHED" } });
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "finished" });
  });
});

describe("a worker process that was stopped for longer than its lease", () => {
  it("is told that its job runs elsewhere, and goes on under a new id", async () => {
    const pawl = await freshPawl();
    const stopped = await startWorkerProcess(pawl);
    const { job } = await pawl.enqueue(act, { does: "hang" });
    await stopped.says("running", job);
    stopped.process.kill("SIGSTOP");
    const others = [act.handle(() => undefined)];
    const elsewhere = await startWorker(pawl, { handlers: others, lease });
    const attempts = await endedAttempts(pawl, job);
    await elsewhere.stop();

    stopped.process.kill("SIGCONT");
    await stopped.says("lease lost", job);
    await stopped.says("aborted", job);
    const { job: next } = await pawl.enqueue(act, { does: "succeed" });
    await stopped.says("settled", next);

    const started = stopped.messages.filter(({ kind }) => kind === "started");
    const [abort] = stopped.messages.filter(({ kind }) => kind === "aborted");
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["crashed", "succeeded"]);
    expect(await pawl.history.attempts(job)).toEqual(attempts);
    expect(new Set(started.map(({ workerId }) => workerId)).size).toBe(2);
    expect(abort).toMatchObject({ name: "LeaseLostError" });
    expect(stopped.said("unhandled")).toBe(false);
  });

  it("changes nothing by the outcome that it has for the job, and hears of it", async () => {
    const pawl = await freshPawl();
    const stopped = await startWorkerProcess(pawl);
    const waitMs = 5_000;
    const { job } = await pawl.enqueue(act, { does: "wait", ms: waitMs });
    await stopped.says("running", job);
    stopped.process.kill("SIGSTOP");
    const stoppedAt = performance.now();
    await startWorker(pawl, { handlers: [act.handle(() => undefined)], lease });
    const attempts = await endedAttempts(pawl, job);
    // The handler returns as soon as the process goes on.
    await eventually(() => performance.now() - stoppedAt > waitMs, patience);

    stopped.process.kill("SIGCONT");
    await stopped.says("lease lost", job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["crashed", "succeeded"]);
    expect(await pawl.history.attempts(job)).toEqual(attempts);
    expect(stopped.said("settled", job)).toBe(false);
  });
});

describe("a worker that has lost its lease", () => {
  // Long enough to be lost by the test's doing alone, and short enough to be told of it soon.
  const soonLost = "6s";

  it("hears of a job whose outcome it writes too late, before its heartbeat tells it", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const hold = defineTask({ name: "hold" });
    const handler = hold.handle(() => finish.opened);
    const worker = await startWorker(pawl, { handlers: [handler], lease: "60s", concurrency: 1 });
    const lost: LeaseLostError[] = [];
    const settled = vi.fn();
    worker.on("leaseLost", (error) => lost.push(error));
    worker.on("settled", settled);
    const { job } = await pawl.enqueue(hold);
    await eventually(() => worker.health().running === 1, patience);

    await takeLease(pawl.schema, worker);
    finish.open();
    await eventually(() => worker.health().unsettled === 0 && lost.length > 0, patience);

    expect(lost[0]).toBeInstanceOf(LeaseLostError);
    expect(lost[0]?.jobs).toEqual([{ queue: job.queue, id: job.id, attempt: 1 }]);
    expect(settled).not.toHaveBeenCalledWith(
      expect.objectContaining({ job: expect.objectContaining({ attempt: 1 }) as object }),
    );
    const first = (await pawl.history.attempts(job)).filter(({ attempt }) => attempt === 1);
    expect(first).toMatchObject([{ outcome: "crashed" }]);
  });

  it("aborts the signals of its handlers with the jobs that it has lost", async () => {
    const pawl = await freshPawl();
    const hold = defineTask({ name: "hold" });
    const reasons: Error[] = [];
    const handler = hold.handle(async ({ signal }) => reasons.push(await aborted(signal)));
    const worker = await startWorker(pawl, {
      handlers: [handler],
      concurrency: 3,
      lease: soonLost,
    });
    const lost: LeaseLostError[] = [];
    worker.on("leaseLost", (error) => lost.push(error));
    const jobs = await pawl.enqueueMany([hold.job(), hold.job(), hold.job()]);
    await eventually(() => worker.health().running === 3, patience);

    await execute(`update "${pawl.schema}".workers set ended_at = clock_timestamp()`);
    await eventually(() => reasons.length === 3, patience);

    expect(lost).toHaveLength(1);
    expect(reasons.every((reason) => reason === lost[0])).toBe(true);
    expect(new Set(lost[0]?.jobs.map(({ id }) => id))).toEqual(
      new Set(jobs.map(({ job }) => job.id)),
    );
  });

  it("keeps to its concurrency with the handlers that it has left", async () => {
    const pawl = await freshPawl();
    const hold = defineTask({ name: "hold" });
    let running = 0;
    let most = 0;
    const finish = gate();
    const handler = hold.handle(async () => {
      most = Math.max(most, ++running);
      await finish.opened;
      running -= 1;
    });
    const worker = await startWorker(pawl, {
      handlers: [handler],
      concurrency: 2,
      lease: soonLost,
    });
    const before = worker.health().workerId;
    await pawl.enqueueMany([hold.job(), hold.job(), hold.job(), hold.job()]);
    await eventually(() => running === 2, patience);

    await execute(`update "${pawl.schema}".workers set ended_at = clock_timestamp()`);
    await eventually(
      () => worker.health().isReady && worker.health().workerId !== before,
      patience,
    );
    const lastBeatAt = Number(worker.health().lastBeatAt);
    await eventually(() => Number(worker.health().lastBeatAt) > lastBeatAt, patience);
    finish.open();
    const live = () => execute(`select from "${pawl.schema}".jobs`);
    await eventually(async () => (await live()).length === 0, patience);

    expect(most).toBeLessThanOrEqual(2);
  });
});

describe("a healthy worker", () => {
  it("keeps a job that takes many leases", async () => {
    const pawl = await freshPawl();
    let finish = gate();
    const handlers = [act.handle(() => finish.opened)];
    const workers = [
      await startUnluckyWorker(pawl, { handlers, lease: "500ms" }),
      await startUnluckyWorker(pawl, { handlers, lease: "500ms" }),
    ];

    // A machine that is busy for longer than such a short lease takes it away.
    const attempts = await lastTry(
      async () => {
        finish = gate();
        const { job } = await pawl.enqueue(act, { does: "hang" });
        await eventually(() => workers.some((worker) => worker.health().running > 0), patience);
        const until = Date.now() + 2_500;
        await eventually(
          () => workers.every((worker) => Number(worker.health().lastBeatAt) > until),
          patience,
        );
        finish.open();
        return endedAttempts(pawl, job);
      },
      { until: ({ length }) => length === 1 },
    );

    expect(attempts).toMatchObject([{ outcome: "succeeded", attempt: 1 }]);
  }, 60_000);
});
