import type { FilterWord, Vocabulary } from "./filter-text.ts";
import { useRead } from "./data.ts";
import { outcomes, states } from "./states.ts";

/** What a filter can complete: the queues and tasks that there are, and the paths that tasks declare searchable. */
export function useVocabulary(words: readonly FilterWord[]): Vocabulary {
  const tasks = useRead("tasks", {}, "once").data?.tasks ?? [];
  const queues = useRead("queues", {}, "once").data?.queues ?? [];
  return {
    words,
    values: {
      queue: queues.map(({ name }) => name),
      task: tasks.map(({ name }) => name),
      state: states,
      outcome: outcomes,
    },
    paths: [...new Set(tasks.flatMap(({ searchable }) => searchable))],
  };
}
