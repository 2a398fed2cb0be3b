import { queueName, shortText, taskName } from "../../core/options.ts";
import type { Done } from "../api.ts";
import type { Planned } from "../audit.ts";
import type { ReadContext } from "../context.ts";
import { bodyOf } from "./bodies.ts";

/** Pauses or resumes a queue. */
export function planQueuePause(
  { pawl }: ReadContext,
  action: "pause" | "resume",
  body: unknown,
): Planned<Done> {
  const name = queueName("name", bodyOf(`${action}-queue`, body, ["name"]).name);
  return {
    details: { name },
    run: async (_store, db) => ({ changed: await pawl.queues[action](name, { db }) }),
    tell: ({ changed }) => ({ details: { changed } }),
  };
}

/** Pauses or resumes a task. */
export function planTaskPause(
  { pawl }: ReadContext,
  action: "pause" | "resume",
  body: unknown,
): Planned<Done> {
  const name = taskName("name", bodyOf(`${action}-task`, body, ["name"]).name);
  return {
    details: { name },
    run: async (_store, db) => ({ changed: await pawl.tasks[action](name, { db }) }),
    tell: ({ changed }) => ({ details: { changed } }),
  };
}

/** Takes the running jobs of a concurrency key from their workers. */
export function planUnlock(
  { pawl }: ReadContext,
  body: unknown,
): Planned<{ readonly unlocked: number }> {
  const given = bodyOf("unlock-key", body, ["queue", "key"]);
  const reference = {
    queue: queueName("queue", given.queue),
    key: shortText("key", given.key),
  };
  return {
    details: reference,
    run: async (_store, db) => ({
      unlocked: await pawl.concurrencyKeys.forceUnlock([reference], { db }),
    }),
    tell: ({ unlocked }) => ({ details: { unlocked } }),
  };
}
