import { useMemo } from "preact/hooks";
import { useReading } from "../reading.ts";
import type { Known } from "../suggestions.ts";

const everyMs = 30_000;

/** What can be suggested in a filter: queues, tasks, the paths that they declare searchable, states or outcomes. */
export function useKnown(word: "state" | "outcome", names: readonly string[]): Known {
  const queues = useReading("queues", {}, everyMs).answer?.queues;
  const tasks = useReading("tasks", {}, everyMs).answer?.tasks;
  return useMemo(
    () => ({
      queues: (queues ?? []).map(({ name }) => name),
      tasks: tasks ?? [],
      states: { word, names },
    }),
    [queues, tasks, word, names],
  );
}
