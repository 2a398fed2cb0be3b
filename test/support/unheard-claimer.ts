import { randomUUID } from "node:crypto";
import type { ClaimerOptions } from "#pawl/worker/claimer";
import { FlagFilter } from "#pawl/worker/flag-filter";

/** The options of a claimer to which nobody listens; an error fails the run. */
export function unheardClaimer(
  forbiddenFlags: readonly string[] = [],
): Omit<ClaimerOptions, "queues"> {
  return {
    workerId: randomUUID(),
    tasks: ["task"],
    flagFilter: new FlagFilter(forbiddenFlags),
    onClaimed: () => undefined,
    onLimited: () => undefined,
    onUnknownTasks: () => undefined,
    onAdmitted: () => undefined,
    onError: (error) => {
      throw error;
    },
  };
}
