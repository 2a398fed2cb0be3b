/** What names a job: ids are unique within a queue. */
export interface JobReference {
  readonly queue: string;
  readonly id: string;
}

/** What a handler, a retry strategy or an event sees of a job; never its payload. */
export interface JobInfo extends JobReference {
  readonly task: string;
  /** The number of this claim of the job, from 1; it only grows. */
  readonly attempt: number;
  /** Correlates this execution with its history row. */
  readonly attemptId: string;
  /** How many earlier attempts count against `maxAttempts`: failed ones and crashes. */
  readonly failures: number;
  readonly maxAttempts: number;
  readonly priority: number;
  /** Since when the job could run. */
  readonly runAt: Date;
  readonly createdAt: Date;
  /** The caller's own id for a chain of work; jobs enqueued by a handler inherit it. */
  readonly correlationId: string | null;
  /** The message of the newest failure. */
  readonly lastError: string | null;
  /** What an earlier attempt reported with `partialSuccess`. */
  readonly partialResults: unknown;
  /** Labels that workers can refuse. */
  readonly flags: readonly string[];
  /** Jobs of a queue that share it run at most so many at a time. */
  readonly concurrencyKey: string | null;
}

/** The id of one attempt: unique for each claim of a job, and made of what its history row holds. */
export function attemptIdOf(job: { readonly id: string; readonly attempt: number }): string {
  return `${job.id}.${job.attempt}`;
}
