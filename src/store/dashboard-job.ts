import type { JobReference } from "../core/job.ts";
import type { JobState, OutcomeName } from "../core/states.ts";
import type { Database } from "../db/database.ts";
import { readByIndexes } from "./dashboard-queues.ts";
import { isoTime, toFoundAttempt, type FoundAttempt } from "./dashboard-search.ts";
import type { Store } from "./store.ts";

/** A live job with all that its row says; times are ISO 8601 texts, and what is JSON is text. */
export interface WholeJob {
  readonly task: string;
  readonly state: JobState;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly runAt: string;
  readonly createdAt: string;
  readonly claimedAt: string | null;
  readonly correlationId: string | null;
  readonly concurrencyKey: string | null;
  readonly rateLimitKey: string | null;
  readonly uniqueKey: string | null;
  readonly flags: readonly string[];
  readonly cancelReason: string | null;
  readonly worker: { readonly id: string; readonly name: string | null } | null;
  readonly payload: string;
  readonly partialResults: string | null;
  readonly replayOf: string | null;
}

interface JobRow {
  readonly task: string;
  readonly state: JobState;
  readonly priority: number;
  readonly max_attempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly run_at_ms: number;
  readonly created_at_ms: number;
  readonly claimed_at_ms: number | null;
  readonly correlation_id: string | null;
  readonly concurrency_key: string | null;
  readonly rate_limit_key: string | null;
  readonly unique_key: string | null;
  readonly flags: string | null;
  readonly cancel_reason: string | null;
  readonly worker_id: string | null;
  readonly worker_name: string | null;
  readonly payload: string;
  readonly partial_results: string | null;
  readonly replay_of: string | null;
}

/** A live job; undefined when there is none. */
export async function readWholeJob(
  store: Store<Database>,
  { queue, id }: JobReference,
): Promise<WholeJob | undefined> {
  const [row] = await readByIndexes<JobRow>(store, "dashboard/job", [queue, id]);
  if (row === undefined) return undefined;
  return {
    ...{ task: row.task, state: row.state, priority: row.priority },
    ...{ maxAttempts: row.max_attempts, failures: row.failures, crashes: row.crashes },
    runAt: isoTime(row.run_at_ms),
    createdAt: isoTime(row.created_at_ms),
    claimedAt: row.claimed_at_ms === null ? null : isoTime(row.claimed_at_ms),
    correlationId: row.correlation_id,
    concurrencyKey: row.concurrency_key,
    rateLimitKey: row.rate_limit_key,
    uniqueKey: row.unique_key,
    flags: row.flags === null ? [] : (JSON.parse(row.flags) as string[]), // a text[] of its own
    cancelReason: row.cancel_reason,
    worker: row.worker_id === null ? null : { id: row.worker_id, name: row.worker_name },
    payload: row.payload,
    partialResults: row.partial_results,
    replayOf: row.replay_of,
  };
}

/** An attempt of one job, with when the job was enqueued and the payload of the newest attempt that has one. */
export interface JobAttempt extends FoundAttempt {
  readonly createdAt: string;
  /** JSON text. */
  readonly payload: string | null;
}

interface AttemptRow {
  readonly queue: string;
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly outcome: OutcomeName;
  readonly final: boolean;
  readonly worker_id: string | null;
  readonly correlation_id: string | null;
  readonly replay_of: string | null;
  readonly error: string | null;
  readonly output: string | null;
  readonly payload: string | null;
  readonly created_at_ms: number;
  readonly run_at_ms: number;
  readonly started_at_ms: number | null;
  readonly finished_at_ms: number;
}

/** The newest attempts of a job, at most `most`, in order. */
export async function readAttempts(
  store: Store<Database>,
  { queue, id }: JobReference,
  most: number,
): Promise<JobAttempt[]> {
  const rows = await readByIndexes<AttemptRow>(store, "dashboard/attempts", [queue, id, most]);
  return rows.toReversed().map((row) => ({
    ...toFoundAttempt(row),
    createdAt: isoTime(row.created_at_ms),
    payload: row.payload,
  }));
}
