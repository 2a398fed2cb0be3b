import type { Store } from "./store.ts";

/** Where an operation stands. */
export type OperationState = "running" | "done" | "stopped" | "failed";

/** A change of many jobs. */
export interface StoredOperation {
  readonly id: string;
  /** JSON text. */
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

/** What the next batch needs to know. */
export interface LockedOperation {
  readonly id: string;
  readonly plan: string;
  readonly state: OperationState;
  readonly cursor: string | null;
}

/** Begins one, which the caller has for itself for `holdMs`. */
export async function addOperation(
  store: Store,
  operation: { readonly id: string; readonly plan: string; readonly by: string; readonly role: string },
  holdMs: number,
): Promise<void> {
  const { id, plan, by, role } = operation;
  await store.db.query(store.sql("operations/add"), [id, plan, by, role, holdMs]);
}

/** The newest ones, or the one of this id. */
export function listOperations(store: Store, id?: string): Promise<readonly StoredOperation[]> {
  return store.db.query(store.sql("operations/list"), [id ?? null]);
}

/** Takes over one that nobody works on any more; undefined when there is none. */
export async function takeOperation(store: Store, holdMs: number): Promise<string | undefined> {
  const [row] = await store.db.query<{ id: string }>(store.sql("operations/take"), [holdMs]);
  return row?.id;
}

/** Locks one for its next batch, until the transaction ends. */
export async function lockOperation(store: Store, id: string): Promise<LockedOperation | undefined> {
  const [row] = await store.db.query<LockedOperation>(store.sql("operations/lock"), [id]);
  return row;
}

/** Notes a batch. */
export async function advanceOperation(
  store: Store,
  id: string,
  batch: {
    readonly cursor: string | null;
    readonly examined: number;
    readonly changed: number;
    readonly refused: number;
    readonly holdMs: number;
    readonly isLast: boolean;
  },
): Promise<void> {
  await store.db.query(store.sql("operations/advance"), [
    ...[id, batch.cursor, batch.examined, batch.changed, batch.refused],
    ...[batch.holdMs, batch.isLast],
  ]);
}

/** Ends one that runs; resolves with whether it ran. */
export async function endOperation(
  store: Store,
  id: string,
  end: { readonly state: "stopped" | "failed"; readonly error: string | null },
): Promise<boolean> {
  const rows = await store.db.query(store.sql("operations/end"), [id, end.state, end.error]);
  return rows.length > 0;
}
