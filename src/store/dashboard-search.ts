import type { JobState, OutcomeName } from "../core/states.ts";
import type { Database } from "../db/database.ts";
import {
  historyCursor,
  historyPosition,
  jobCursor,
  jobPosition,
} from "./dashboard-positions.ts";
import {
  toFoundAttempt,
  toFoundJob,
  type FoundAttempt,
  type FoundAttemptRow,
  type FoundJob,
  type FoundJobRow,
} from "./dashboard-rows.ts";
import { inBoundedTransaction, type Store } from "./store.ts";

export type { FoundAttempt, FoundJob } from "./dashboard-rows.ts";

// Walks over the live jobs and over the history, which end by themselves: when the page is full, or when their time is over. They
// go by what never changes of a row, so a row that is there during the whole walk is met once. See migrations/0019-search.sql.

/** One thing that a payload must hold. */
export interface PayloadTerm {
  /** The names of properties, and the places in arrays, that lead to it. */
  readonly path: readonly string[];
  readonly value: string;
  /** Whether only the JSON string of this text will do; else any string, number, true, false or null that reads like it. */
  readonly isString: boolean;
}

/** Which live jobs to find; what is undefined does not matter. */
export interface JobFilter {
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly state?: JobState | undefined;
  readonly correlationId?: string | undefined;
  readonly concurrencyKey?: string | undefined;
  readonly terms: readonly PayloadTerm[];
}

/** Which settled attempts to find; what is undefined does not matter. */
export interface HistoryFilter {
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly outcome?: OutcomeName | undefined;
  readonly final?: boolean | undefined;
  readonly correlationId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly terms: readonly PayloadTerm[];
}

/** From where to go on, how much to find, and for how long to look: what is left out is the start, 50 and 200. */
export interface SearchBounds {
  /** The `next` of the page before. */
  readonly after?: string | null | undefined;
  readonly limit?: number | undefined;
  readonly budgetMs?: number | undefined;
}

/** What a walk has found so far. */
export interface SearchPage<Row> {
  readonly rows: readonly Row[];
  /** What to give as `after` to go on; null when the walk has come to its end. */
  readonly next: string | null;
  /** Whether time ran out before the page was full. */
  readonly isCut: boolean;
  /** How many rows were looked at. */
  readonly examined: number;
}

const defaultLimit = 50;
const defaultBudgetMs = 200;
// A step of the walk may take longer than what was left of its time.
const graceMs = 2_000;
const maxOutputBytes = 16_384;

/** Finds live jobs, in the order of queues and ids. Throws `OptionError` for a wrong `after`. */
export async function searchJobs(
  store: Store<Database>,
  filter: JobFilter,
  { after, limit = defaultLimit, budgetMs = defaultBudgetMs }: SearchBounds = {},
): Promise<SearchPage<FoundJob>> {
  const position = jobPosition(after);
  const rows = await inBoundedTransaction(store, budgetMs + graceMs, ({ db, sql }) =>
    db.query<Walked<JobProgress, FoundJobRow>>(sql("dashboard/search-jobs"), [
      filter.queue ?? null,
      filter.task ?? null,
      filter.state ?? null,
      filter.correlationId ?? null,
      filter.concurrencyKey ?? null,
      termsText(filter.terms),
      position?.queue ?? null,
      position?.id ?? null,
      limit,
      budgetMs,
    ]),
  );
  const { next_queue: queue = null, next_id: id = null } = rows[0] ?? {};
  return {
    rows: rows.filter(isFound).map(toFoundJob),
    next: queue === null || id === null ? null : jobCursor({ queue, id }),
    ...progressOf(rows),
  };
}

/** Finds settled attempts, the newest first. Throws `OptionError` for a wrong `after`. */
export async function searchHistory(
  store: Store<Database>,
  filter: HistoryFilter,
  { after, limit = defaultLimit, budgetMs = defaultBudgetMs }: SearchBounds = {},
): Promise<SearchPage<FoundAttempt>> {
  const position = historyPosition(after);
  const rows = await inBoundedTransaction(store, budgetMs + graceMs, ({ db, sql }) =>
    db.query<Walked<HistoryProgress, FoundAttemptRow>>(sql("dashboard/search-history"), [
      filter.queue ?? null,
      filter.task ?? null,
      filter.outcome ?? null,
      filter.final ?? null,
      filter.correlationId ?? null,
      filter.from?.toISOString() ?? "-infinity",
      filter.to?.toISOString() ?? "infinity",
      termsText(filter.terms),
      position.finishedAt,
      position.id,
      position.attempt,
      position.queue,
      limit,
      budgetMs,
      maxOutputBytes,
    ]),
  );
  return {
    rows: rows.filter(isFound).map(toFoundAttempt),
    next: nextAttempt(rows[0]),
    ...progressOf(rows),
  };
}

interface Progress {
  readonly is_cut: boolean;
  readonly examined: number;
}

interface JobProgress extends Progress {
  readonly next_queue: string | null;
  readonly next_id: string | null;
}

interface HistoryProgress extends Progress {
  readonly next_finished_at: string | null;
  readonly next_id: string;
  readonly next_attempt: number;
  readonly next_queue: string;
}

/** Each row says how far the walk came; a walk that found nothing gives one that says nothing else. */
type Walked<Of extends Progress, Row> = (Of & Row) | (Of & { readonly id: null });

function isFound<Row extends { readonly id: string | null }>(
  row: Row,
): row is Extract<Row, { readonly id: string }> {
  return row.id !== null;
}

function progressOf(rows: readonly Progress[]): { isCut: boolean; examined: number } {
  return { isCut: rows[0]?.is_cut ?? false, examined: rows[0]?.examined ?? 0 };
}

function nextAttempt(row: HistoryProgress | undefined): string | null {
  if (row?.next_finished_at === undefined || row.next_finished_at === null) return null;
  return historyCursor({
    finishedAt: row.next_finished_at,
    id: row.next_id,
    attempt: row.next_attempt,
    queue: row.next_queue,
  });
}

// A number is written by JavaScript in one way, and by others in many: an index is asked for both that and what was searched for.
function termsText(terms: readonly PayloadTerm[]): string {
  return JSON.stringify(
    terms.map((term) => {
      const number = term.isString || term.value.trim() === "" ? NaN : Number(term.value);
      return Number.isFinite(number) ? { ...term, number: String(number) } : term;
    }),
  );
}
