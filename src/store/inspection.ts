import { attemptIdOf, type JobInfo, type JobReference } from "../core/job.ts";
import type { JobState } from "../core/states.ts";
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
  /** The id of the job of this queue that it replays; null when it is no replay. */
  readonly replayOf: string | null;
  /** JSON text, as the serializer made it. */
  readonly payloadText: string;
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
  replay_of: string | null;
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
    replayOf: row.replay_of,
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

function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
