import type { OperationPlan, Outcomes, Reference, Rescheduling } from "../../src/dashboard/api.ts";
import { change } from "./api.ts";
import { plural } from "./format.ts";
import { refresh } from "./live.ts";
import { sayDone, sayFailed } from "./toasts.ts";

export type Action = OperationPlan["action"];

// What the outcomes of a change are called when it has changed the job.
const good = new Set(["retried", "cancelled", "rescheduled", "replayed", "created", "cancelling"]);
const past = { retry: "Retried", cancel: "Cancelled", reschedule: "Rescheduled", replay: "Replayed" };

/** The key of a row, and back. */
export function keyOf({ queue, id }: Reference): string {
  return `${queue} ${id}`;
}

/** The jobs of some keys, each once. */
export function referencesOf(keys: Iterable<string>): Reference[] {
  return [...new Set(keys)].map((key) => {
    const at = key.lastIndexOf(" ");
    return { queue: key.slice(0, at), id: key.slice(at + 1) };
  });
}

/** What can be said beside an action: when, or why. */
export interface Details {
  readonly rescheduling?: Rescheduling;
  readonly reason?: string;
}

/** Does something to jobs that were named, and says what became of them. */
export async function changeJobs(
  action: Action,
  jobs: readonly Reference[],
  details: Details = {},
): Promise<void> {
  const { outcomes } = await send(action, jobs, details);
  const done = outcomes.filter(({ outcome }) => good.has(outcome)).length;
  if (done > 0) sayDone(`${past[action]} ${plural(done, "job")}.`);
  const kinds = new Set(outcomes.map(({ outcome }) => outcome).filter((each) => !good.has(each)));
  if (kinds.size > 0) {
    const why = [...kinds].map(inWords).join(", ");
    const left = `Left ${plural(outcomes.length - done, "job")} as before: ${why}.`;
    if (done > 0) sayDone(left);
    else sayFailed(new Error(left));
  }
  refresh();
}

// "replayedBefore" is "replayed before".
function inWords(outcome: string): string {
  return outcome.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function send(action: Action, jobs: readonly Reference[], details: Details): Promise<Outcomes> {
  switch (action) {
    case "retry":
      return change("retry-jobs", { jobs });
    case "cancel": {
      const { reason } = details;
      return change("cancel-jobs", reason === undefined ? { jobs } : { jobs, reason });
    }
    case "reschedule":
      return change("reschedule-jobs", { jobs, ...details.rescheduling });
    case "replay":
      return change("replay-jobs", { jobs });
  }
}
