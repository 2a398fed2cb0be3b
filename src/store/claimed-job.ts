import { attemptIdOf, type JobInfo } from "../core/job.ts";

/** The columns that a claim returns for a job. */
export interface ClaimedRow {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly failures: number;
  readonly max_attempts: number;
  readonly crashes: number;
  readonly priority: number;
  readonly run_at: string;
  readonly created_at: string;
  readonly correlation_id: string | null;
  readonly last_error: string | null;
  readonly partial_results: string | null;
  readonly payload: string;
}

/** A job that a worker holds. What few handlers look at is parsed when they do. */
export class ClaimedJob implements JobInfo {
  readonly queue: string;
  readonly claimNumber: number;
  readonly #row: ClaimedRow;

  constructor(queue: string, claimNumber: number, row: ClaimedRow) {
    this.queue = queue;
    this.claimNumber = claimNumber;
    this.#row = row;
  }

  get id(): string {
    return this.#row.id;
  }

  get task(): string {
    return this.#row.task;
  }

  get attempt(): number {
    return this.#row.attempt;
  }

  get attemptId(): string {
    return attemptIdOf(this);
  }

  get failures(): number {
    return this.#row.failures;
  }

  get maxAttempts(): number {
    return this.#row.max_attempts;
  }

  get priority(): number {
    return this.#row.priority;
  }

  get runAt(): Date {
    return parseTimestamp(this.#row.run_at);
  }

  get createdAt(): Date {
    return parseTimestamp(this.#row.created_at);
  }

  get correlationId(): string | null {
    return this.#row.correlation_id;
  }

  get lastError(): string | null {
    return this.#row.last_error;
  }

  get partialResults(): unknown {
    const text = this.#row.partial_results;
    return text === null ? null : (JSON.parse(text) as unknown);
  }

  /** In how many crashes of a worker this job was seen running, or may have been. */
  get crashes(): number {
    return this.#row.crashes;
  }

  /** The payload as the serializer made it; read it with the serializer. */
  get payloadText(): string {
    return this.#row.payload;
  }

  /** What a log may show of the job: all but its payload and its partial results. */
  toJSON(): Omit<JobInfo, "partialResults"> {
    const { id, queue, task, attempt, attemptId, failures, maxAttempts, priority } = this;
    const { runAt, createdAt, correlationId, lastError } = this;
    return {
      ...{ id, queue, task, attempt, attemptId, failures, maxAttempts, priority },
      ...{ runAt, createdAt, correlationId, lastError },
    };
  }

  /** Where the job stood in its queue: comparable text, with microseconds. */
  get position(): { readonly runAt: string; readonly id: string } {
    return { runAt: this.#row.run_at, id: this.#row.id };
  }
}

// `2026-11-22 10:40:00.123456+00`, as a claim fixes the time zone and the style.
function parseTimestamp(text: string): Date {
  return new Date(`${text.replace(" ", "T")}:00`);
}
