import type { JobState, OutcomeName } from "../core/states.ts";
import type { Database, Value } from "../db/database.ts";
import type { QueryName } from "../db/statements.ts";
import { inBoundedTransaction, type Store } from "./store.ts";

/** No statement of a read takes longer, in milliseconds. */
const readTimeoutMs = 5_000;

/** How much waits in a queue. */
export interface MeasuredQueue {
  readonly name: string;
  readonly paused: boolean;
  /** How far was counted: a count of this many stands for that many or more, except of those that run. */
  readonly upTo: number;
  readonly counts: Readonly<Record<JobState, number>>;
  readonly oldestReadyMs: number | null;
}

type QueueRow = Readonly<Record<JobState, number>> & {
  readonly name: string;
  readonly paused: boolean;
  readonly up_to: number;
  readonly oldest_ready_ms: number | null;
};

/** Measures the first thousand queues with jobs, and those that are paused; counts less far when time runs short. */
export async function measureQueues(
  store: Store<Database>,
  { upTo, budgetMs }: { readonly upTo: number; readonly budgetMs: number },
): Promise<MeasuredQueue[]> {
  const rows = await readByIndexes<QueueRow>(store, "dashboard/queues", [upTo, budgetMs]);
  return rows.map(({ name, paused, up_to, oldest_ready_ms, ...counts }) => ({
    ...{ name, paused, upTo: up_to, oldestReadyMs: oldest_ready_ms },
    counts: {
      ...{ scheduled: counts.scheduled, ready: counts.ready },
      ...{ blocked: counts.blocked, running: counts.running },
    },
  }));
}

/** How many living workers take each queue. */
export interface QueueTakers {
  /** Those that take any queue. */
  readonly any: number;
  readonly byQueue: ReadonlyMap<string, number>;
}

/** Counts the living workers by the queues that they take. */
export async function readTakers(store: Store<Database>): Promise<QueueTakers> {
  const rows = await readByIndexes<{ queue: string | null; workers: number }>(
    store,
    "dashboard/queue-workers",
  );
  const byQueue = new Map<string, number>();
  let any = 0;
  for (const { queue, workers } of rows) {
    if (queue === null) any = workers;
    else byQueue.set(queue, workers);
  }
  return { any, byQueue };
}

/** How many workers are alive, and how many were found dead within the last day. */
export async function countWorkers(
  store: Store<Database>,
): Promise<{ readonly alive: number; readonly crashed: number }> {
  const [row] = await readByIndexes<{ alive: number; crashed: number }>(store, "workers/measure");
  return { alive: row?.alive ?? 0, crashed: row?.crashed ?? 0 };
}

/** What ended in an interval, as far as it was looked at. */
export interface EndedInterval {
  readonly atMs: number;
  /** A queue, an outcome, and how often. */
  readonly counts: readonly (readonly [string, OutcomeName, number])[];
  /** The median, and what 95 of 100 stay below; null when none has started. */
  readonly waitMs: readonly [number, number] | null;
  readonly runMs: readonly [number, number] | null;
}

/** The newest attempts by intervals. */
export interface RecentAttempts {
  readonly nowMs: number;
  /** Since when everything is there. */
  readonly fromMs: number;
  readonly intervals: readonly EndedInterval[];
}

interface IntervalRow {
  readonly now_ms: number;
  readonly since_ms: number;
  readonly oldest_ms: number | null;
  readonly at_ms: number | null;
  readonly counts: string | null;
  readonly wait_p50: number | null;
  readonly wait_p95: number | null;
  readonly run_p50: number | null;
  readonly run_p95: number | null;
}

/** Reads what ended since a time, at most `windowMs` ago: the newest `upTo` attempts. */
export async function readRecentAttempts(
  store: Store<Database>,
  options: {
    readonly sinceMs: number | null;
    readonly intervalMs: number;
    readonly upTo: number;
    readonly windowMs: number;
  },
): Promise<RecentAttempts> {
  const { sinceMs, intervalMs, upTo, windowMs } = options;
  const values = [sinceMs, intervalMs, upTo, windowMs];
  const rows = await readByIndexes<IntervalRow>(store, "dashboard/lately", values);
  const [first] = rows;
  return {
    nowMs: first?.now_ms ?? 0,
    fromMs: Math.max(first?.since_ms ?? 0, first?.oldest_ms ?? 0),
    intervals: rows.flatMap((row) => (row.at_ms === null ? [] : [toInterval(row, row.at_ms)])),
  };
}

function toInterval(row: IntervalRow, atMs: number): EndedInterval {
  return {
    atMs,
    counts: JSON.parse(row.counts ?? "[]") as [string, OutcomeName, number][], // as the statement makes it
    waitMs: pairOf(row.wait_p50, row.wait_p95),
    runMs: pairOf(row.run_p50, row.run_p95),
  };
}

function pairOf(first: number | null, second: number | null): readonly [number, number] | null {
  return first === null || second === null ? null : [first, second];
}

/** Runs one statement for a bounded time, along the indexes whatever the statistics say. */
export function readByIndexes<Row extends object>(
  store: Store<Database>,
  name: QueryName,
  values: readonly Value[] = [],
): Promise<readonly Row[]> {
  return inBoundedTransaction(store, readTimeoutMs, async (tx) => {
    await tx.db.query(tx.sql("connections/prefer-indexes"));
    return tx.db.query<Row>(tx.sql(name), values);
  });
}
