import type { Database, Statement } from "../db/database.ts";
import { sqlstate } from "../db/sqlstate.ts";
import { bindName, type QueryName } from "../db/statements.ts";
import { inTransaction, type Store } from "./store.ts";

/** For how many days to come partitions are made. */
export const partitionDaysAhead = 3;

/**
 * Makes the history partitions in which rows with this retention will expire, or with that of any task that workers
 * handle, up to `daysAhead` from now.
 */
export async function makeHistoryPartitions(
  store: Store,
  retentionMs: number,
  daysAhead: number,
): Promise<void> {
  await store.db.query(store.sql("history/make-partitions"), [retentionMs, daysAhead]);
}

/** Whether a settle failed for want of a history partition: 23514, which no check of its own tables can raise. */
export function isMissingPartition(error: unknown): boolean {
  return sqlstate(error) === "23514";
}

/** `pending`: its detaching was interrupted. `detached`: its dropping was. */
export interface ExpiredPartition {
  readonly name: string;
  readonly state: "attached" | "pending" | "detached";
}

/** The partitions in which every row has expired, one with a pending detachment first: there is at most one. */
export function findExpiredPartitions(store: Store): Promise<readonly ExpiredPartition[]> {
  return store.db.query<ExpiredPartition>(store.sql("history/expired-partitions"));
}

const replyMs = 10_000;
const countingMs = 600_000;

/**
 * Detaches a partition without making anybody wait, or ends a detaching that was interrupted; false when somebody who has
 * read the history keeps a transaction open for longer than `patienceMs`, or others are at it: a later call goes on.
 */
export async function detachPartition(
  store: Store,
  { name, state }: ExpiredPartition,
  patienceMs: number,
): Promise<boolean> {
  const query = state === "pending" ? "history/finalize-partition" : "history/detach-partition";
  const statement = onPartition(store, query, name);
  // A server's own time limits are settings of a session, which a pooler would hand on to others.
  const cancelling = setTimeout(() => {
    store.db
      .query(store.sql("history/cancel-statement"), [statement.text])
      .catch(() => undefined /* the call below has a deadline as well */);
  }, patienceMs);
  const options = { timeoutMs: patienceMs + replyMs, outsideTransaction: true };
  try {
    await store.db.query(statement, [], options);
    return true;
  } catch (error) {
    if (isForLater(error)) return false;
    throw error;
  } finally {
    clearTimeout(cancelling);
  }
}

// Cancelled, or a lock timeout; or others: pending already, or no partition of the history any more.
function isForLater(error: unknown): boolean {
  return ["57014", "55P03", "40P01", "55000", "42P01"].includes(sqlstate(error) ?? "");
}

/**
 * Drops a table that was a partition; resolves with how many rows it had (0 unless `counting`), undefined when somebody
 * reads it for longer than `patienceMs`, or has dropped it already.
 */
export async function dropPartition(
  store: Store<Database>,
  name: string,
  { patienceMs, counting }: { readonly patienceMs: number; readonly counting: boolean },
): Promise<number | undefined> {
  try {
    return await inTransaction(store, async (tx) => {
      await tx.db.query(tx.sql("history/bound-lock-wait"), [String(patienceMs)]);
      await tx.db.query(onPartition(tx, "history/lock-partition", name));
      const rows = counting ? await countRows(tx, name) : 0;
      await tx.db.query(onPartition(tx, "history/drop-partition", name));
      return rows;
    });
  } catch (error) {
    if (isForLater(error)) return undefined;
    throw error;
  }
}

async function countRows(store: Store, name: string): Promise<number> {
  const statement = onPartition(store, "history/count-partition", name);
  const [row] = await store.db.query<{ rows: number }>(statement, [], { timeoutMs: countingMs });
  return row?.rows ?? 0;
}

function onPartition(store: Store, name: QueryName, partition: string): Statement {
  return { name: "", text: bindName(store.sql(name).text, "partition", partition) };
}
