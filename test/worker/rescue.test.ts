import { randomUUID } from "node:crypto";
import { defineTask, type JobReference, type Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { attemptsOf, endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { act, hideMachines, knowsMachine, startWorkerProcess } from "../fixtures/worker-process.ts";
import { databaseUrl, execute, withClient } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const within = 15_000;
const other = defineTask({ name: "other" });
// A worker that rescues jobs and has none of its own to run.
const bystander = { handlers: [other.handle(() => undefined)], queues: ["elsewhere"] };

/** Starts a worker process, has it run jobs, and kills it. */
async function dieWith(
  pawl: Pawl,
  count: number,
  { queue = "default", lease }: { readonly queue?: string; readonly lease?: string } = {},
): Promise<JobReference[]> {
  const worker = { concurrency: count, queues: [queue], ...(lease !== undefined && { lease }) };
  const doomed = await startWorkerProcess(pawl, { worker });
  const results = await pawl.enqueueMany(
    Array.from({ length: count }, () => act.job({ does: "hang" }, { queue })),
  );
  const jobs = results.map(({ job }) => job);
  for (const job of jobs) await doomed.says("running", job);
  doomed.process.kill("SIGKILL");
  await doomed.exited;
  return jobs;
}

/** A worker that has fallen silent with one job that it runs. It is in the database only: a living one rescues itself. */
async function silentWorker(pawl: Pawl): Promise<{ workerId: string; job: JobReference }> {
  const workerId = randomUUID();
  const { job } = await pawl.enqueue(act, { does: "hang" });
  await execute(
    `insert into "${pawl.schema}".workers (id, heartbeat_at, lease_ms, concurrency, transaction_slots, pid, name, host,
       version, tasks, transactional)
     values ($1, clock_timestamp() - interval '1 day', 500, 1, 1, 1, 'silent', '', '', '{act}', '{}')`,
    [workerId],
  );
  await claimFor(pawl, workerId, job);
  return { workerId, job };
}

async function claimFor(
  pawl: Pawl,
  workerId: string | undefined,
  job: JobReference,
): Promise<void> {
  await execute(
    `with claimed as (
       update "${pawl.schema}".jobs
          set worker_id = $1, claim_number = 1, claimed_at = clock_timestamp(), attempt = 1
        where queue = $2 and id = $3
     )
     insert into "${pawl.schema}".claims (worker_id, claim_number, queue, ids) values ($1, 1, $2, array[$3::uuid])`,
    [workerId, job.queue, job.id],
  );
}

function rescue(schema: string, workerId: string): Promise<{ rescued: number }[]> {
  return execute(`select "${schema}".rescue_jobs($1, 4, false) as rescued`, [workerId]);
}

describe("the jobs of dead workers", { timeout: 40_000 }, () => {
  it("are all brought back when several die at once", async () => {
    const pawl = await freshPawl();
    const jobs = (
      await Promise.all([dieWith(pawl, 2, { queue: "a" }), dieWith(pawl, 2, { queue: "b" })])
    ).flat();

    await startWorker(pawl, { handlers: [act.handle(() => undefined)] });

    for (const job of jobs) {
      const outcomes = await endedOutcomes(pawl, job);
      expect(outcomes.at(-1)).toBe("succeeded");
      expect(outcomes.filter((outcome) => outcome === "succeeded")).toHaveLength(1);
    }
  });

  it("are brought back by a worker that serves other queues and tasks", async () => {
    const pawl = await freshPawl();
    const [job] = await dieWith(pawl, 1);
    if (job === undefined) throw new Error("expected a job");

    await startWorker(pawl, bystander);

    expect(await attemptsOf(pawl, job, 1)).toMatchObject([{ outcome: "crashed", final: false }]);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", failures: 1, workerId: null });
  });

  it.runIf(knowsMachine)(
    "are brought back long before their lease ends when the worker's process ran on this machine",
    async () => {
      const pawl = await freshPawl();
      const [job] = await dieWith(pawl, 1, { lease: "1h" });
      if (job === undefined) throw new Error("expected a job");

      await startWorker(pawl, { ...bystander, lease: "1h" });

      expect(await attemptsOf(pawl, job, 1)).toMatchObject([{ outcome: "crashed", final: false }]);
    },
  );

  it("keep their lease when the worker's process ran elsewhere", async () => {
    const pawl = await freshPawl();
    const [job] = await dieWith(pawl, 1, { lease: "3s" });
    if (job === undefined) throw new Error("expected a job");
    await hideMachines(pawl);
    const { heartbeatAt } = (await pawl.workers.list())[0] ?? {};

    await startWorker(pawl, bystander);

    const [attempt] = await attemptsOf(pawl, job, 1);
    const keptForMs = Number(attempt?.finishedAt) - Number(heartbeatAt);
    expect(attempt).toMatchObject({ outcome: "crashed" });
    expect(keptForMs).toBeGreaterThanOrEqual(3_000);
  });

  it("go to the front of their queue", async () => {
    const pawl = await freshPawl();
    const [job] = await dieWith(pawl, 1);
    if (job === undefined) throw new Error("expected a job");
    const later = await pawl.enqueueMany([1, 2, 3].map(() => act.job({ does: "succeed" })));
    await startWorker(pawl, bystander);
    await attemptsOf(pawl, job, 1);

    const order: string[] = [];
    const handler = act.handle(({ job: { id } }) => void order.push(id));
    await startWorker(pawl, { handlers: [handler], concurrency: 1 });
    await eventually(() => order.length === 4, { within });

    expect(order).toEqual([job.id, ...later.map((result) => result.job.id)]);
  });

  it("do not wait for one whose row is locked, which comes back when it is free", async () => {
    const pawl = await freshPawl();
    const jobs = await dieWith(pawl, 3);
    const [locked, ...free] = jobs;
    if (locked === undefined) throw new Error("expected a job");

    await withClient(async (client) => {
      await client.query("begin");
      await client.query(`select from "${pawl.schema}".jobs where id = $1 for update`, [locked.id]);
      await startWorker(pawl, bystander);
      for (const job of free) await attemptsOf(pawl, job, 1);
      expect(await pawl.jobs.get(locked)).toMatchObject({ state: "running" });
      await client.query("commit");
    }, databaseUrl());

    expect(await attemptsOf(pawl, locked, 1)).toMatchObject([{ outcome: "crashed" }]);
    expect(await pawl.jobs.get(locked)).toMatchObject({ state: "ready", failures: 1 });
  });

  it("are counted as crashed once, however many rescue them at the same time", async () => {
    const pawl = await freshPawl();
    const { workerId, job } = await silentWorker(pawl);

    const results = await Promise.all(
      Array.from({ length: 8 }, () => rescue(pawl.schema, workerId)),
    );

    const counts = results.flat().map(({ rescued }) => rescued);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(await pawl.history.attempts(job)).toHaveLength(1);
    expect(await pawl.jobs.get(job)).toMatchObject({ failures: 1, crashes: 1 });
  });

  it("stay with a worker whose heartbeat comes in before the rescue", async () => {
    const pawl = await freshPawl();
    const { workerId, job } = await silentWorker(pawl);
    await execute(
      `update "${pawl.schema}".workers set heartbeat_at = clock_timestamp(), lease_ms = 60000`,
    );

    const [result] = await rescue(pawl.schema, workerId);

    expect(result).toEqual({ rescued: 0 });
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "running", workerId });
  });
});

describe("a claim that reaches the database after its worker has ended", () => {
  it("is given back without counting", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, bystander);
    const { workerId } = worker.health();
    await worker.stop();
    const { job } = await pawl.enqueue(act, { does: "succeed" });
    await claimFor(pawl, workerId, job);

    await startWorker(pawl, bystander);

    expect(await attemptsOf(pawl, job, 1)).toMatchObject([{ outcome: "released", final: false }]);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", failures: 0, crashes: 0 });
  });
});

describe("the session of a lost worker", () => {
  it("is ended when it holds a job's row, so that a frozen process cannot keep it", async () => {
    const pawl = await freshPawl();
    const { workerId, job } = await silentWorker(pawl);
    const holder = new URL(databaseUrl());
    holder.searchParams.set("application_name", `pawl ${workerId}`);

    await withClient(async (client) => {
      await client.query("begin");
      await client.query(`select from "${pawl.schema}".jobs where id = $1 for update`, [job.id]);
      await startWorker(pawl, bystander);

      expect(await attemptsOf(pawl, job, 1)).toMatchObject([{ outcome: "crashed" }]);
      await expect(client.query("select 1")).rejects.toThrow();
    }, holder.href);
  });
});

describe("a job that was seen in crashes", () => {
  it.each<[string, string, number]>([
    ["alone in its worker after three", "alone", 3],
    ["beside others after two", "beside others", 2],
  ])("runs %s", async (_, how, crashes) => {
    const pawl = await freshPawl();
    const results = await pawl.enqueueMany(
      Array.from({ length: 6 }, () => act.job({ does: "succeed" })),
    );
    const suspect = results[2]?.job;
    if (suspect === undefined) throw new Error("expected a job");
    await execute(`update "${pawl.schema}".jobs set crashes = $2 where id = $1`, [
      suspect.id,
      crashes,
    ]);
    const running = new Set<string>();
    const seen = new Map<string, number>(); // how many ran at once while a job did
    const handler = act.handle(async ({ job: { id } }) => {
      running.add(id);
      let most = running.size;
      // Long enough for others to start, which may have ended before this one does.
      for (let turn = 0; turn < 20; turn++) {
        await pawl.jobs.get(suspect);
        most = Math.max(most, running.size);
      }
      seen.set(id, most);
      running.delete(id);
    });

    await startWorker(pawl, { handlers: [handler], concurrency: 3 });
    await eventually(() => seen.size === 6, { within });

    expect(seen.get(suspect.id) === 1 ? "alone" : "beside others").toBe(how);
    expect(Math.max(...seen.values())).toBeGreaterThan(1);
    for (const { job } of results) {
      expect((await endedAttempts(pawl, job)).at(-1)?.outcome).toBe("succeeded");
    }
  });

  it("leaves the others to other workers when it has to wait until nothing else runs", async () => {
    const pawl = await freshPawl();
    const results = await pawl.enqueueMany([
      act.job({ does: "hang" }),
      ...Array.from({ length: 4 }, () => act.job({ does: "succeed" })),
    ]);
    const [hanging, suspect, ...others] = results.map(({ job }) => job);
    if (hanging === undefined || suspect === undefined) throw new Error("expected jobs");
    await execute(`update "${pawl.schema}".jobs set crashes = 3 where id = $1`, [suspect.id]);

    const doomed = await startWorkerProcess(pawl, { worker: { concurrency: 6 } });
    await doomed.says("running", hanging);
    await startWorker(pawl, { handlers: [act.handle(() => undefined)] });

    // Sooner than what is buffered for long goes back in any case.
    const haveEnded = async () => {
      const left = await Promise.all(others.map((job) => pawl.jobs.get(job)));
      return left.every((job) => job?.state === "finished");
    };
    await eventually(haveEnded, { within: 1_500 });
    expect((await pawl.jobs.get(hanging))?.state).toBe("running");
  });
});
