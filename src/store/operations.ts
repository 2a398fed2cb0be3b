import type { Store } from "./store.ts";

/** Where an operation stands. */
export type OperationState = "running" | "done" | "stopped" | "failed";

/** A change of many jobs, as it stands. */
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

/** One that somebody has taken to work on it. */
export interface TakenOperation {
  readonly id: string;
  /** JSON text. */
  readonly plan: string;
  readonly started_by: string;
  readonly started_at_ms: number;
  /** Where its search goes on. */
  readonly cursor: string | null;
}

/** What names the holding of an operation: of each taking it is another. */
export interface Holding {
  readonly id: string;
  readonly heldBy: string;
}

/** What a batch has done. */
export interface OperationBatch {
  /** Where to go on; null when all is done. */
  readonly cursor: string | null;
  readonly examined: number;
  readonly changed: number;
  readonly refused: number;
}

/** Begins one, for whoever takes it first. */
export async function addOperation(
  store: Store,
  operation: {
    readonly id: string;
    readonly plan: string;
    readonly by: string;
    readonly role: string;
  },
): Promise<StoredOperation> {
  const { id, plan, by, role } = operation;
  const [row] = await store.db.query<StoredOperation>(store.sql("operations/add"), [
    ...[id, plan, by, role],
  ]);
  if (row === undefined) throw new RangeError("expected the operation that was begun");
  return row;
}

/** The newest ones. */
export function listOperations(store: Store, limit: number): Promise<readonly StoredOperation[]> {
  return store.db.query<StoredOperation>(store.sql("operations/list"), [limit]);
}

/** Takes one that nobody works on; undefined when there is none. */
export async function takeOperation(
  store: Store,
  { heldBy, holdMs }: { readonly heldBy: string; readonly holdMs: number },
): Promise<TakenOperation | undefined> {
  const values = [heldBy, holdMs];
  const [row] = await store.db.query<TakenOperation>(store.sql("operations/take"), values);
  return row;
}

/** Locks one until the transaction ends; undefined when it has ended, or is not held by this taking any more. */
export async function lockOperation(
  store: Store,
  { id, heldBy }: Holding,
): Promise<{ readonly cursor: string | null } | undefined> {
  const [row] = await store.db.query<{ cursor: string | null }>(store.sql("operations/lock"), [
    ...[id, heldBy],
  ]);
  return row;
}

/** Notes a batch of one that is locked, and holds it for `holdMs` from now. */
export async function advanceOperation(
  store: Store,
  id: string,
  { cursor, examined, changed, refused, holdMs }: OperationBatch & { readonly holdMs: number },
): Promise<void> {
  await store.db.query(store.sql("operations/advance"), [
    ...[id, cursor, examined, changed, refused, holdMs],
  ]);
}

/** Ends one that runs; resolves with whether it ran. */
export async function endOperation(
  store: Store,
  id: string,
  end: { readonly state: "stopped" | "failed"; readonly error: string | null },
): Promise<boolean> {
  const values = [id, end.state, end.error];
  return (await store.db.query(store.sql("operations/end"), values)).length > 0;
}
