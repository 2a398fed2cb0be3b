import { RateLimitError } from "../core/errors.ts";
import type { NewJob } from "./new-jobs.ts";
import type { Store } from "./store.ts";

/** A job that was not inserted: its id is known already, or a job has its unique key. */
export interface OtherOutcome {
  readonly outcome: "known" | "kept" | "replaced";
  /** The job that is there instead. */
  readonly id: string;
}

/** What became of a batch: the jobs that `others` does not name, by their place, were inserted. */
export interface InsertedBatch {
  readonly nowMs: number;
  readonly isolation: string;
  readonly others: ReadonlyMap<number, OtherOutcome>;
}

/** What a whole call asks of a rate limit that it does not register itself. */
export interface AskedRateLimit {
  readonly key: string;
  readonly weight: number;
}

interface BatchRow {
  now_ms: number;
  isolation: string;
  refused: string | null;
  others: string | null;
}

/** Whether a job has nothing that the statement for plain jobs does not know. */
export function isPlain(job: NewJob): boolean {
  return (
    job.unique === undefined &&
    job.concurrency === undefined &&
    job.rateLimit === undefined &&
    job.flags === undefined &&
    job.meta === undefined &&
    job.replayOf === undefined
  );
}

/**
 * Inserts jobs of any kind in one statement. `asked` holds for the whole call, so that its first statement refuses all;
 * `isLooking` says that ids may have been enqueued before. Throws `RateLimitError`, and has written nothing then.
 */
export async function insertExtendedJobs(
  store: Store,
  jobs: readonly NewJob[],
  {
    asked,
    isUnique,
    isLooking,
  }: {
    asked: readonly AskedRateLimit[];
    isUnique: boolean;
    isLooking: boolean;
  },
): Promise<InsertedBatch> {
  const values = [`[${jobs.map(jobText).join(",")}]`, JSON.stringify(asked)];
  const [row] = await (isUnique
    ? store.db.query<BatchRow>(store.sql("jobs/insert-unique"), [...values, isLooking])
    : store.db.query<BatchRow>(store.sql("jobs/insert-extended"), values));
  if (row === undefined) throw new RangeError("expected the insert to say what it did");
  if (row.refused !== null) throw rateLimitError(row.refused);
  const others = JSON.parse(row.others ?? "[]") as [number, OtherOutcome["outcome"], string][]; // made by the function
  return {
    nowMs: row.now_ms,
    isolation: row.isolation,
    others: new Map(others.map(([place, outcome, id]) => [place - 1, { outcome, id }])),
  };
}

function jobText({ payload, ...job }: NewJob): string {
  const { concurrency, rateLimit, unique } = job;
  const registration = rateLimit?.registration;
  const rest = JSON.stringify({
    id: job.id,
    queue: job.queue,
    task: job.task,
    priority: job.priority,
    max_attempts: job.maxAttempts,
    delay_ms: job.delayMs,
    run_at: job.runAt,
    correlation_id: job.correlationId,
    concurrency_key: concurrency?.key,
    concurrency_limit: concurrency?.limit,
    rate_limit_key: rateLimit?.key,
    rate_limit_weight: rateLimit?.weight,
    capacity: registration?.capacity,
    interval_ms: registration?.intervalMs,
    is_sliding: registration?.isSliding,
    unique_key: unique?.key,
    unique_mode: unique?.mode,
    unique_wait_ms: unique?.waitMs,
    flags: job.flags,
    meta: job.meta,
    replay_of: job.replayOf,
  });
  return `${rest.slice(0, -1)},"payload":${payload}}`;
}

/** The error for a job that its rate limit can never let start. */
export function tooHeavy({ key, weight }: AskedRateLimit, capacity: number): RateLimitError {
  return new RateLimitError(
    "PAWL_RATE_LIMIT_WEIGHT",
    `expected a weight of at most ${capacity}, the capacity of the rate limit ${JSON.stringify(key)}, got ${weight}; such a job could never start`,
    key,
  );
}

function rateLimitError(refused: string): RateLimitError {
  const { key, weight, capacity } = JSON.parse(refused) as {
    key: string;
    weight: number;
    capacity: number | null;
  }; // made by the function
  if (capacity === null) {
    return new RateLimitError(
      "PAWL_RATE_LIMIT_UNKNOWN",
      `expected a rate limit that is registered, got the key ${JSON.stringify(key)}; give \`capacity\` and \`interval\` with it, here or on the task`,
      key,
    );
  }
  return tooHeavy({ key, weight }, capacity);
}
