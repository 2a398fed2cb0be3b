import type { Database } from "../db/database.ts";
import { storeOn, type Store } from "../store/store.ts";

/** What every write by hand takes. */
export interface WriteOptions {
  /** The caller's open transaction, in the driver's own form: what is written counts if and only if it commits. */
  readonly db?: object;
}

/** The store to write to: on the caller's transaction, if one is given. */
export function joined(store: Store<Database>, { db }: WriteOptions): Store {
  return db === undefined ? store : storeOn(store, store.db.join(db));
}

/** Runs `work` in the caller's transaction, or in one of its own; `db` is that transaction in the driver's own form. */
export async function atomically<T>(
  store: Store<Database>,
  { db }: WriteOptions,
  work: (store: Store, db: object) => Promise<T>,
): Promise<T> {
  if (db !== undefined) return work(storeOn(store, store.db.join(db)), db);
  const tx = await store.db.begin();
  try {
    const result = await work(storeOn(store, tx), tx.handle);
    await tx.commit();
    return result;
  } catch (error) {
    await tx.rollback();
    throw error;
  }
}
