import { roughDuration } from "../../core/duration.ts";
import {
  countWorkers,
  measureQueues,
  readTakers,
  type MeasuredQueue,
  type QueueTakers,
} from "../../store/dashboard-queues.ts";
import { findUnservedJobs, type UnservedJobs } from "../../store/diagnosis.ts";
import type { JobState } from "../../core/states.ts";
import type { Count, Counts, Overview, Problem, QueueRow } from "../api.ts";
import type { ReadContext } from "../context.ts";
import { intervalMs, type Endings, type RecentPast } from "./recent-past.ts";

const countUpTo = 10_000;
// Beyond it queues are counted less far, so that an answer comes in time however many there are.
const countBudgetMs = 30;
const mostProblems = 20;
const mostUnserved = 100;
const lateMs = 60_000;

/** How things are, and how the last minutes went. */
export async function readOverview(context: ReadContext, past: RecentPast): Promise<Overview> {
  const { store } = context;
  const nowMs = await past.readOn(store);
  const queues = await measure(context, past, nowMs);
  const workers = await countWorkers(store);
  const unserved = await findUnservedJobs(store, mostUnserved);
  const oldest = queues.flatMap(({ oldestReadyMs }) => oldestReadyMs ?? []);
  return {
    now: new Date(nowMs).toISOString(),
    counts: sumOf(queues),
    workers,
    oldestReadyMs: oldest.length === 0 ? null : Math.max(...oldest),
    series: past.series(),
    intervalMs,
    problems: problemsOf({ queues, unserved, endings: past.endings() }),
  };
}

/** The queues, with what waits in them and who takes it. */
export async function readQueues(
  context: ReadContext,
  past: RecentPast,
): Promise<{ readonly queues: readonly QueueRow[] }> {
  const nowMs = await past.readOn(context.store);
  const takers = await readTakers(context.store);
  const queues = await measure(context, past, nowMs, takers.byQueue.keys());
  return { queues: queues.map((queue) => toRow(queue, takers, past.depths(queue.name))) };
}

async function measure(
  { store }: ReadContext,
  past: RecentPast,
  nowMs: number,
  taken: Iterable<string> = [],
): Promise<MeasuredQueue[]> {
  const measured = await measureQueues(store, { upTo: countUpTo, budgetMs: countBudgetMs });
  const queues = withEmptyOnes(measured, [...past.queues(), ...taken]);
  past.noteDepths(nowMs, queues);
  return queues;
}

/** With those that have just been emptied, and those that workers wait for. */
function withEmptyOnes(
  measured: readonly MeasuredQueue[],
  names: readonly string[],
): MeasuredQueue[] {
  const known = new Set(measured.map(({ name }) => name));
  const counts = { scheduled: 0, ready: 0, blocked: 0, running: 0 };
  const empty = { paused: false, upTo: countUpTo, counts, oldestReadyMs: null };
  const others = [...new Set(names)].filter((name) => !known.has(name));
  return [...measured, ...others.map((name) => ({ name, ...empty }))].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

function toRow(queue: MeasuredQueue, takers: QueueTakers, depths: readonly number[]): QueueRow {
  const { name, paused, oldestReadyMs } = queue;
  const workers = takers.any + (takers.byQueue.get(name) ?? 0);
  return { ...{ name, paused, oldestReadyMs, workers, depths }, counts: countsOf(queue) };
}

function countsOf({ counts, upTo }: MeasuredQueue): Counts {
  const counted = (state: JobState): Count => ({
    count: counts[state],
    isAtLeast: counts[state] >= upTo,
  });
  return {
    scheduled: counted("scheduled"),
    ready: counted("ready"),
    blocked: counted("blocked"),
    running: { count: counts.running, isAtLeast: false },
  };
}

function sumOf(queues: readonly MeasuredQueue[]): Counts {
  const all = queues.map(countsOf);
  const sum = (state: JobState): Count => ({
    count: all.reduce((total, counts) => total + counts[state].count, 0),
    isAtLeast: all.some((counts) => counts[state].isAtLeast),
  });
  return {
    ...{ scheduled: sum("scheduled"), ready: sum("ready") },
    ...{ blocked: sum("blocked"), running: sum("running") },
  };
}

interface Circumstances {
  readonly queues: readonly MeasuredQueue[];
  readonly unserved: readonly UnservedJobs[];
  readonly endings: ReadonlyMap<string, Endings>;
}

function problemsOf({ queues, unserved, endings }: Circumstances): Problem[] {
  const waiting = queues.filter(({ counts }) => waitingIn(counts) > 0);
  return [
    ...unservedProblems(unserved),
    ...[...endings].flatMap(failingProblem),
    ...waiting.flatMap(lateProblem),
    ...waiting.filter(({ paused }) => paused).map(pausedProblem),
  ].slice(0, mostProblems);
}

function unservedProblems(unserved: readonly UnservedJobs[]): Problem[] {
  // The first of each queue: the one that has waited longest.
  const byQueue = new Map(unserved.toReversed().map((jobs) => [jobs.queue, jobs]));
  return [...byQueue.values()].reverse().map(({ queue, task, isQueueServed }) => ({
    queue,
    kind: "noWorkers",
    text: isQueueServed
      ? `No living worker of the queue ${quoted(queue)} handles the task ${quoted(task)}, of which jobs wait.`
      : `Jobs wait in the queue ${quoted(queue)}, and no living worker takes it.`,
  }));
}

function failingProblem([queue, { ended, failed }]: [string, Endings]): Problem[] {
  if (failed * 2 <= ended) return [];
  const where = `in the queue ${quoted(queue)} that ended within the last minute`;
  const text =
    ended === 1
      ? `The one attempt ${where} failed.`
      : `Of ${shown(ended)} attempts ${where}, ${shown(failed)} failed.`;
  return [{ queue, kind: "failing", text }];
}

function lateProblem({ name, paused, oldestReadyMs }: MeasuredQueue): Problem[] {
  if (paused || oldestReadyMs === null || oldestReadyMs <= lateMs) return [];
  const text = `A job has been ready in the queue ${quoted(name)} for ${roughDuration(oldestReadyMs)}.`;
  return [{ queue: name, kind: "late", text }];
}

function pausedProblem({ name, counts, upTo }: MeasuredQueue): Problem {
  const count = waitingIn(counts);
  const jobs = count >= upTo ? `${shown(count)} jobs or more` : counted(count);
  return {
    queue: name,
    kind: "paused",
    text: `The queue ${quoted(name)} is paused, and ${jobs} ${count === 1 ? "waits" : "wait"} in it.`,
  };
}

function waitingIn({ scheduled, ready, blocked }: MeasuredQueue["counts"]): number {
  return scheduled + ready + blocked;
}

function counted(count: number): string {
  return `${shown(count)} ${count === 1 ? "job" : "jobs"}`;
}

function shown(count: number): string {
  return count.toLocaleString("en-US");
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
