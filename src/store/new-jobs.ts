import { arrayLiteral } from "../core/array-literal.ts";
import type { JobMeta } from "../core/instrumentation.ts";
import type { JobKeys } from "../core/job-keys.ts";
import type { JobReference } from "../core/job.ts";
import type { JobState } from "../core/states.ts";
import type { Value } from "../db/database.ts";
import type { QueryName } from "../db/statements.ts";
import type { Store } from "./store.ts";

/** One job to insert, with every default filled in. */
export interface NewJob extends JobKeys {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  /** JSON text. */
  readonly payload: string;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly delayMs: number | undefined;
  readonly runAt: Date | undefined;
  readonly correlationId: string | undefined;
  /** What the enqueue's instrumentation leaves with the job. */
  readonly meta?: JobMeta | undefined;
  /** The job of the history that this one repeats. */
  readonly replayOf?: string | undefined;
}

/** Inserts jobs whose ids are new; resolves with the database's time. */
export async function insertJobs(store: Store, jobs: readonly NewJob[]): Promise<number> {
  const [first, second] = jobs;
  const rows = await store.db.query<{ now_ms: number }>(
    ...(first !== undefined && second === undefined
      ? ([store.sql("jobs/insert-one"), valuesOf(first)] as const)
      : ([store.sql("jobs/insert"), columnsOf(jobs)] as const)),
  );
  return rows[0]?.now_ms ?? Date.now();
}

function valuesOf(job: NewJob): Value[] {
  const { id, payload, queue, task, delayMs, maxAttempts, priority, correlationId, runAt } = job;
  return [
    ...[id, payload, queue, task, delayMs ?? null, maxAttempts, priority, correlationId ?? null],
    runAt?.toISOString() ?? null,
  ];
}

/**
 * Inserts jobs whose ids may have been enqueued before, and takes back those that have run; resolves with the keys of
 * the new ones. `store` must be inside a transaction, and the two statements in this order: see 0008-enqueue.sql.
 * `outside` is asked when the transaction's isolation hides what finished after it began.
 */
export async function insertJobsOnce(
  store: Store,
  jobs: readonly NewJob[],
  outside: Store,
): Promise<{ nowMs: number; created: ReadonlySet<string> }> {
  const inOrder = [...jobs].sort((a, b) => (jobKey(a) < jobKey(b) ? -1 : 1));
  const [row] = await store.db.query<{ now_ms: number; isolation: string; created: string | null }>(
    store.sql("jobs/insert-once"),
    columnsOf(inOrder),
  );
  const pairs = JSON.parse(row?.created ?? "[]") as [string, string][]; // made by the statement
  const inserted = pairs.map(([queue, id]) => ({ queue, id }));
  const created = new Set(inserted.map(jobKey));
  const isolation = row?.isolation ?? "";
  for (const job of await takeBackFinished(store, inserted, { isolation, outside })) {
    created.delete(jobKey(job));
  }
  return { nowMs: row?.now_ms ?? Date.now(), created };
}

/** Takes back those of the jobs just inserted that have run before, and returns them. */
export async function takeBackFinished(
  store: Store,
  inserted: readonly JobReference[],
  { isolation, outside }: { isolation: string; outside: Store },
): Promise<readonly JobReference[]> {
  if (inserted.length === 0) return [];
  return isolation === "read committed"
    ? onJobs<JobReference>(store, "jobs/discard-finished", inserted)
    : discardUnseen(store, inserted, outside);
}

async function discardUnseen(
  store: Store,
  inserted: readonly JobReference[],
  outside: Store,
): Promise<readonly JobReference[]> {
  const finished = await onJobs<JobReference>(outside, "history/find-finished", inserted);
  if (finished.length > 0) await onJobs(store, "jobs/discard", finished);
  return finished;
}

/** What a job is now. */
export interface JobDescription extends JobReference {
  readonly task: string;
  readonly state: JobState | "finished";
  readonly runAt: Date;
  readonly correlationId: string | null;
}

interface DescriptionRow {
  queue: string;
  id: string;
  task: string | null;
  state: JobState | "finished";
  run_at_ms: number;
  correlation_id: string | null;
}

/** What these jobs are now, by their keys; one that was never there is left out. */
export async function describeJobs(
  store: Store,
  jobs: readonly JobReference[],
): Promise<ReadonlyMap<string, JobDescription>> {
  const described = new Map<string, JobDescription>();
  for (const row of await onJobs<DescriptionRow>(store, "jobs/describe", jobs)) {
    const { queue, id, task, state } = row;
    if (task === null) continue;
    const runAt = new Date(row.run_at_ms);
    const job = { queue, id, task, state, runAt, correlationId: row.correlation_id };
    described.set(jobKey(job), job);
  }
  return described;
}

function onJobs<R extends object>(
  store: Store,
  statement: QueryName,
  jobs: readonly JobReference[],
): Promise<readonly R[]> {
  return store.db.query<R>(store.sql(statement), [
    arrayLiteral(jobs.map(({ queue }) => queue)),
    arrayLiteral(jobs.map(({ id }) => id)),
  ]);
}

/** One text for the queue and id of a job; ids have a fixed length, so it is unique. */
export function jobKey(job: { readonly queue: string; readonly id: string }): string {
  return `${job.id} ${job.queue}`;
}

function columnsOf(jobs: readonly NewJob[]): Value[] {
  const queues = column(jobs, (job) => job.queue);
  const tasks = column(jobs, (job) => job.task);
  const delays = column(jobs, (job) => job.delayMs ?? null);
  const maxAttempts = column(jobs, (job) => job.maxAttempts);
  const priorities = column(jobs, (job) => job.priority);
  const correlationIds = column(jobs, (job) => job.correlationId ?? null);
  const runAts = jobs.some((job) => job.runAt !== undefined)
    ? arrayLiteral(jobs.map((job) => job.runAt?.toISOString() ?? null))
    : "{}";
  return [
    arrayLiteral(jobs.map((job) => job.id)),
    `[${jobs.map((job) => job.payload).join(",")}]`,
    queues.shared,
    tasks.shared,
    delays.shared,
    maxAttempts.shared,
    priorities.shared,
    correlationIds.shared,
    queues.list,
    tasks.list,
    maxAttempts.list,
    priorities.list,
    correlationIds.list,
    delays.list,
    runAts,
  ];
}

// A bulk enqueue mostly repeats itself: what all jobs share travels once.
function column<T extends string | number | null>(
  jobs: readonly NewJob[],
  pick: (job: NewJob) => T,
): { shared: T | null; list: string } {
  const [first] = jobs;
  const shared = first === undefined ? null : pick(first);
  if (jobs.every((job) => pick(job) === shared)) return { shared, list: "{}" };
  return { shared: null, list: arrayLiteral(jobs.map(pick)) };
}
