import type { Database } from "../db/database.ts";
import { readByIndexes } from "./dashboard-queues.ts";
import { isoTime } from "./dashboard-search.ts";
import type { Store } from "./store.ts";

/** A task as the database knows it. */
export interface KnownTask {
  readonly name: string;
  readonly paused: boolean;
}

/** The tasks that the database knows, by name: at most 5,000. It counts no jobs. */
export function listKnownTasks(store: Store<Database>): Promise<readonly KnownTask[]> {
  return readByIndexes<KnownTask>(store, "dashboard/tasks");
}

/** A worker, and what it has held longest. */
export interface BusyWorker {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[] | null;
  readonly concurrency: number;
  readonly startedAt: string;
  readonly heartbeatAgeMs: number;
  readonly isAlive: boolean;
  readonly held: number;
  readonly running: readonly {
    readonly queue: string;
    readonly id: string;
    readonly task: string;
    readonly since: string;
  }[];
}

interface WorkerRow {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly queues: string | null;
  readonly tasks: string | null;
  readonly concurrency: number;
  readonly lease_ms: number;
  readonly started_at_ms: number;
  readonly silent_ms: number;
  readonly held: number;
  readonly running: string | null;
}

interface RunningRow {
  readonly queue: string;
  readonly id: string;
  readonly task: string;
  readonly sinceMs: number;
}

/** The workers that have not ended, by name, each with at most `most` of the jobs that it holds. */
export async function listBusyWorkers(store: Store<Database>, most: number): Promise<BusyWorker[]> {
  const rows = await readByIndexes<WorkerRow>(store, "dashboard/workers", [most]);
  return rows.map((row) => ({
    ...{ id: row.id, name: row.name, host: row.host, pid: row.pid, version: row.version },
    queues: namesIn(row.queues),
    tasks: namesIn(row.tasks),
    concurrency: row.concurrency,
    startedAt: isoTime(row.started_at_ms),
    heartbeatAgeMs: Math.max(0, row.silent_ms),
    isAlive: row.silent_ms <= row.lease_ms,
    held: row.held,
    running: runningIn(row.running),
  }));
}

function runningIn(list: string | null): BusyWorker["running"] {
  const rows = JSON.parse(list ?? "[]") as RunningRow[]; // as the statement makes it
  return rows.map(({ queue, id, task, sinceMs }) => ({ queue, id, task, since: isoTime(sinceMs) }));
}

function namesIn(list: string | null): string[] | null {
  return list === null ? null : (JSON.parse(list) as string[]); // a text[] of its own
}

/** A concurrency key, and what runs and waits of it. */
export interface MeasuredKey {
  readonly queue: string;
  readonly key: string;
  readonly limit: number;
  /** How far was counted, each: 10,000, and less when time ran short. */
  readonly up_to: number;
  readonly running: number;
  readonly waiting: number;
}

/** A page of concurrency keys, by queue and key. */
export function measureConcurrencyKeys(
  store: Store<Database>,
  options: {
    readonly queue: string | null;
    readonly after: { readonly queue: string; readonly key: string };
    readonly limit: number;
    readonly budgetMs: number;
  },
): Promise<readonly MeasuredKey[]> {
  const { queue, after, limit, budgetMs } = options;
  const values = [queue, after.queue, after.key, limit, countUpTo, budgetMs];
  return readByIndexes<MeasuredKey>(store, "dashboard/concurrency-keys", values);
}

const countUpTo = 10_000;
