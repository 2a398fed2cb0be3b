import type { JobReference } from "../core/job.ts";
import { replayId } from "../core/uuid.ts";
import { replayableOutcomes } from "../history/replay-options.ts";
import { findFinished, type CommandResult } from "../store/commands.ts";
import type { HistoryEntry } from "../store/history.ts";
import { describeJobs, jobKey } from "../store/new-jobs.ts";
import type { ChangeTransaction } from "./audit.ts";
import type { ChangingPawl } from "./context.ts";

/**
 * What became of a job that was to be replayed: `"replayed"`; `"replayedBefore"`; `"kept"`: another job has its unique key;
 * `"succeeded"`; `"notFound"`: none of this id has ended.
 */
export type ReplayOutcome = "replayed" | "replayedBefore" | "kept" | "succeeded" | "notFound";

/** Enqueues ended jobs anew; resolves with what became of each, in order. */
export async function replayJobs(
  pawl: Pick<ChangingPawl, "history">,
  jobs: readonly JobReference[],
  { db, store }: ChangeTransaction,
): Promise<CommandResult<ReplayOutcome>[]> {
  const ended = new Map((await findFinished(store, jobs)).map((entry) => [jobKey(entry), entry]));
  const again = [...ended.values()].filter(isReplayable);
  const known = await describeJobs(store, again.map(replayOf));
  const open = again.filter((entry) => !known.has(jobKey(replayOf(entry))));
  if (open.length > 0) await pawl.history.replayJobs(open, db);
  const made = await describeJobs(store, open.map(replayOf));
  const outcomeOf = (entry: HistoryEntry | undefined): ReplayOutcome => {
    if (entry === undefined) return "notFound";
    if (!isReplayable(entry)) return "succeeded";
    const key = jobKey(replayOf(entry));
    if (known.has(key)) return "replayedBefore";
    return made.has(key) ? "replayed" : "kept";
  };
  return jobs.map(({ queue, id }) => {
    return { queue, id, outcome: outcomeOf(ended.get(jobKey({ queue, id }))) };
  });
}

/** Whether an attempt has ended in a way that another may follow. */
export function isReplayable({ outcome }: { readonly outcome: string }): boolean {
  return replayableOutcomes.some((each) => each === outcome);
}

function replayOf(entry: HistoryEntry): JobReference {
  return { queue: entry.queue, id: replayId(entry) };
}
