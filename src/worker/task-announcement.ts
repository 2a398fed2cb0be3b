import type { TaskHandler } from "../core/task.ts";
import { hurryChore, partitionsChore } from "../store/chores.ts";
import type { Store } from "../store/store.ts";
import { registerTasks } from "../store/tasks.ts";

/** Tells the database what whoever settles a job without its worker must know of the tasks that a worker handles. */
export async function announceTasks(
  store: Store,
  handlers: ReadonlyMap<string, TaskHandler>,
): Promise<void> {
  const tasks = [...handlers.values()].map(({ task }) => ({
    name: task.name,
    retentionMs: task.historyRetentionMs,
    keep: task.keep,
  }));
  const changed = await registerTasks(store, tasks);
  // So that the partitions for a new retention are there before the first row needs one.
  if (changed > 0) await hurryChore(store, partitionsChore);
}
