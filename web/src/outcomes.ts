import type { Outcomes, Reference } from "../../src/dashboard/api.ts";
import { formatCount } from "./format.ts";

/** How a command's outcomes are told, in the words of the interface. */
const wordings: Readonly<Record<string, string>> = {
  cancelled: "cancelled",
  cancelling: "asked to stop",
  rescheduled: "rescheduled",
  retried: "retried",
  replayed: "enqueued again",
  waiting: "already waiting",
  running: "left alone because they run",
  succeeded: "left alone because they succeeded",
  replayedBefore: "enqueued again before",
  kept: "left out, for a live job has their unique key",
  payloadGone: "left out, for their payloads are not kept",
  refused: "left out, for their tasks do not accept their payloads any more",
  live: "left alone because they have not ended",
  notFound: "not found",
};

/** What became of the jobs, in one sentence: `3 retried, 1 not found.` */
export function tellOutcomes({ outcomes }: Outcomes): string {
  if (outcomes.length === 0) return "Nothing was changed.";
  const counts = new Map<string, number>();
  for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = [...counts].map(
    ([outcome, count]) => `${formatCount(count)} ${wordings[outcome] ?? outcome}`,
  );
  return `${parts.join(", ")}.`;
}

/** What tells a job apart from all others. */
export function keyOf({ queue, id }: Reference): string {
  return `${id} ${queue}`;
}
