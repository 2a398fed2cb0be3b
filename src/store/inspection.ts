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
  /** The id of the job of this queue that it replays; null when it is no replay. */
  readonly replayOf: string | null;
  /** JSON text, as the serializer made it. */
  readonly payloadText: string;
}

interface LiveJobRow {
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
  last_error: string | null;
  partial_results: string | null;
  payload: string;
  run_at_ms: number;
  created_at_ms: number;
  claimed_at_ms: number | null;
}

/** One live job; undefined when there is none. */
export async function getJob(store: Store, job: JobReference): Promise<LiveJob | undefined> {
  const [row] = await store.db.query<LiveJobRow>(store.sql("jobs/get"), [job.queue, job.id]);
  if (row === undefined) return undefined;
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
    lastError: row.last_error,
    partialResults: parse(row.partial_results),
    runAt: new Date(row.run_at_ms),
    createdAt: new Date(row.created_at_ms),
    claimedAt: row.claimed_at_ms === null ? null : new Date(row.claimed_at_ms),
    payloadText: row.payload,
  };
}

function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
