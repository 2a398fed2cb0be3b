import type { JobMeta, StartingJob } from "../core/instrumentation.ts";
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
  /** JSON of what is not plain about the job; null for a plain one. */
  readonly keys: string | null;
}

interface Keys {
  readonly concurrencyKey?: string;
  readonly lane?: number;
  /** Whether it was claimed with another job of its lane, to run after that. */
  readonly follows?: boolean;
  readonly rateLimitKey?: string;
  readonly startWithinMs?: number;
  readonly uniqueKey?: string;
  readonly untilClaimed?: boolean;
  readonly flags?: readonly string[];
  readonly meta?: JobMeta;
}

const noKeys: Keys = {};
const noFlags: readonly string[] = [];

/** A job that a worker holds. What few handlers look at is parsed when they do. */
export class ClaimedJob implements StartingJob {
  readonly queue: string;
  readonly claimNumber: number;
  readonly #row: ClaimedRow;
  readonly #keys: Keys;
  /** A job with a rate limit must start before this, by the monotonic clock. */
  readonly startBy: number | undefined;

  /** `askedAt`: when the claim was sent, by the monotonic clock. */
  constructor(queue: string, claimNumber: number, row: ClaimedRow, askedAt = 0) {
    this.queue = queue;
    this.claimNumber = claimNumber;
    this.#row = row;
    this.#keys = row.keys === null ? noKeys : (JSON.parse(row.keys) as Keys); // made by the statement
    const { startWithinMs } = this.#keys;
    this.startBy = startWithinMs === undefined ? undefined : askedAt + startWithinMs;
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

  get flags(): readonly string[] {
    return this.#keys.flags ?? noFlags;
  }

  get concurrencyKey(): string | null {
    return this.#keys.concurrencyKey ?? null;
  }

  get meta(): JobMeta | undefined {
    return this.#keys.meta;
  }

  /** Names the lane of its concurrency key in which it runs, of which no two jobs run at a time; undefined without a key. */
  get lane(): string | undefined {
    const { concurrencyKey, lane } = this.#keys;
    return lane === undefined ? undefined : `${lane} ${this.queue} ${concurrencyKey}`;
  }

  /** Whether it was claimed as the successor of another job of its lane. */
  get follows(): boolean {
    return this.#keys.follows ?? false;
  }

  get rateLimitKey(): string | null {
    return this.#keys.rateLimitKey ?? null;
  }

  /** Whether it may meet a successor with its unique key when it goes back. */
  get isUniqueUntilClaimed(): boolean {
    return this.#keys.untilClaimed ?? false;
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
    const { runAt, createdAt, correlationId, lastError, flags, concurrencyKey } = this;
    return {
      ...{ id, queue, task, attempt, attemptId, failures, maxAttempts, priority },
      ...{ runAt, createdAt, correlationId, lastError, flags, concurrencyKey },
    };
  }

  /** What `console.log` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): object {
    return this.toJSON();
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
