import { arrayLiteral } from "../core/array-literal.ts";
import type { Store } from "./store.ts";

/** The chore that makes history partitions ahead. */
export const partitionsChore = "make-history-partitions";

/** A chore as the database knows it. */
export interface ChoreTerms {
  readonly name: string;
  readonly intervalMs: number;
}

/** Makes chores known that are not yet; they are due at once. */
export async function addChores(store: Store, chores: readonly ChoreTerms[]): Promise<void> {
  await store.db.query(store.sql("chores/add"), [arrayLiteral(chores.map(({ name }) => name))]);
}

/** Takes one that is due, if any: it is due again after its interval. `nextDueMs`: how soon another is due. */
export async function takeChore(
  store: Store,
  chores: readonly ChoreTerms[],
): Promise<{ name: string | null; nextDueMs: number | null }> {
  const [row] = await store.db.query<{ name: string | null; next_due_ms: number | null }>(
    store.sql("chores/take"),
    [
      arrayLiteral(chores.map(({ name }) => name)),
      arrayLiteral(chores.map(({ intervalMs }) => intervalMs)),
    ],
  );
  return { name: row?.name ?? null, nextDueMs: row?.next_due_ms ?? null };
}

/** Says that a chore is done; or, with `againMs`, how soon it has to be done again. */
export async function endChore(store: Store, name: string, againMs: number | null): Promise<void> {
  await store.db.query(store.sql("chores/end"), [name, againMs]);
}

/** Makes a chore due now. */
export async function hurryChore(store: Store, name: string): Promise<void> {
  await store.db.query(store.sql("chores/hurry"), [name]);
}
