import type { Database } from "../db/database.ts";
import { inTransaction, storeOn, type Store } from "../store/store.ts";

/** What every write by hand takes. */
export interface WriteOptions {
  /** The caller's open transaction, in the driver's own form: what is written counts if and only if it commits. */
  readonly db?: object;
}

/** The store to write to: on the caller's transaction, if one is given. */
export function joined(store: Store<Database>, { db }: WriteOptions): Store {
  return db === undefined ? store : storeOn(store, store.db.join(db));
}

/** Runs `work` in the caller's transaction, or in one of its own. */
export function atomically<T>(
  store: Store<Database>,
  options: WriteOptions,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  return options.db === undefined ? inTransaction(store, work) : work(joined(store, options));
}
