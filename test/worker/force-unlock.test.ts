import { defineTask, LeaseLostError, typed, type Pawl, type Worker } from "pawl";
import { describe, expect, it } from "vitest";
import { aborted } from "../fixtures/aborted.ts";
import { endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { act, startWorkerProcess } from "../fixtures/worker-process.ts";
import { execute } from "../support/database.ts";
import { freshEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const writing = defineTask({ name: "writing", transactional: true });

describe("pawl.jobs.forceUnlock", () => {
  it("gives a live worker's job to another, and refuses what the old holder says", async () => {
    const pawl = await freshPawl();
    const child = await startWorkerProcess(pawl, { worker: { name: "first" } });
    const { job } = await pawl.enqueue(act, { does: "hang" });
    await child.says("running", job);
    await pawl.queues.pause("default");
    await eventually(async () => (await child.health()).pausedQueues.includes("default"));

    expect(await pawl.jobs.forceUnlock("first")).toBe(1);

    await child.says("lease lost", job);
    await child.says("aborted", job);
    expect(child.messages).toContainEqual({ kind: "aborted", id: job.id, name: "LeaseLostError" });
    expect(await pawl.jobs.get(job)).toMatchObject({
      ...{ state: "ready", failures: 0, crashes: 0, workerId: null },
    });
    expect(await pawl.history.attempts(job)).toMatchObject([
      { outcome: "released", final: false, attempt: 1 },
    ]);
    await eventually(async () => (await child.health()).running === 0);
    expect(await pawl.history.attempts(job)).toHaveLength(1);
  });

  it("takes the jobs of the named workers only, by name or id, and of all when none is named", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const start = (name: string): Promise<Worker> =>
      startWorker(pawl, {
        ...{ name, queues: [name], handlers: [task.handle(() => finish.opened)], lease: "20s" },
        shutdownGrace: "5s",
      });
    const [first, second, third] = [await start("a"), await start("b"), await start("c")];
    const names = ["a", "b", "c"];
    await pawl.enqueueMany(names.map((queue) => task.job(1, { queue })));
    await eventually(async () => (await running(pawl)).length === 3);
    for (const name of names) await pawl.queues.pause(name);
    await eventually(() =>
      [first, second, third].every((worker) => worker.health().pausedQueues.length === 3),
    );

    expect(await pawl.jobs.forceUnlock(["nobody"])).toBe(0);
    expect(await pawl.jobs.forceUnlock(["a"])).toBe(1);
    expect(await running(pawl)).toEqual(["b", "c"]);
    expect(await pawl.jobs.forceUnlock(second.health().workerId)).toBe(1);
    expect(await running(pawl)).toEqual(["c"]);
    expect(await pawl.jobs.forceUnlock()).toBe(1);
    expect(await running(pawl)).toEqual([]);
    finish.open();
  });

  it("rolls back what a transactional handler wrote, and runs the job again", async () => {
    const engine = await freshEngine();
    const started = gate();
    let runs = 0;
    const handler = writing.handle(async ({ tx, signal }) => {
      runs += 1;
      await engine.write(tx, `run ${runs}`);
      if (runs > 1) return;
      started.open();
      await aborted(signal);
    });
    await engine.work({ handlers: [handler] });
    const { job } = await engine.pawl.enqueue(writing);
    await started.opened;

    expect(await engine.pawl.jobs.forceUnlock()).toBe(1);

    expect(await engine.finished(job)).toMatchObject([
      { outcome: "released", attempt: 1 },
      { outcome: "succeeded", attempt: 2 },
    ]);
    expect(await engine.notes()).toEqual(["run 2"]);
  });
});

describe("the lane of a job that was taken from a living worker", () => {
  it.each(["forceUnlock", "concurrencyKeys.forceUnlock", "failPermanently"])(
    "stays taken until its handler has returned (%s)",
    async (command) => {
      const pawl = await freshPawl();
      const finish = gate();
      const reasons: unknown[] = [];
      const handler = task.handle(async ({ signal }) => {
        reasons.push(await aborted(signal));
        await finish.opened;
      });
      const worker = await startWorker(pawl, { handlers: [handler], shutdownGrace: "5s" });
      const { job } = await pawl.enqueue(task, 1);
      await eventually(() => worker.health().running === 1);
      await pawl.queues.pause("default");
      await eventually(() => worker.health().pausedQueues.length === 1);
      // As if it had been admitted.
      await execute(
        `update ${pawl.schema}.jobs
            set concurrency_key = 'k', concurrency_lane = 1, concurrency_order = 1`,
      );
      await execute(`insert into ${pawl.schema}.concurrency_keys values ('default', 'k', 1)`);
      expect(await pawl.concurrencyKeys.list()).toEqual([
        { queue: "default", key: "k", limit: 1, running: 1, waiting: 0 },
      ]);

      if (command === "forceUnlock") expect(await pawl.jobs.forceUnlock()).toBe(1);
      else if (command === "failPermanently") await pawl.jobs.failPermanently(job, "no");
      else expect(await pawl.concurrencyKeys.forceUnlock(["other", "k"])).toBe(1);
      await eventually(() => reasons.length === 1);
      const held = await holds(pawl);
      const arrivals = await watchArrivals(pawl.schema);
      finish.open();
      await eventually(async () => (await holds(pawl)).length === 0);

      expect(reasons[0]).toBeInstanceOf(LeaseLostError);
      expect(held).toEqual([{ queue: "default", key: "k", lane: 1, id: job.id }]);
      expect(await arrivals()).toEqual([
        { queue: "default", concurrency_key: "k", is_enqueue: false },
      ]);
    },
  );

  it("keeps its successor from starting before the old handler has returned", async () => {
    const concurrency = { key: "k", limit: 1 };
    const keyed = defineTask({ name: "keyed", payload: typed<number>(), concurrency });
    const pawl = await freshPawl();
    const finish = gate();
    const told: string[] = [];
    const handler = keyed.handle(async ({ signal, job }) => {
      told.push(`start ${job.attempt}`);
      if (job.attempt > 1) return;
      await aborted(signal);
      told.push("told");
      await finish.opened;
      told.push("end 1");
    });
    const handlers = [handler, task.handle(() => undefined)];
    await startWorker(pawl, { handlers, shutdownGrace: "5s" });
    const { job } = await pawl.enqueue(keyed, 1);
    await eventually(() => told.length === 1);

    await pawl.concurrencyKeys.forceUnlock({ queue: "default", key: "k" });
    await eventually(() => told.includes("told"));
    // By then its worker has looked for jobs again.
    const { job: plain } = await pawl.enqueue(task, 0);
    await endedAttempts(pawl, plain);
    finish.open();
    await endedAttempts(pawl, job);

    expect(told).toEqual(["start 1", "told", "end 1", "start 2"]);
  });
});

/** Keeps a copy of every arrival from now on, since workers take them; the result tells. */
async function watchArrivals(schema: string): Promise<() => Promise<unknown[]>> {
  await execute(`create table ${schema}.seen (like ${schema}.arrivals)`);
  await execute(
    `create function ${schema}.note_arrival() returns trigger language plpgsql as
     $$ begin insert into ${schema}.seen values (new.*); return null; end $$`,
  );
  await execute(
    `create trigger note_arrival after insert on ${schema}.arrivals
       for each row execute function ${schema}.note_arrival()`,
  );
  return () => execute(`select queue, concurrency_key, is_enqueue from ${schema}.seen`);
}

async function running(pawl: Pawl): Promise<string[]> {
  return (await pawl.jobs.list({ state: "running" })).jobs.map(({ queue }) => queue);
}

function holds(pawl: Pawl): Promise<unknown[]> {
  return execute(`select queue, key, lane, id::text from ${pawl.schema}.concurrency_holds`);
}
