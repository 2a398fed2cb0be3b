import type { Database } from "../db/database.ts";
import { detachPartition, dropPartition, findExpiredPartitions } from "../store/partitions.ts";
import type { Store } from "../store/store.ts";

/** What a pruning of the history has done. */
export interface PrunedHistory {
  /** How many rows went, if they were to be counted. */
  readonly rows: number;
  /** False: somebody who reads the history holds up the rest. */
  readonly isDone: boolean;
}

// As long as somebody keeps a transaction open in which the history was read, its partitions cannot go.
const patienceMs = 5_000;

/**
 * Drops the partitions in which everything has expired, the oldest first. Whatever was interrupted before, by a reader or
 * with its process, is ended first. Anybody may do it at the same time.
 */
export async function pruneHistory(
  store: Store<Database>,
  { counting }: { readonly counting: boolean },
): Promise<PrunedHistory> {
  let rows = 0;
  let isDone = true;
  for (const partition of await findExpiredPartitions(store)) {
    const isFree =
      partition.state === "detached" || (await detachPartition(store, partition, patienceMs));
    // Only one partition at a time can be on its way out.
    if (!isFree) return { rows, isDone: false };
    const gone = await dropPartition(store, partition.name, { patienceMs, counting });
    if (gone === undefined) isDone = false;
    else rows += gone;
  }
  return { rows, isDone };
}
