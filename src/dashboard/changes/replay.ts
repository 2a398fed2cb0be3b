import { PayloadError } from "../../core/errors.ts";
import { replayId } from "../../core/uuid.ts";
import { findFinished } from "../../store/commands.ts";
import type { HistoryEntry } from "../../store/history.ts";
import { describeJobs, jobKey } from "../../store/new-jobs.ts";
import type { Store } from "../../store/store.ts";
import type { Reference } from "../api.ts";
import type { ShownPawl } from "../context.ts";

/**
 * What became of a job that was to be replayed: `"replayed"`; or nothing, because it has been before (`"replayedBefore"`), because
 * a live job has its unique key (`"kept"`), because it succeeded, because its payload is not there any more (`"payloadGone"`) or
 * does not pass the checks of its task (`"refused"`), because it has not ended (`"live"`), or because there is none.
 */
export type ReplayOutcome =
  | ("replayed" | "replayedBefore" | "kept" | "succeeded")
  | ("payloadGone" | "refused" | "live" | "notFound");

/** A job, and what became of it. */
export interface Replayed extends Reference {
  readonly outcome: ReplayOutcome;
}

/** The transaction to write in, in Pawl's form and in the driver's own. */
export interface Writing {
  readonly pawl: Pick<ShownPawl, "history">;
  readonly store: Store;
  readonly db: object;
}

/** How many jobs are replayed at once: all their payloads are in memory then. */
export const replayBatch = 100;

/**
 * Enqueues ended jobs anew, and says of each what became of it. One that cannot be replayed is left out: it must not keep back
 * all others, and what a check says of a payload may quote it.
 */
export async function replayEnded(
  writing: Writing,
  jobs: readonly Reference[],
): Promise<readonly Replayed[]> {
  const replayed: Replayed[] = [];
  for (let start = 0; start < jobs.length; start += replayBatch) {
    replayed.push(...(await replayAcceptable(writing, jobs.slice(start, start + replayBatch))));
  }
  return replayed;
}

/** The same for at most `replayBatch` jobs. */
export async function replayAcceptable(
  writing: Writing,
  jobs: readonly Reference[],
): Promise<readonly Replayed[]> {
  try {
    return await replayBatchOf(writing, jobs);
  } catch (error) {
    // The payloads of a batch are checked before the first is written, so the transaction is as it was.
    if (!(error instanceof PayloadError)) throw error;
  }
  const [first, ...others] = jobs;
  if (first === undefined) return [];
  if (others.length === 0) return [{ ...first, outcome: "refused" }];
  const middle = Math.ceil(jobs.length / 2);
  return [
    ...(await replayAcceptable(writing, jobs.slice(0, middle))),
    ...(await replayAcceptable(writing, jobs.slice(middle))),
  ];
}

async function replayBatchOf(
  { pawl, store, db }: Writing,
  jobs: readonly Reference[],
): Promise<readonly Replayed[]> {
  const known = await describeJobs(store, jobs);
  const ended = (await findFinished(store, jobs)).filter(
    (entry) => known.get(jobKey(entry))?.state === "finished",
  );
  const before = await describeJobs(store, ended.map(replayOf));
  const outcomes = new Map<string, ReplayOutcome>();
  for (const [key, { state }] of known) if (state !== "finished") outcomes.set(key, "live");
  const due = ended.filter((entry) => {
    const outcome = outcomeOf(entry, before.has(jobKey(replayOf(entry))));
    outcomes.set(jobKey(entry), outcome);
    return outcome === "replayed";
  });
  if (due.length > 0) {
    await pawl.history.replayJobs(due, db);
    const after = await describeJobs(store, due.map(replayOf));
    for (const entry of due) {
      if (!after.has(jobKey(replayOf(entry)))) outcomes.set(jobKey(entry), "kept");
    }
  }
  return jobs.map((job) => ({ ...job, outcome: outcomes.get(jobKey(job)) ?? "notFound" }));
}

function replayOf(entry: HistoryEntry): Reference {
  return { queue: entry.queue, id: replayId(entry) };
}

function outcomeOf({ outcome, payloadText }: HistoryEntry, isKnown: boolean): ReplayOutcome {
  if (outcome === "succeeded") return "succeeded";
  if (isKnown) return "replayedBefore";
  return payloadText === null ? "payloadGone" : "replayed";
}
