import { defineTask, LeaseLostError, type Worker } from "pawl";
import { describe, expect, it, vi } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { aborted } from "../fixtures/aborted.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { act, startWorkerProcess } from "../fixtures/worker-process.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const leaseMs = 1_000;
const promisedMs = leaseMs + 2_000;
const idle = [defineTask({ name: "other" }).handle(() => undefined)];
const retentionMs = 30 * 86_400_000;

/** Does to a worker what others do when it has been silent for a lease. */
async function takeLease(schema: string, worker: Worker): Promise<void> {
  const { workerId } = worker.health();
  await execute(
    `update "${schema}".workers set heartbeat_at = clock_timestamp() - interval '1 day' where id = $1`,
    [workerId],
  );
  await execute(`select "${schema}".rescue_jobs($1, 3, $2)`, [workerId, retentionMs]);
}

describe("the jobs of a worker process that was killed", () => {
  it("run again within the lease and two seconds", async () => {
    const pawl = await freshPawl();
    const killed = await startWorkerProcess(pawl, { worker: { concurrency: 3 } });
    const jobs = await pawl.enqueueMany([1, 2, 3].map(() => act.job({ does: "hang" })));
    for (const { job } of jobs) await killed.says("running", job);
    const again = new Map<string, number>();
    const handler = act.handle(({ job }) => void again.set(job.id, performance.now()));
    await startWorker(pawl, { handlers: [handler] });

    const killedAt = performance.now();
    killed.process.kill("SIGKILL");
    await eventually(() => again.size === 3, { within: 10_000 });

    expect(new Set(again.keys())).toEqual(new Set(jobs.map(({ job }) => job.id)));
    expect(Math.max(...again.values()) - killedAt).toBeLessThan(promisedMs);
  });

  it("have a crash in their history when they had started, and only a release when they had not", async () => {
    const pawl = await freshPawl();
    const quick = Array.from({ length: 5_000 }, () => act.job({ does: "succeed" }));
    const slow = [1, 2].map(() => act.job({ does: "hang" }));
    const results = await pawl.enqueueMany([...quick, ...slow, ...quick]);
    const started = results.slice(quick.length, quick.length + 2).map(({ job }) => job);
    const killed = await startWorkerProcess(pawl, { worker: { concurrency: 2 } });
    for (const job of started) await killed.says("running", job);
    await eventually(async () => {
      const health = await killed.health();
      return health.unsettled === 0 && health.buffered > 0;
    });

    killed.process.kill("SIGKILL");
    await killed.exited;
    // With what a claim under way has brought since.
    const claimed = await execute(`select from "${pawl.schema}".jobs where state = 'running'`);
    const buffered = claimed.length - started.length;
    // It brings the jobs back, and does not run them.
    await startWorker(pawl, { handlers: idle });
    const rows = await eventually(
      async () => {
        const found = await execute<{ id: string; outcome: string; failures: number }>(
          `select id::text, outcome, failures, error ->> 'code' as code, started_at is not null as started
             from "${pawl.schema}".history join "${pawl.schema}".jobs using (queue, id)
            where jobs.state = 'ready' and history.attempt = 1`,
        );
        return found.length > 0 && found;
      },
      { within: promisedMs * 2 },
    );

    const crashed = rows.filter(({ outcome }) => outcome === "crashed");
    const released = rows.filter(({ outcome }) => outcome === "released");
    expect(new Set(crashed.map(({ id }) => id))).toEqual(new Set(started.map(({ id }) => id)));
    expect(crashed).toMatchObject(
      started.map(() => ({ failures: 1, code: "PAWL_WORKER_CRASHED", started: true })),
    );
    expect(released).toHaveLength(buffered);
    expect(released.every(({ failures }) => failures === 0)).toBe(true);
    expect(rows).toHaveLength(2 + buffered);
  });

  it.each([
    [1, ["crashed"]],
    [2, ["crashed", "crashed"]],
  ])("may crash it %i times when that is their maxAttempts", async (maxAttempts, outcomes) => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers: idle });
    const { job } = await pawl.enqueue(act, { does: "die" }, { maxAttempts });

    for (let count = 0; count < maxAttempts; count++) {
      const { exited } = await startWorkerProcess(pawl);
      await exited;
    }
    const attempts = await endedAttempts(pawl, job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(attempts.at(-1)).toMatchObject({ final: true, error: { code: "PAWL_WORKER_CRASHED" } });
    expect(await pawl.jobs.get(job)).toBeUndefined();
  });
});

describe("a worker process that was stopped for longer than its lease", () => {
  it("is told that its job runs elsewhere, and goes on under a new id", async () => {
    const pawl = await freshPawl();
    const stopped = await startWorkerProcess(pawl);
    const { job } = await pawl.enqueue(act, { does: "hang" });
    await stopped.says("running", job);
    stopped.process.kill("SIGSTOP");
    const elsewhere = await startWorker(pawl, { handlers: [act.handle(() => undefined)] });
    const attempts = await endedAttempts(pawl, job);
    await elsewhere.stop();

    stopped.process.kill("SIGCONT");
    await stopped.says("lease lost", job);
    await stopped.says("aborted", job);
    const { job: next } = await pawl.enqueue(act, { does: "succeed" });
    await endedOutcomes(pawl, next);

    const started = stopped.messages.filter(({ kind }) => kind === "started");
    const [abort] = stopped.messages.filter(({ kind }) => kind === "aborted");
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["crashed", "succeeded"]);
    expect(await pawl.history.list(job)).toEqual(attempts);
    expect(new Set(started.map(({ workerId }) => workerId)).size).toBe(2);
    expect(abort).toMatchObject({ name: "LeaseLostError" });
    expect(stopped.said("unhandled")).toBe(false);
  });

  it("changes nothing by the outcome that it has for the job, and hears of it", async () => {
    const pawl = await freshPawl();
    const stopped = await startWorkerProcess(pawl);
    // The handler returns as soon as the process goes on.
    const { job } = await pawl.enqueue(act, { does: "wait", ms: 1_000 });
    await stopped.says("running", job);
    stopped.process.kill("SIGSTOP");
    await startWorker(pawl, { handlers: [act.handle(() => undefined)] });
    const attempts = await endedAttempts(pawl, job);

    stopped.process.kill("SIGCONT");
    await stopped.says("lease lost", job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["crashed", "succeeded"]);
    expect(await pawl.history.list(job)).toEqual(attempts);
    expect(stopped.said("settled", job)).toBe(false);
  });
});

describe("a worker that has lost its lease", () => {
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
    await eventually(() => worker.health().running === 1);

    await takeLease(pawl.schema, worker);
    finish.open();
    await eventually(() => worker.health().unsettled === 0 && lost.length > 0);

    expect(lost[0]).toBeInstanceOf(LeaseLostError);
    expect(lost[0]?.jobs).toEqual([{ queue: job.queue, id: job.id, attempt: 1 }]);
    expect(settled).not.toHaveBeenCalledWith(
      expect.objectContaining({ job: expect.objectContaining({ attempt: 1 }) as object }),
    );
    const first = (await pawl.history.list(job)).filter(({ attempt }) => attempt === 1);
    expect(first).toMatchObject([{ outcome: "crashed" }]);
  });

  it("aborts the signals of its handlers with the jobs that it has lost", async () => {
    const pawl = await freshPawl();
    const hold = defineTask({ name: "hold" });
    const reasons: Error[] = [];
    const handler = hold.handle(async ({ signal }) => reasons.push(await aborted(signal)));
    const worker = await startWorker(pawl, { handlers: [handler], concurrency: 3 });
    const lost: LeaseLostError[] = [];
    worker.on("leaseLost", (error) => lost.push(error));
    const jobs = await pawl.enqueueMany([hold.job(), hold.job(), hold.job()]);
    await eventually(() => worker.health().running === 3);

    await execute(`update "${pawl.schema}".workers set ended_at = clock_timestamp()`);
    await eventually(() => reasons.length === 3);

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
    const worker = await startWorker(pawl, { handlers: [handler], concurrency: 2 });
    const before = worker.health().workerId;
    await pawl.enqueueMany([hold.job(), hold.job(), hold.job(), hold.job()]);
    await eventually(() => running === 2);

    await execute(`update "${pawl.schema}".workers set ended_at = clock_timestamp()`);
    await eventually(() => worker.health().isReady && worker.health().workerId !== before);
    await eventually(() => Number(worker.health().lastBeatAt) > Date.now() - 50);
    finish.open();
    await eventually(() => running === 0);

    expect(most).toBeLessThanOrEqual(2);
  });
});

describe("a healthy worker", () => {
  it("keeps a job that takes many leases", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const runs: number[] = [];
    const handlers = [
      act.handle(async ({ job }) => {
        runs.push(job.attempt);
        await finish.opened;
      }),
    ];
    const worker = await startWorker(pawl, { handlers, lease: "500ms" });
    await startWorker(pawl, { handlers, lease: "500ms" });
    const { job } = await pawl.enqueue(act, { does: "hang" });
    await eventually(() => runs.length === 1);

    const until = Date.now() + 2_500;
    await eventually(() => Number(worker.health().lastBeatAt) > until);
    finish.open();

    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    expect(runs).toEqual([1]);
  });
});
