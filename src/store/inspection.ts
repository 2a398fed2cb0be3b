import { attemptIdOf, type JobInfo, type JobReference } from "../core/job.ts";
import type { JobState, OutcomeName } from "../core/states.ts";
import type { Store } from "./store.ts";

/** A live job as it stands. */
export interface LiveJob extends JobInfo {
  readonly state: JobState;
  readonly workerId: string | null;
  readonly claimedAt: Date | null;
  /** In how many crashes of a worker it was running. */
  readonly crashes: number;
  readonly concurrencyKey: string | null;
  /** Why it is to be cancelled, while it still runs; else null. */
  readonly cancelReason: string | null;
  /** JSON text, as the serializer made it. */
  readonly payloadText: string;
}

/** One settled attempt. */
export interface HistoryEntry extends JobReference {
  readonly task: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly outcome: OutcomeName;
  /** Whether the job ended with this attempt. */
  readonly final: boolean;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly createdAt: Date;
  /** Since when the job could run. */
  readonly runAt: Date;
  /** Null when the handler never started. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date;
  readonly expiresAt: Date;
  /** Milliseconds from `runAt` to the start; null when the handler never started. */
  readonly queueMs: number | null;
  /** Milliseconds from the start to the end; null when the handler never started. */
  readonly runMs: number | null;
  readonly error: unknown;
  readonly output: unknown;
  /** JSON text; null unless the attempt is final. */
  readonly payloadText: string | null;
}

/** The columns of a live job without its payload. */
export interface LiveJobRow {
  id: string;
  queue: string;
  task: string;
  state: JobState;
  priority: number;
  attempt: number;
  failures: number;
  max_attempts: number;
  crashes: number;
  worker_id: string | null;
  correlation_id: string | null;
  concurrency_key: string | null;
  cancel_reason: string | null;
  last_error: string | null;
  partial_results: string | null;
  flags: string | null;
  run_at_ms: number;
  created_at_ms: number;
  claimed_at_ms: number | null;
}

/** One live job; undefined when there is none. */
export async function getJob(store: Store, job: JobReference): Promise<LiveJob | undefined> {
  const [row] = await store.db.query<LiveJobRow & { payload: string }>(store.sql("jobs/get"), [
    job.queue,
    job.id,
  ]);
  return row === undefined ? undefined : { ...toLiveJob(row), payloadText: row.payload };
}

/** A live job as its row has it. */
export function toLiveJob(row: LiveJobRow): Omit<LiveJob, "payloadText"> {
  return {
    id: row.id,
    queue: row.queue,
    task: row.task,
    state: row.state,
    priority: row.priority,
    attempt: row.attempt,
    attemptId: attemptIdOf(row),
    failures: row.failures,
    maxAttempts: row.max_attempts,
    crashes: row.crashes,
    workerId: row.worker_id,
    correlationId: row.correlation_id,
    cancelReason: row.cancel_reason,
    lastError: row.last_error,
    partialResults: parse(row.partial_results),
    flags: (parse(row.flags) ?? []) as string[], // a text[] of its own
    concurrencyKey: row.concurrency_key,
    runAt: new Date(row.run_at_ms),
    createdAt: new Date(row.created_at_ms),
    claimedAt: row.claimed_at_ms === null ? null : new Date(row.claimed_at_ms),
  };
}

/** The columns of a settled attempt. */
export interface HistoryRow {
  id: string;
  queue: string;
  task: string;
  attempt: number;
  outcome: OutcomeName;
  final: boolean;
  worker_id: string | null;
  correlation_id: string | null;
  error: string | null;
  output: string | null;
  payload: string | null;
  created_at_ms: number;
  run_at_ms: number;
  started_at_ms: number | null;
  finished_at_ms: number;
  expires_at_ms: number;
}

/** The settled attempts of one job, in order. */
export async function listHistory(store: Store, job: JobReference): Promise<HistoryEntry[]> {
  const rows = await store.db.query<HistoryRow>(store.sql("history/list"), [job.queue, job.id]);
  return rows.map(toHistoryEntry);
}

/** A settled attempt as its row has it. */
export function toHistoryEntry(row: HistoryRow): HistoryEntry {
  const startedAtMs = row.started_at_ms;
  return {
    id: row.id,
    queue: row.queue,
    task: row.task,
    attempt: row.attempt,
    attemptId: attemptIdOf(row),
    outcome: row.outcome,
    final: row.final,
    workerId: row.worker_id,
    correlationId: row.correlation_id,
    createdAt: new Date(row.created_at_ms),
    runAt: new Date(row.run_at_ms),
    startedAt: startedAtMs === null ? null : new Date(startedAtMs),
    finishedAt: new Date(row.finished_at_ms),
    expiresAt: new Date(row.expires_at_ms),
    queueMs: startedAtMs === null ? null : Math.max(0, startedAtMs - row.run_at_ms),
    runMs: startedAtMs === null ? null : row.finished_at_ms - startedAtMs,
    error: parse(row.error),
    output: parse(row.output),
    payloadText: row.payload,
  };
}

function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
