import { arrayLiteral } from "../core/array-literal.ts";
import type { Value } from "../db/database.ts";
import type { Store } from "./store.ts";

/** One job to insert, with every default filled in. */
export interface NewJob {
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
}

/** Inserts jobs whose ids are new; resolves with the database's time. */
export async function insertJobs(store: Store, jobs: readonly NewJob[]): Promise<number> {
  const rows = await store.db.query<{ now_ms: number }>(store.sql("jobs/insert"), columnsOf(jobs));
  return rows[0]?.now_ms ?? Date.now();
}

/**
 * Inserts jobs whose ids may have been enqueued before, and takes back those that have run; resolves with the keys of
 * the new ones. `store` must be inside a transaction, and the two statements in this order: see 0008-enqueue.sql.
 */
export async function insertJobsOnce(
  store: Store,
  jobs: readonly NewJob[],
): Promise<{ nowMs: number; created: ReadonlySet<string> }> {
  const inOrder = [...jobs].sort((a, b) => (jobKey(a) < jobKey(b) ? -1 : 1));
  const [row] = await store.db.query<{ now_ms: number; created: string | null }>(
    store.sql("jobs/insert-once"),
    columnsOf(inOrder),
  );
  const inserted = JSON.parse(row?.created ?? "[]") as [string, string][]; // made by the statement
  const created = new Set(inserted.map(([queue, id]) => jobKey({ queue, id })));
  if (inserted.length > 0) {
    const finished = await store.db.query<{ queue: string; id: string }>(
      store.sql("jobs/discard-finished"),
      [arrayLiteral(inserted.map(([queue]) => queue)), arrayLiteral(inserted.map(([, id]) => id))],
    );
    for (const job of finished) created.delete(jobKey(job));
  }
  return { nowMs: row?.now_ms ?? Date.now(), created };
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
