import type { EnqueueOutcome } from "../core/enqueue-options.ts";
import {
  insertExtendedJobs,
  isPlain,
  tooHeavy,
  type AskedRateLimit,
  type OtherOutcome,
} from "../store/extended-jobs.ts";
import {
  describeJobs,
  insertJobs,
  insertJobsOnce,
  jobKey,
  takeBackFinished,
  type JobDescription,
} from "../store/new-jobs.ts";
import type { Store } from "../store/store.ts";
import { chunksOf } from "./chunks.ts";
import type { PreparedJob } from "./prepare.ts";

/** A job as its enqueue made it, or found it; `runAt` is by the database's clock. */
export type EnqueuedJob = JobDescription;

/** `kept`: nothing was written, and `job` is the one that is there; `replaced`: `job` is the one that was changed. */
export interface EnqueueResult {
  readonly job: EnqueuedJob;
  readonly outcome: EnqueueOutcome;
}

/** How to write: `areNew` says that no id was enqueued before, `outside` what a caller's transaction hides. */
export interface Writing {
  readonly areNew: boolean;
  readonly outside: Store;
}

/** Whether new jobs can be written in one statement, which needs no transaction around it. */
export function isOneStatement(jobs: readonly PreparedJob[]): boolean {
  const [first, ...others] = jobs;
  const isAlike = first !== undefined && others.every((job) => isPlain(job) === isPlain(first));
  return isAlike && chunksOf(jobs).length === 1;
}

/** Writes jobs in as few statements as their kinds allow, and returns them in order. Throws `RateLimitError`. */
export async function writeJobs(
  store: Store,
  jobs: readonly PreparedJob[],
  writing: Writing,
): Promise<EnqueueResult[]> {
  const plain = jobs.filter(isPlain);
  const writePlain = writing.areNew ? writeNew : writeOnce;
  if (plain.length === jobs.length) return writePlain(store, jobs, writing);
  const extended = jobs.filter((job) => !isPlain(job));
  // These first: a rate limit that is refused refuses them all.
  const results = new Map<PreparedJob, EnqueueResult>();
  const add = (those: readonly PreparedJob[], made: readonly EnqueueResult[]) => {
    for (const [place, result] of made.entries()) results.set(at(those, place), result);
  };
  add(extended, await writeExtended(store, extended, writing));
  if (plain.length > 0) add(plain, await writePlain(store, plain, writing));
  return jobs.map((job) => results.get(job) ?? created(job, 0));
}

async function writeNew(store: Store, jobs: readonly PreparedJob[]): Promise<EnqueueResult[]> {
  let nowMs = 0;
  for (const chunk of chunksOf(jobs)) nowMs = await insertJobs(store, chunk);
  return jobs.map((job) => created(job, nowMs));
}

async function writeOnce(
  store: Store,
  jobs: readonly PreparedJob[],
  { outside }: Writing,
): Promise<EnqueueResult[]> {
  const distinct = distinctById(jobs);
  const keys = new Set<string>();
  let nowMs = 0;
  for (const chunk of chunksOf(distinct)) {
    const inserted = await insertJobsOnce(store, chunk, outside);
    nowMs = inserted.nowMs;
    for (const key of inserted.created) keys.add(key);
  }
  const known = distinct.filter((job) => job.hasOwnId && !keys.has(jobKey(job)));
  const described =
    known.length === 0 ? new Map<string, EnqueuedJob>() : await describeJobs(store, known);
  return jobs.map((job) => {
    // The second job with an id that is given twice in one call is kept, as it would be in a second call.
    const result = created(job, nowMs);
    if (keys.delete(jobKey(job)) || !job.hasOwnId) return result;
    return { job: described.get(jobKey(job)) ?? result.job, outcome: "kept" };
  });
}

async function writeExtended(
  store: Store,
  jobs: readonly PreparedJob[],
  { areNew, outside }: Writing,
): Promise<EnqueueResult[]> {
  const isUnique = jobs.some((job) => job.unique !== undefined);
  const distinct = areNew ? jobs : distinctById(jobs);
  const options = { asked: askedRateLimits(jobs), isUnique, isLooking: !areNew };
  const others = new Map<string, OtherOutcome>();
  let nowMs = 0;
  for (const chunk of isUnique ? chunksInKeyOrder(distinct) : chunksOf(distinct)) {
    const batch = await insertExtendedJobs(store, chunk, options);
    nowMs = batch.nowMs;
    for (const [place, other] of batch.others) others.set(jobKey(at(chunk, place)), other);
    if (areNew) continue;
    const inserted = chunk.filter((_, place) => !batch.others.has(place));
    for (const job of await takeBackFinished(store, inserted, { ...batch, outside })) {
      others.set(jobKey(job), { outcome: "known", id: job.id });
    }
  }
  const results = await describeOutcomes(store, distinct, { others, nowMs });
  const seen = new Set<string>();
  return jobs.map((job) => {
    const result = results.get(jobKey(job)) ?? created(job, nowMs);
    const isSecond = seen.has(jobKey(job));
    seen.add(jobKey(job));
    return isSecond ? { job: result.job, outcome: "kept" } : result;
  });
}

async function describeOutcomes(
  store: Store,
  jobs: readonly PreparedJob[],
  { others, nowMs }: { others: ReadonlyMap<string, OtherOutcome>; nowMs: number },
): Promise<ReadonlyMap<string, EnqueueResult>> {
  const there = jobs.flatMap((job) => {
    const other = others.get(jobKey(job));
    return other === undefined ? [] : [{ queue: job.queue, id: other.id }];
  });
  const described =
    there.length === 0 ? new Map<string, EnqueuedJob>() : await describeJobs(store, there);
  const results = new Map<string, EnqueueResult>();
  for (const job of jobs) {
    const other = others.get(jobKey(job));
    const isOurs = other?.outcome === "known" && !job.hasOwnId;
    const result = created(job, nowMs);
    // It was there a moment ago; where nothing is known of it, its task keeps no history.
    const finished = { ...result.job, id: other?.id ?? job.id, state: "finished" as const };
    const found = described.get(jobKey({ queue: job.queue, id: finished.id })) ?? finished;
    if (other === undefined || isOurs) results.set(jobKey(job), result);
    else {
      const outcome = other.outcome === "replaced" ? "replaced" : "kept";
      results.set(jobKey(job), { job: found, outcome });
    }
  }
  return results;
}

// What the call registers itself need not be known to the database.
function askedRateLimits(jobs: readonly PreparedJob[]): AskedRateLimit[] {
  const registered = new Map<string, number>();
  const asked = new Map<string, number>();
  for (const { rateLimit } of jobs) {
    if (rateLimit === undefined) continue;
    const { key, weight, registration } = rateLimit;
    if (registration !== undefined) registered.set(key, registration.capacity);
    else asked.set(key, Math.max(weight, asked.get(key) ?? 0));
  }
  for (const [key, capacity] of registered) {
    const weight = asked.get(key) ?? 0;
    asked.delete(key);
    if (weight > capacity) throw tooHeavy({ key, weight }, capacity);
  }
  return [...asked].map(([key, weight]) => ({ key, weight }));
}

// The one order in which keys are locked, whatever the order of the call. One statement sees to it by itself, and draws the
// places in line in the order of the list.
function chunksInKeyOrder(jobs: readonly PreparedJob[]): PreparedJob[][] {
  const chunks = chunksOf(jobs);
  if (chunks.length === 1) return chunks;
  const keyOf = (job: PreparedJob) => job.unique?.key ?? "";
  const inOrder = [...jobs].sort(
    (a, b) => compareBytes(a.queue, b.queue) || compareBytes(keyOf(a), keyOf(b)),
  );
  return chunksOf(inOrder);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function distinctById(jobs: readonly PreparedJob[]): PreparedJob[] {
  const seen = new Set<string>();
  return jobs.filter((job) => !seen.has(jobKey(job)) && seen.add(jobKey(job)));
}

function created(job: PreparedJob, nowMs: number): EnqueueResult {
  const { delayMs = 0, unique } = job;
  const longestMs = unique?.mode === "debounce" ? (unique.waitMs ?? delayMs) : delayMs;
  const dueMs = job.runAt?.getTime() ?? nowMs + Math.min(delayMs, longestMs);
  const stateWhenDue = job.concurrency === undefined ? "ready" : "blocked";
  return {
    job: {
      id: job.id,
      queue: job.queue,
      task: job.task,
      state: dueMs > nowMs ? "scheduled" : stateWhenDue,
      runAt: new Date(Math.max(dueMs, nowMs)),
      correlationId: job.correlationId ?? null,
    },
    outcome: "created",
  };
}

function at<Value>(values: readonly Value[], place: number): Value {
  const value = values[place];
  if (value === undefined) throw new RangeError(`expected a job in place ${place}`);
  return value;
}
