import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "pg";
import { check, type Verdict } from "./checker/check.ts";
import type { Evidence } from "./checker/evidence.ts";
import { isReadyIn } from "./checker/readiness.ts";
import { monotonicMs } from "./evidence/event.ts";
import { readFinalState } from "./evidence/final-state.ts";
import { readEvents, Recorder } from "./evidence/recorder.ts";
import type { Fault } from "./faults/fault.ts";
import { leaseMs, pollMs } from "./lease.ts";
import { isElsewhere, type Plan } from "./plan.ts";
import { Chance } from "./random.ts";
import { connect } from "./servers/admin.ts";
import { hideMachines } from "./servers/hidden-machines.ts";
import type { Grounds } from "./servers/site.ts";
import { Stage } from "./stage.ts";
import { within } from "./within.ts";
import { workloadNamed } from "./workloads/all.ts";
import type { Step, Workload } from "./workloads/workload.ts";

/** What came of a run; where its evidence was kept, when it failed. */
export interface RunResult extends Verdict {
  readonly plan: Plan;
  readonly keptIn: string | undefined;
}

const workers = 3;
// A lease, two polls, the longest pause after an error, and two seconds.
const usualDrainMs = leaseMs + 2 * pollMs + 2_000 + 2_000;
// An enqueue is tried for 15 s, and its last try may take as long as a query may.
const producedWithinMs = 40_000;
// Longer than a worker takes to say that it wants to be woken.
const idleMs = 1_300;
const readyWithinMs = 4 * leaseMs;
const endedWithinMs = 10_000;

/** Makes a run: starts its processes, makes its trouble, waits until all is done, and judges what happened. */
export async function makeRun(plan: Plan, fault: Fault, grounds: Grounds): Promise<RunResult> {
  const directory = await mkdtemp(join(tmpdir(), `pawl-run-${plan.number}-`));
  const workload = workloadNamed(plan.workload);
  const evidence = await play(plan, { fault, workload, grounds, directory });
  const verdict = check(evidence);
  const hasFailed = verdict.violations.length > 0;
  if (hasFailed) {
    await writeFile(join(directory, "plan.json"), JSON.stringify(plan, null, 2));
    await writeFile(join(directory, "final.json"), JSON.stringify(evidence.final, null, 2));
    await writeFile(
      join(directory, "violations.json"),
      JSON.stringify(verdict.violations, null, 2),
    );
  } else await rm(directory, { recursive: true, force: true });
  return { ...verdict, plan, keptIn: hasFailed ? directory : undefined };
}

interface Play {
  readonly fault: Fault;
  readonly workload: Workload;
  readonly grounds: Grounds;
  readonly directory: string;
}

async function play(plan: Plan, { fault, workload, grounds, directory }: Play): Promise<Evidence> {
  await mkdir(directory, { recursive: true });
  const site = await (fault.openSite?.(grounds) ?? grounds.sharedSite());
  const stage = new Stage({
    site,
    chance: new Chance(plan.seed),
    recorder: new Recorder(Stage.eventsIn(directory)),
    directory,
    isProxied: fault.isProxied ?? false,
    assignment: { workload: plan.workload, seed: plan.seed },
  });
  try {
    if (isElsewhere(plan)) await hideMachines(site.directUrl);
    await fault.prepare?.(stage);
    const assign = () => fault.assignment?.(stage) ?? {};
    await Promise.all(Array.from({ length: workers }, () => stage.start("worker", assign())));
    const producer = await stage.start("producer", assign());
    await Promise.all([
      fault.inject(stage),
      within(producedWithinMs, producer.process.says("done")),
    ]);
    stage.recorder.record({ kind: "healed" });
    const drainMs = usualDrainMs + (fault.drainMs ?? 0) + (workload.drainMs ?? 0);
    // In every second run the last jobs come when workers have nothing left to do, and wait for news.
    const isLate = plan.seed % 2 === 0;
    const isInTime = !isLate || (await untilDrained(stage, drainMs));
    if (isLate) await stage.pause(idleMs);
    producer.process.goOn();
    await within(producedWithinMs, producer.process.says("finished"));
    if (isInTime && (await untilDrained(stage, drainMs))) {
      stage.recorder.record({ kind: "drained" });
    }
    await untilReady(stage, directory, readyWithinMs + (fault.drainMs ?? 0));
    await stopWorkers(stage);
    await site.leave?.();
    return {
      events: readEvents(Stage.eventsIn(directory)),
      final: await readFinalState(stage.site.directUrl),
      exits: stage.exits,
      jobs: jobsOf(workload.steps(new Chance(plan.seed))),
      leaseMs,
      clockOffsetMs: Date.now() - monotonicMs(),
    };
  } finally {
    await stage.close();
    await site.close();
  }
}

/** Whether all jobs have ended in time. */
async function untilDrained(stage: Stage, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  const client = await connect(stage.site.directUrl);
  try {
    while (performance.now() < deadline) {
      const { rows } = await client.query("select from pawl.jobs limit 1");
      if (rows.length === 0) return true;
      await stage.pause(50);
    }
    return false;
  } finally {
    await client.end();
  }
}

/** Gives those who were late to notice that all is well again the time to do so; whether they did is for the checker. */
async function untilReady(stage: Stage, directory: string, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  const client = await connect(stage.site.directUrl);
  try {
    for (;;) {
      const events = readEvents(Stage.eventsIn(directory));
      const living = await workersAlive(client);
      const pids = stage.workers.map(({ process }) => process.pid);
      const zombies = pids.filter((pid) => !living.has(pid));
      const isReady = zombies.length === 0 && pids.every((pid) => isReadyIn(events, pid));
      if (isReady || performance.now() >= deadline) {
        stage.recorder.record({ kind: "at rest", zombies });
        return;
      }
      await stage.pause(50);
    }
  } finally {
    await client.end();
  }
}

/** The process ids of those that the database takes for alive. */
async function workersAlive(client: Client): Promise<ReadonlySet<number>> {
  const query = "select pid from pawl.workers where ended_at is null";
  const { rows } = await client.query<{ pid: number }>(query);
  return new Set(rows.map(({ pid }) => pid));
}

/** They end by themselves when told to, or it is a violation that the checker sees. */
async function stopWorkers(stage: Stage): Promise<void> {
  const { actors } = stage;
  for (const { process } of stage.workers) process.signal("SIGTERM");
  await within(endedWithinMs, Promise.all(actors.map(({ process }) => process.ended)));
  // Their sessions end a moment after them.
  await stage.pause(100);
}

function jobsOf(steps: readonly Step[]): Evidence["jobs"] {
  const jobs = steps.flatMap((step) => {
    if (!("jobs" in step)) return [];
    return step.how === "with a bad one" ? [...step.jobs, step.bad] : step.jobs;
  });
  return new Map(jobs.map((job) => [job.act.n, job]));
}
