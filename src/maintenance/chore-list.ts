import type { Database } from "../db/database.ts";
import { pruneAudit } from "../store/audit.ts";
import { partitionsChore } from "../store/chores.ts";
import { pruneClaimsOfGoneWorkers } from "../store/claims.ts";
import { pruneOperations } from "../store/operations.ts";
import { makeHistoryPartitions, partitionDaysAhead } from "../store/partitions.ts";
import {
  pruneConcurrencyKeys,
  pruneQueueRows,
  pruneRateLimitStarts,
  pruneThrottles,
} from "../store/pruning.ts";
import type { Store } from "../store/store.ts";
import { pruneTasks, seeTasks } from "../store/tasks.ts";
import { pruneWorkers } from "../store/workers.ts";
import type { Chore } from "./chores.ts";
import { pruneHistory } from "./history-partitions.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** How long a task is remembered that nobody has seen and nothing needs. */
export const keepTasksForMs = 30 * dayMs;

/** What the maintenance does by itself, and how often. */
export function choreList(store: Store<Database>, retentionMs: number): readonly Chore[] {
  return [
    chore(partitionsChore, hourMs, () =>
      makeHistoryPartitions(store, retentionMs, partitionDaysAhead),
    ),
    {
      name: "prune-history",
      intervalMs: hourMs,
      run: async () => (await pruneHistory(store, { counting: false })).isDone,
    },
    chore("prune-workers", hourMs, async () => {
      await pruneClaimsOfGoneWorkers(store);
      await pruneWorkers(store);
    }),
    chore("prune-queues", hourMs, async () => {
      await pruneConcurrencyKeys(store);
      await pruneQueueRows(store);
    }),
    chore("prune-tasks", dayMs, async () => {
      await seeTasks(store);
      await pruneTasks(store, keepTasksForMs);
    }),
    chore("prune-throttles", 10 * minuteMs, () => pruneThrottles(store)),
    chore("prune-audit", dayMs, async () => {
      await pruneAudit(store);
      await pruneOperations(store);
    }),
    chore("prune-rate-limit-starts", 10 * minuteMs, () => pruneRateLimitStarts(store)),
  ];
}

function chore(name: string, intervalMs: number, work: () => Promise<unknown>): Chore {
  const run = async (): Promise<boolean> => {
    await work();
    return true;
  };
  return { name, intervalMs, run };
}
