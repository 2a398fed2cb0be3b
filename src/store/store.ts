import type { Database, Queryable, Statement } from "../db/database.ts";
import type { QueryName } from "../db/statements.ts";

/** The statements of one schema and the connection to run them on: what every function of this layer takes first. */
export interface Store<On extends Queryable = Queryable> {
  readonly sql: (name: QueryName) => Statement;
  readonly db: On;
}

/** The same statements on another connection. */
export function storeOn<On extends Queryable>(store: Store, db: On): Store<On> {
  return { sql: store.sql, db };
}

/** Runs `work` in a READ COMMITTED transaction of its own. */
export function inTransaction<T>(
  store: Store<Database>,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  return store.db.transaction((tx) => work(storeOn(store, tx)));
}

/** The same, where no statement may take longer than `timeoutMs`: SQLSTATE 57014 else. */
export function inBoundedTransaction<T>(
  store: Store<Database>,
  timeoutMs: number,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  return inTransaction(store, async (tx) => {
    await tx.db.query(tx.sql("connections/bound-statements"), [String(timeoutMs)]);
    return work(tx);
  });
}

/** Runs `work` in a READ COMMITTED transaction where the planner keeps to the indexes that were made for a statement, whatever the statistics say. */
export function alongIndexes<T>(
  store: Store<Database>,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  return inTransaction(store, async (tx) => {
    await tx.db.query(tx.sql("connections/prefer-indexes"));
    return work(tx);
  });
}
