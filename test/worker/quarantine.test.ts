import { defineTask, type JobReference, type Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import {
  act,
  startWorkerProcess,
  type Act,
  type WorkerProcess,
} from "../fixtures/worker-process.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

// Far longer than a busy machine pauses anybody: who has died is told by the test, not by its silence.
const lease = "1m";
const within = 60_000;
// Each death costs the start of a process.
const timeout = 90_000;

/** Enqueues what the jobs do, in order. */
async function enqueueAll(pawl: Pawl, acts: readonly Act[]): Promise<JobReference[]> {
  const results = await pawl.enqueueMany(acts.map((each) => act.job(each)));
  return results.map(({ job }) => job);
}

function times(count: number, each: Act): Act[] {
  return Array.from({ length: count }, () => each);
}

async function liveJobs(pawl: Pawl): Promise<number> {
  return (await execute(`select from "${pawl.schema}".jobs`)).length;
}

/** Resolves when a process has died, and its worker has been silent for long. */
async function buried(pawl: Pawl, { process, exited }: WorkerProcess): Promise<void> {
  await exited;
  await execute(
    `update "${pawl.schema}".workers
        set heartbeat_at = clock_timestamp() - interval '1 hour', lease_ms = 500
      where pid = $1 and ended_at is null`,
    [process.pid],
  );
}

/** Runs worker processes, a new one whenever one dies, until no job is left; resolves with how many have died. */
async function workOff(pawl: Pawl, concurrency: number): Promise<number> {
  // Somebody who lives on has to notice.
  const bystander = defineTask({ name: "other" }).handle(() => undefined);
  await startWorker(pawl, { handlers: [bystander], queues: ["elsewhere"], lease });
  for (let deaths = 0; ; deaths++) {
    const worker = await startWorkerProcess(pawl, { worker: { concurrency, lease } });
    const isDone = async (): Promise<string | false> => (await liveJobs(pawl)) === 0 && "done";
    const end = await Promise.race([
      eventually(isDone, { within }),
      buried(pawl, worker).then(() => "died"),
    ]);
    if (end === "done") return deaths;
    if (deaths > 8) throw new Error("expected the killing to end");
  }
}

const quick: Act = { does: "succeed" };
const slow: Act = { does: "wait", ms: 30 };
const die: Act = { does: "die" };

describe("a job that kills its worker", () => {
  it.each<[string, Act[], number]>([
    ["the only one", [die], 5],
    ["the first of many", [die, ...times(200, quick)], 5],
    ["behind 30 quick ones", [...times(30, quick), die, ...times(30, quick)], 5],
    ["among slow ones that run at the same time", [...times(4, slow), die, ...times(30, slow)], 5],
    ["the last of a thousand", [...times(1_000, quick), die], 10],
    ["one of many that run one by one", [...times(5, quick), die, ...times(20, quick)], 1],
  ])(
    "is quarantined after it has killed four: %s",
    async (_, acts, concurrency) => {
      const pawl = await freshPawl();
      const jobs = await enqueueAll(pawl, acts);

      const deaths = await workOff(pawl, concurrency);

      const killer = jobs[acts.indexOf(die)];
      if (killer === undefined) throw new Error("expected a job");
      const attempts = await endedAttempts(pawl, killer);
      const finals = await execute<{ id: string; outcome: string }>(
        `select id::text, outcome from "${pawl.schema}".history where final and id <> $1`,
        [killer.id],
      );
      expect(deaths).toBe(4);
      expect(attempts.at(-1)).toMatchObject({
        outcome: "failed",
        final: true,
        error: { name: "QuarantinedError", code: "PAWL_JOB_QUARANTINED" },
      });
      expect(finals).toHaveLength(jobs.length - 1);
      expect(finals.filter(({ outcome }) => outcome !== "succeeded")).toEqual([]);
    },
    timeout,
  );

  it(
    "has a crash in its history for each of the others that it was running in",
    async () => {
      const pawl = await freshPawl();
      const [job] = await enqueueAll(pawl, [die]);
      if (job === undefined) throw new Error("expected a job");

      await workOff(pawl, 5);

      const attempts = await endedAttempts(pawl, job);
      expect(attempts.map(({ outcome }) => outcome)).toEqual([
        "crashed",
        "crashed",
        "crashed",
        "failed",
      ]);
      expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
      expect(new Set(attempts.map(({ workerId }) => workerId)).size).toBe(4);
    },
    timeout,
  );

  it(
    "is one of two such, which are both quarantined and nobody else",
    async () => {
      const pawl = await freshPawl();
      const acts = [...times(10, slow), die, ...times(3, slow), { ...die }, ...times(20, slow)];
      const jobs = await enqueueAll(pawl, acts);

      const deaths = await workOff(pawl, 5);

      const killers = acts.flatMap(({ does }, place) => (does === "die" ? [jobs[place]?.id] : []));
      const failed = await execute<{ id: string; code: string }>(
        `select id::text, error ->> 'code' as code
         from "${pawl.schema}".history where final and outcome <> 'succeeded'`,
      );
      expect(new Set(failed.map(({ id }) => id))).toEqual(new Set(killers));
      expect(failed.every(({ code }) => code === "PAWL_JOB_QUARANTINED")).toBe(true);
      expect(deaths).toBeLessThanOrEqual(8);
    },
    timeout,
  );
});

describe("a job that was running in three workers that died of something else", () => {
  it(
    "runs again, and is no longer suspected when it succeeds",
    async () => {
      const pawl = await freshPawl();
      const [job] = await enqueueAll(pawl, [{ does: "hang" }]);
      if (job === undefined) throw new Error("expected a job");
      for (let death = 0; death < 3; death++) {
        const doomed = await startWorkerProcess(pawl, { worker: { lease } });
        await doomed.says("running", job);
        doomed.process.kill("SIGKILL");
        await buried(pawl, doomed);
      }

      await startWorker(pawl, { handlers: [act.handle(() => undefined)], lease });

      const attempts = await endedAttempts(pawl, job);
      expect(attempts.map(({ outcome }) => outcome)).toEqual([
        "crashed",
        "crashed",
        "crashed",
        "succeeded",
      ]);
    },
    timeout,
  );
});
