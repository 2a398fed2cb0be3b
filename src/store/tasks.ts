import { arrayLiteral } from "../core/array-literal.ts";
import type { HistoryKeep } from "../core/task.ts";
import type { Store } from "./store.ts";

/** What whoever settles a job without its worker must know of its task. */
export interface TaskTerms {
  readonly name: string;
  readonly retentionMs: number;
  readonly keep: HistoryKeep;
}

/** Keeps what a worker says of its tasks; resolves with how many rows that changed. */
export async function registerTasks(store: Store, tasks: readonly TaskTerms[]): Promise<number> {
  const rows = await store.db.query(store.sql("tasks/register"), [
    arrayLiteral(tasks.map(({ name }) => name)),
    arrayLiteral(tasks.map(({ retentionMs }) => retentionMs)),
    arrayLiteral(tasks.map(({ keep }) => keep)),
  ]);
  return rows.length;
}

/** Notes that the tasks of living workers have been seen. */
export async function seeTasks(store: Store): Promise<void> {
  await store.db.query(store.sql("tasks/see"));
}

/** Forgets tasks that nobody has seen for longer than `keepForMs` and nothing needs; resolves with how many. */
export async function pruneTasks(store: Store, keepForMs: number): Promise<number> {
  const [row] = await store.db.query<{ pruned: number }>(store.sql("tasks/prune"), [keepForMs]);
  return row?.pruned ?? 0;
}
