import { arrayLiteral } from "../core/array-literal.ts";
import { attemptIdOf, type JobReference } from "../core/job.ts";
import type { OutcomeName } from "../core/states.ts";
import type { Value } from "../db/database.ts";
import type { Store } from "./store.ts";

/** One settled attempt. */
export interface HistoryEntry extends JobReference {
  readonly task: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly outcome: OutcomeName;
  /** Whether the job ended with this attempt. */
  readonly final: boolean;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly createdAt: Date;
  /** Since when the job could run. */
  readonly runAt: Date;
  /** Null when the handler never started. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date;
  readonly expiresAt: Date;
  /** Milliseconds from `runAt` to the start; null when the handler never started. */
  readonly queueMs: number | null;
  /** Milliseconds from the start to the end; null when the handler never started. */
  readonly runMs: number | null;
  readonly error: unknown;
  readonly output: unknown;
  /** The id of the job of this queue that the job replays; null when it is no replay. */
  readonly replayOf: string | null;
  /** JSON text; null unless the attempt is final. */
  readonly payloadText: string | null;
}

/** The columns of a settled attempt. */
export interface HistoryRow {
  id: string;
  queue: string;
  task: string;
  attempt: number;
  outcome: OutcomeName;
  final: boolean;
  worker_id: string | null;
  replay_of: string | null;
  correlation_id: string | null;
  error: string | null;
  output: string | null;
  payload: string | null;
  created_at_ms: number;
  run_at_ms: number;
  started_at_ms: number | null;
  finished_at_ms: number;
  expires_at_ms: number;
}

/** The settled attempts of one job, in order. */
export async function listAttempts(store: Store, job: JobReference): Promise<HistoryEntry[]> {
  const rows = await store.db.query<HistoryRow>(store.sql("history/attempts"), [job.queue, job.id]);
  return rows.map(toHistoryEntry);
}

/** How the newest attempts have ended, counting at most `upTo` of them. */
export function countRecent(
  store: Store,
  { withinMs, upTo }: { readonly withinMs: number; readonly upTo: number },
): Promise<readonly { outcome: OutcomeName; final: boolean; count: number }[]> {
  return store.db.query(store.sql("history/recent"), [withinMs, upTo]);
}

/** Exactly where an attempt stands in the history, which is in the order of time. */
export interface HistoryPosition {
  /** With microseconds. */
  readonly finishedAt: string;
  readonly id: string;
  readonly attempt: number;
  readonly queue: string;
}

/** Before the first attempt of all. */
export const firstPosition: HistoryPosition = {
  finishedAt: "-infinity",
  id: "00000000-0000-0000-0000-000000000000",
  attempt: 0,
  queue: "",
};

/** After the last attempt of all. */
export const lastPosition: HistoryPosition = { ...firstPosition, finishedAt: "infinity" };

export interface PlacedEntry {
  readonly entry: HistoryEntry;
  readonly position: HistoryPosition;
}

/** Which attempts to list; what is undefined does not matter. */
export interface HistoryFilters {
  readonly task: string | undefined;
  readonly queue: string | undefined;
  readonly outcomes: readonly OutcomeName[] | undefined;
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

export interface PageFilters extends HistoryFilters {
  readonly final: boolean | undefined;
  readonly correlationId: string | undefined;
  readonly jobId: string | undefined;
}

/** Settled attempts, newest first, from just after a position. */
export async function listPage(
  store: Store,
  filters: PageFilters,
  { after, limit }: { readonly after: HistoryPosition; readonly limit: number },
): Promise<PlacedEntry[]> {
  const rows = await store.db.query<PlacedRow>(store.sql("history/page"), [
    ...positionColumns(after),
    filters.from?.toISOString() ?? "-infinity",
    filters.to?.toISOString() ?? "infinity",
    filters.task ?? null,
    filters.queue ?? null,
    filters.outcomes === undefined ? null : arrayLiteral(filters.outcomes),
    filters.final ?? null,
    filters.correlationId ?? null,
    filters.jobId ?? null,
    limit,
  ]);
  return rows.map(toPlacedEntry);
}

export interface ReplayFilters extends HistoryFilters {
  readonly outcomes: readonly OutcomeName[];
  readonly jobIds: readonly string[] | undefined;
  /** Only attempts that ended before this time, with microseconds. */
  readonly before: string;
}

/** The last attempts of ended jobs, oldest first, from just after a position: at most `limit`, and about `maxBytes` of payload. */
export async function findReplayable(
  store: Store,
  filters: ReplayFilters,
  batch: { readonly after: HistoryPosition; readonly limit: number; readonly maxBytes: number },
): Promise<PlacedEntry[]> {
  const rows = await store.db.query<PlacedRow>(store.sql("history/find-replayable"), [
    ...positionColumns(batch.after),
    filters.from?.toISOString() ?? "-infinity",
    filters.before,
    arrayLiteral(filters.outcomes),
    filters.task ?? null,
    filters.queue ?? null,
    filters.jobIds === undefined ? null : arrayLiteral(filters.jobIds),
    batch.limit,
    batch.maxBytes,
  ]);
  return rows.map(toPlacedEntry);
}

/** Says of jobs that were just inserted which job of their queue they replay. */
export async function linkReplays(
  store: Store,
  links: readonly (JobReference & { readonly replayOf: string })[],
): Promise<void> {
  await store.db.query(store.sql("jobs/link-replays"), [
    arrayLiteral(links.map(({ queue }) => queue)),
    arrayLiteral(links.map(({ id }) => id)),
    arrayLiteral(links.map(({ replayOf }) => replayOf)),
  ]);
}

/** The present by the database's clock, with microseconds. */
export async function presentTime(store: Store): Promise<string> {
  const [row] = await store.db.query<{ now: string }>(store.sql("history/now"));
  return row?.now ?? "infinity";
}

interface PlacedRow extends HistoryRow {
  finished_at: string;
}

function toPlacedEntry(row: PlacedRow): PlacedEntry {
  const { finished_at: finishedAt, id, attempt, queue } = row;
  return { entry: toHistoryEntry(row), position: { finishedAt, id, attempt, queue } };
}

function positionColumns({ finishedAt, id, attempt, queue }: HistoryPosition): Value[] {
  return [finishedAt, id, attempt, queue];
}

/** A settled attempt as its row has it. */
export function toHistoryEntry(row: HistoryRow): HistoryEntry {
  const startedAtMs = row.started_at_ms;
  return {
    id: row.id,
    queue: row.queue,
    task: row.task,
    attempt: row.attempt,
    attemptId: attemptIdOf(row),
    outcome: row.outcome,
    final: row.final,
    workerId: row.worker_id,
    replayOf: row.replay_of,
    correlationId: row.correlation_id,
    createdAt: new Date(row.created_at_ms),
    runAt: new Date(row.run_at_ms),
    startedAt: startedAtMs === null ? null : new Date(startedAtMs),
    finishedAt: new Date(row.finished_at_ms),
    expiresAt: new Date(row.expires_at_ms),
    queueMs: startedAtMs === null ? null : Math.max(0, startedAtMs - row.run_at_ms),
    runMs: startedAtMs === null ? null : row.finished_at_ms - startedAtMs,
    error: parse(row.error),
    output: parse(row.output),
    payloadText: row.payload,
  };
}

function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
