import { sqlstate } from "../db/sqlstate.ts";
import type { Store } from "./store.ts";

/** For how many days to come partitions are made. */
export const partitionDaysAhead = 3;

/** Makes the history partitions in which rows with this retention will expire, up to `daysAhead` from now. */
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
