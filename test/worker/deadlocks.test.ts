import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { reconcileJobs } from "#pawl/store/upkeep";
import { failed, HandClaimer, released, succeeded } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";

const task = defineTask({ name: "task" });
const rounds = 60;
const jobsPerRound = 40;

describe("settling and rescuing the same jobs at the same time", () => {
  it("never deadlocks, and each attempt is recorded once", async () => {
    const engine = await freshEngine({ connections: 12 });

    for (let round = 0; round < rounds; round += 1) {
      const claimer = await claimRound(engine);
      const jobs = claimer.jobs;
      await Promise.all([
        claimer.settle(jobs.slice(0, 20).map(succeeded)),
        claimer.settle(jobs.slice(10, 30).map((job) => failed(job, 60_000))),
        claimer.settle(jobs.slice(25).map(released)),
        claimer.loseAll({ running: 20 }),
      ]);
    }

    const twice = await engine.sql(
      "select id, attempt from history group by 1, 2 having count(*) > 1",
    );
    expect(twice).toEqual([]);
    const [counts] = await engine.sql<{ ended: number; live: number }>(
      `select (select count(distinct id)::int from history where final) as ended,
              (select count(*)::int from jobs) as live`,
    );
    expect((counts?.ended ?? 0) + (counts?.live ?? 0)).toBe(rounds * jobsPerRound);
  });

  it("never deadlocks with several rescuers and a reconciliation besides", async () => {
    const engine = await freshEngine({ connections: 12 });

    for (let round = 0; round < rounds; round += 1) {
      const claimer = await claimRound(engine);
      const { jobs, workerId } = claimer;
      const results = await Promise.allSettled([
        claimer.loseAll(),
        claimer.settle(jobs.map(succeeded)),
        claimer.rescue(),
        reconcileJobs(engine.store, workerId, { from: 1, to: 1, held: [] }),
        claimer.rescue(),
        claimer.settle(jobs.map((job) => failed(job, 60_000))),
      ]);
      expect(results.filter(({ status }) => status === "rejected")).toEqual([]);
    }

    const twice = await engine.sql(
      "select id, attempt from history group by 1, 2 having count(*) > 1",
    );
    expect(twice).toEqual([]);
  });

  it("does not make the rescue wait for a row that somebody has locked", async () => {
    const engine = await freshEngine();
    const claimer = await claimRound(engine);
    const locked = claimer.jobs[7]?.id;
    const holder = await engine.connect();
    await holder.query("begin");
    await holder.query("select from jobs where id = $1 for update", [locked]);

    await claimer.loseAll();

    expect(await engine.sql("select id from jobs where state = 'running'")).toEqual([
      { id: locked },
    ]);
  });

  it("never deadlocks when handlers hold rows, whatever the order of their ids", async () => {
    const engine = await freshEngine({ connections: 12 });
    const transactional = defineTask({
      name: "transactional",
      transactional: true,
      retry: { retries: 3, delays: [0] },
    });
    const handlers = [
      transactional.handle(async ({ job, tx }) => {
        await tx.query("select pg_sleep(0.001)");
        if (job.attempt === 1) throw new Error("not yet");
      }),
      task.handle(({ job }) => {
        if (job.attempt === 1) throw new Error("not yet");
      }),
    ];
    const requests = Array.from({ length: 300 }, (_, number) =>
      number % 3 === 0 ? transactional.job() : task.job(),
    );

    const workers = [
      await engine.work({ handlers, concurrency: 20 }),
      await engine.work({ handlers, concurrency: 20 }),
    ];
    await engine.pawl.enqueueMany(requests);
    await engine.sqlUntil("select from history having count(*) filter (where final) >= 100");

    const errors = workers.flatMap((worker) => worker.errors);
    expect(errors.map(String).filter((text) => text.includes("40P01"))).toEqual([]);
  });
});

class RoundClaimer extends HandClaimer {
  jobs: Awaited<ReturnType<HandClaimer["claim"]>> = [];
}

async function claimRound(engine: Engine): Promise<RoundClaimer> {
  await engine.pawl.enqueueMany(Array.from({ length: jobsPerRound }, () => task.job()));
  const claimer = new RoundClaimer(engine.store);
  const claimed = await claimer.claim({ limit: jobsPerRound });
  claimer.jobs = claimed.sort((a, b) => (a.id < b.id ? -1 : 1));
  return claimer;
}
