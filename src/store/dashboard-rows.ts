import type { JobReference } from "../core/job.ts";
import type { JobState, OutcomeName } from "../core/states.ts";

/** A live job, without what it carries. */
export interface FoundJob extends JobReference {
  readonly task: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly failures: number;
  readonly maxAttempts: number;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly concurrencyKey: string | null;
  readonly rateLimitKey: string | null;
  readonly lastError: string | null;
  readonly flags: readonly string[];
  readonly runAt: Date;
  readonly createdAt: Date;
  readonly claimedAt: Date | null;
}

/** A settled attempt, without its payload. */
export interface FoundAttempt extends JobReference {
  readonly task: string;
  readonly attempt: number;
  readonly outcome: OutcomeName;
  readonly final: boolean;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly replayOf: string | null;
  /** JSON text of an `ErrorRecord`. */
  readonly errorText: string | null;
  /** JSON text; also null when it is longer than 16 KiB. */
  readonly outputText: string | null;
  readonly runAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date;
}

/** The columns of a `FoundJob`. */
export interface FoundJobRow {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly failures: number;
  readonly max_attempts: number;
  readonly worker_id: string | null;
  readonly correlation_id: string | null;
  readonly concurrency_key: string | null;
  readonly rate_limit_key: string | null;
  readonly last_error: string | null;
  readonly flags: string | null;
  readonly run_at_ms: number;
  readonly created_at_ms: number;
  readonly claimed_at_ms: number | null;
}

/** The columns of a `FoundAttempt`. */
export interface FoundAttemptRow {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly attempt: number;
  readonly outcome: OutcomeName;
  readonly final: boolean;
  readonly worker_id: string | null;
  readonly correlation_id: string | null;
  readonly replay_of: string | null;
  readonly error: string | null;
  readonly output: string | null;
  readonly run_at_ms: number;
  readonly started_at_ms: number | null;
  readonly finished_at_ms: number;
}

/** A live job as its row has it. */
export function toFoundJob(row: FoundJobRow): FoundJob {
  return {
    id: row.id,
    queue: row.queue,
    task: row.task,
    state: row.state,
    priority: row.priority,
    attempt: row.attempt,
    failures: row.failures,
    maxAttempts: row.max_attempts,
    workerId: row.worker_id,
    correlationId: row.correlation_id,
    concurrencyKey: row.concurrency_key,
    rateLimitKey: row.rate_limit_key,
    lastError: row.last_error,
    flags: listIn(row.flags),
    runAt: new Date(row.run_at_ms),
    createdAt: new Date(row.created_at_ms),
    claimedAt: row.claimed_at_ms === null ? null : new Date(row.claimed_at_ms),
  };
}

/** A settled attempt as its row has it. */
export function toFoundAttempt(row: FoundAttemptRow): FoundAttempt {
  return {
    id: row.id,
    queue: row.queue,
    task: row.task,
    attempt: row.attempt,
    outcome: row.outcome,
    final: row.final,
    workerId: row.worker_id,
    correlationId: row.correlation_id,
    replayOf: row.replay_of,
    errorText: row.error,
    outputText: row.output,
    runAt: new Date(row.run_at_ms),
    startedAt: row.started_at_ms === null ? null : new Date(row.started_at_ms),
    finishedAt: new Date(row.finished_at_ms),
  };
}

/** The texts of a list that a statement gives as JSON; none for null. */
export function listIn(json: string | null): readonly string[] {
  return json === null ? [] : (JSON.parse(json) as string[]); // a text[] of its own
}
