import { integerBetween } from "../core/options.ts";
import type { JobState, OutcomeName } from "../core/states.ts";
import type { Database, Value } from "../db/database.ts";
import {
  checkHistoryFilter,
  checkJobFilter,
  type HistoryFilter,
  type JobFilter,
} from "./dashboard-filter.ts";
import { decodeHistoryPosition, decodeJobPosition, encodePosition } from "./dashboard-position.ts";
import { readByIndexes } from "./dashboard-queues.ts";
import type { SearchTerm } from "./dashboard-words.ts";
import { lastPosition } from "./history.ts";
import type { Store } from "./store.ts";

export type { HistoryFilter, JobFilter } from "./dashboard-filter.ts";

/** Where to begin, and how far to go. */
export interface SearchOptions {
  /** The `next` of the search before; the beginning when left out. */
  readonly after?: string | null | undefined;
  /** How many rows at most: 1 to 1,000. */
  readonly limit: number;
  /** How long to look, in milliseconds. Default 100. */
  readonly budgetMs?: number;
}

/** What was found within the time. */
export interface Found<Row> {
  readonly rows: readonly Row[];
  /** Where to go on; null when there is no more. */
  readonly next: string | null;
  /** Whether time ran out before there were `limit` rows. */
  readonly isCut: boolean;
  /** How many rows were looked at. */
  readonly examined: number;
}

/** A live job, with its times as ISO 8601 texts. */
export interface FoundJob {
  readonly queue: string;
  readonly id: string;
  readonly task: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly failures: number;
  readonly maxAttempts: number;
  readonly runAt: string;
  readonly createdAt: string;
  readonly claimedAt: string | null;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly concurrencyKey: string | null;
  readonly rateLimitKey: string | null;
  readonly flags: readonly string[];
  readonly lastError: string | null;
}

/** An attempt of the history, with its times as ISO 8601 texts. */
export interface FoundAttempt {
  readonly queue: string;
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly outcome: OutcomeName;
  readonly final: boolean;
  readonly runAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly replayOf: string | null;
  /** JSON text. */
  readonly error: string | null;
  /** JSON text; null also when it is longer than 16 KiB. */
  readonly output: string | null;
}

const defaultBudgetMs = 100;
const highestBudgetMs = 4_000;
const highestLimit = 1_000;
const nowhere: Found<never> = { rows: [], next: null, isCut: false, examined: 0 };
const firstJob = { queue: "", id: "00000000-0000-0000-0000-000000000000" };

/**
 * Looks for live jobs in the order of queues and ids, for as long as it may. A job that is there and matches during all the
 * searches of a walk, each from the `next` of the one before, is met exactly once. Throws `OptionError`.
 */
export async function searchJobs(
  store: Store<Database>,
  filter: JobFilter,
  options: SearchOptions,
): Promise<Found<FoundJob>> {
  const checked = checkJobFilter(filter);
  const { limit, budgetMs } = checkOptions(options);
  const { after } = options;
  const start = isGiven(after) ? decodeJobPosition("after", after) : firstJob;
  if (checked === undefined) return nowhere;
  const { state, queue, task, correlationId, concurrencyKey, terms } = checked;
  const rows = await run<JobRow>(store, "jobs", [
    ...[state, queue, task, correlationId, concurrencyKey, termsText(terms)],
    ...[start.queue, start.id, limit, budgetMs],
  ]);
  const jobs = rows.filter(isFound);
  return outcome(rows, jobs.map(toFoundJob), ({ queue: at, id }) => [at, id]);
}

/**
 * Looks for attempts in the history, the newest first, for as long as it may. An attempt that is there during all the searches
 * of a walk is met exactly once. Throws `OptionError`.
 */
export async function searchHistory(
  store: Store<Database>,
  filter: HistoryFilter,
  options: SearchOptions,
): Promise<Found<FoundAttempt>> {
  const checked = checkHistoryFilter(filter);
  const { limit, budgetMs } = checkOptions(options);
  const { after } = options;
  const start = isGiven(after) ? decodeHistoryPosition("after", after) : lastPosition;
  if (checked === undefined) return nowhere;
  const { outcome: ending, final, queue, task, correlationId, from, to, terms } = checked;
  const rows = await run<AttemptRow>(store, "history", [
    ...[ending, final, queue, task, correlationId],
    ...[from ?? "-infinity", to ?? "infinity", termsText(terms)],
    ...[start.finishedAt, start.id, start.attempt, start.queue, limit, budgetMs],
  ]);
  const attempts = rows.filter(isFound);
  return outcome(rows, attempts.map(toFoundAttempt), (end) => [
    ...[end.finished_at, end.id, end.attempt, end.queue],
  ]);
}

// The last row says how the search ended; its other columns, where to go on.
interface SearchRow {
  readonly is_found: boolean;
  readonly is_end: boolean;
  readonly is_cut: boolean;
  readonly examined: number;
}

interface JobRow extends SearchRow {
  readonly queue: string;
  readonly id: string;
  readonly task: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly failures: number;
  readonly max_attempts: number;
  readonly run_at_ms: number;
  readonly created_at_ms: number;
  readonly claimed_at_ms: number | null;
  readonly worker_id: string | null;
  readonly correlation_id: string | null;
  readonly concurrency_key: string | null;
  readonly rate_limit_key: string | null;
  readonly flags: string | null;
  readonly last_error: string | null;
}

interface AttemptRow extends SearchRow {
  /** With microseconds. */
  readonly finished_at: string;
  readonly finished_at_ms: number;
  readonly queue: string;
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly outcome: OutcomeName;
  readonly final: boolean;
  readonly run_at_ms: number;
  readonly started_at_ms: number | null;
  readonly worker_id: string | null;
  readonly correlation_id: string | null;
  readonly replay_of: string | null;
  readonly error: string | null;
  readonly output: string | null;
}

function run<Row extends object>(
  store: Store<Database>,
  among: "jobs" | "history",
  values: readonly Value[],
): Promise<readonly Row[]> {
  return readByIndexes<Row>(store, `dashboard/search-${among}`, values);
}

function outcome<Row extends SearchRow, Result>(
  rows: readonly Row[],
  found: readonly Result[],
  positionIn: (end: Row) => readonly (string | number)[],
): Found<Result> {
  const end = rows.find((row) => !isFound(row));
  if (end === undefined) return { ...nowhere, rows: found };
  return {
    rows: found,
    next: end.is_end ? null : encodePosition(positionIn(end)),
    isCut: end.is_cut,
    examined: end.examined,
  };
}

function isFound(row: SearchRow): boolean {
  return row.is_found;
}

function toFoundJob(row: JobRow): FoundJob {
  return {
    ...{ queue: row.queue, id: row.id, task: row.task, state: row.state },
    ...{ priority: row.priority, attempt: row.attempt, failures: row.failures },
    maxAttempts: row.max_attempts,
    runAt: isoTime(row.run_at_ms),
    createdAt: isoTime(row.created_at_ms),
    claimedAt: row.claimed_at_ms === null ? null : isoTime(row.claimed_at_ms),
    workerId: row.worker_id,
    correlationId: row.correlation_id,
    concurrencyKey: row.concurrency_key,
    rateLimitKey: row.rate_limit_key,
    flags: row.flags === null ? [] : (JSON.parse(row.flags) as string[]), // a text[] of its own
    lastError: row.last_error,
  };
}

/** An attempt as its row has it. */
export function toFoundAttempt(
  row: Omit<AttemptRow, keyof SearchRow | "finished_at">,
): FoundAttempt {
  return {
    ...{ queue: row.queue, id: row.id, task: row.task, attempt: row.attempt },
    ...{ outcome: row.outcome, final: row.final },
    runAt: isoTime(row.run_at_ms),
    startedAt: row.started_at_ms === null ? null : isoTime(row.started_at_ms),
    finishedAt: isoTime(row.finished_at_ms),
    workerId: row.worker_id,
    correlationId: row.correlation_id,
    replayOf: row.replay_of,
    ...{ error: row.error, output: row.output },
  };
}

/** A time as the dashboard shows it. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function termsText(terms: readonly SearchTerm[]): string | null {
  return terms.length === 0 ? null : JSON.stringify(terms);
}

function isGiven(after: string | null | undefined): after is string {
  return after !== undefined && after !== null && after !== "";
}

function checkOptions({ limit, budgetMs = defaultBudgetMs }: SearchOptions): {
  limit: number;
  budgetMs: number;
} {
  return {
    limit: integerBetween("limit", limit, 1, highestLimit),
    budgetMs: integerBetween("budgetMs", budgetMs, 1, highestBudgetMs),
  };
}
