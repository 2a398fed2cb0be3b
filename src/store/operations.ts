import type { Store } from "./store.ts";

/** Where an operation has come to. */
export type OperationState = "running" | "done" | "stopped" | "failed";

/** An operation as the list shows it. */
export interface OperationInfo {
  readonly id: string;
  /** JSON text. */
  readonly plan: string;
  readonly state: OperationState;
  readonly startedBy: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly examined: number;
  readonly changed: number;
  readonly refused: number;
  readonly error: string | null;
}

/** An operation that somebody works on now. */
export interface TakenOperation {
  readonly id: string;
  /** JSON text. */
  readonly plan: string;
  /** Behind what has been done; null: at the start. */
  readonly cursor: string | null;
  readonly startedAt: Date;
}

/** What a batch of an operation has done. */
export interface OperationBatch {
  /** Behind the batch; null: it was the last one. */
  readonly next: string | null;
  readonly examined: number;
  readonly changed: number;
  readonly refused: number;
}

interface InfoRow {
  readonly id: string;
  readonly plan: string;
  readonly state: OperationState;
  readonly started_by: string;
  readonly started_at_ms: number;
  readonly finished_at_ms: number | null;
  readonly examined: number;
  readonly changed: number;
  readonly refused: number;
  readonly error: string | null;
}

/** For how long an operation is held by whoever has just done a batch of it. */
export const holdMs = 30_000;

const keptForMs = 90 * 86_400_000;
const pruneBatch = 1_000;

/** Begins an operation; undefined when `maxRunning` are under way. */
export async function startOperation(
  store: Store,
  given: { readonly startedBy: string; readonly plan: string; readonly maxRunning: number },
): Promise<OperationInfo | undefined> {
  const [row] = await store.db.query<InfoRow>(store.sql("operations/start"), [
    given.startedBy,
    given.plan,
    given.maxRunning,
  ]);
  return row === undefined ? undefined : toInfo(row);
}

/** The newest operations. */
export async function listOperations(store: Store, limit: number): Promise<OperationInfo[]> {
  const rows = await store.db.query<InfoRow>(store.sql("operations/list"), [limit]);
  return rows.map(toInfo);
}

/** Takes the oldest operation that goes on and that nobody holds; undefined when there is none. */
export async function takeOperation(
  store: Store,
  holder: string,
): Promise<TakenOperation | undefined> {
  const [row] = await store.db.query<{
    id: string;
    plan: string;
    cursor: string | null;
    started_at_ms: number;
  }>(store.sql("operations/take"), [holder, holdMs]);
  if (row === undefined) return undefined;
  const { started_at_ms: startedAt, ...operation } = row;
  return { ...operation, startedAt: new Date(startedAt) };
}

/** Whether any operation goes on, also one that somebody holds. */
export async function areOperationsRunning(store: Store): Promise<boolean> {
  const [row] = await store.db.query<{ running: boolean }>(store.sql("operations/running"));
  return row?.running === true;
}

/** Locks an operation until the transaction ends, and says where it is; undefined when it has ended or is another's. */
export async function holdOperation(
  store: Store,
  id: string,
  holder: string,
): Promise<{ readonly cursor: string | null } | undefined> {
  const [row] = await store.db.query<{ cursor: string | null }>(store.sql("operations/hold"), [
    id,
    holder,
  ]);
  return row;
}

/** Says what a batch has done, in the transaction that has done it and holds the operation. */
export async function advanceOperation(
  store: Store,
  id: string,
  { next, examined, changed, refused }: OperationBatch,
): Promise<void> {
  await store.db.query(store.sql("operations/advance"), [
    ...[id, next],
    ...[examined, changed, refused, holdMs],
  ]);
}

/** Ends an operation because something made it fail. */
export async function failOperation(
  store: Store,
  id: string,
  { holder, error }: { readonly holder: string; readonly error: string },
): Promise<void> {
  await store.db.query(store.sql("operations/fail"), [id, holder, error]);
}

/** Stops an operation; false when it had ended, or there is none. */
export async function stopOperation(store: Store, id: string): Promise<boolean> {
  const rows = await store.db.query(store.sql("operations/stop"), [id]);
  return rows.length > 0;
}

/** Removes operations that have ended and began more than 90 days ago: some of them at a time. */
export async function pruneOperations(store: Store): Promise<number> {
  const [row] = await store.db.query<{ pruned: number }>(store.sql("operations/prune"), [
    pruneBatch,
    keptForMs,
  ]);
  return row?.pruned ?? 0;
}

function toInfo(row: InfoRow): OperationInfo {
  const { started_by: startedBy, started_at_ms: startedAt, finished_at_ms: finishedAt } = row;
  const { id, plan, state, examined, changed, refused, error } = row;
  return {
    ...{ id, plan, state, examined, changed, refused, error, startedBy },
    startedAt: new Date(startedAt),
    finishedAt: finishedAt === null ? null : new Date(finishedAt),
  };
}
