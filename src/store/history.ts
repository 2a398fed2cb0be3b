import { attemptIdOf, type JobReference } from "../core/job.ts";
import type { OutcomeName } from "../core/states.ts";
import type { Store } from "./store.ts";

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
  /** The id of the job of this queue that the job replays; null when it is no replay. */
  readonly replayOf: string | null;
  /** JSON text; null unless the attempt is final. */
  readonly payloadText: string | null;
}

interface HistoryRow {
  id: string;
  queue: string;
  task: string;
  attempt: number;
  outcome: OutcomeName;
  final: boolean;
  worker_id: string | null;
  replay_of: string | null;
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
export async function listAttempts(store: Store, job: JobReference): Promise<HistoryEntry[]> {
  const rows = await store.db.query<HistoryRow>(store.sql("history/attempts"), [job.queue, job.id]);
  return rows.map(toHistoryEntry);
}

function toHistoryEntry(row: HistoryRow): HistoryEntry {
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
    replayOf: row.replay_of,
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
