import type { JobReference } from "../core/job.ts";
import {
  findFinished,
  retryJobs,
  type LiveResult,
  type NamedJob,
  type RetryOutcome,
} from "../store/commands.ts";
import type { HistoryEntry } from "../store/history.ts";
import { jobKey } from "../store/new-jobs.ts";
import type { Store } from "../store/store.ts";

/** Enqueues finished jobs anew, in a transaction in the driver's own form; resolves with the new jobs, in order. */
export type Replayer = (
  finished: readonly HistoryEntry[],
  db: object,
) => Promise<readonly JobReference[]>;

/** What was done about one job; `job` is the new one of a job that was enqueued anew. */
export interface RetryResult extends LiveResult<Exclude<RetryOutcome, "notFound">> {
  readonly job?: JobReference;
}

/** Runs scheduled jobs now, and enqueues those anew that have failed or been cancelled for good. */
export async function retry(
  store: Store,
  named: readonly NamedJob[],
  replay: (finished: readonly HistoryEntry[]) => Promise<readonly JobReference[]>,
): Promise<RetryResult[]> {
  const live = await retryJobs(store, named);
  const keys = new Set(live.map(jobKey));
  const others = named.filter(
    ({ queue, id }) => queue === null || !keys.has(jobKey({ queue, id })),
  );
  const finished = others.length === 0 ? [] : await findFinished(store, others);
  const ended = finished.filter((job) => !keys.has(jobKey(job)));
  const again = ended.filter(({ outcome }) => outcome !== "succeeded");
  const renewed = again.length === 0 ? [] : await replay(again);
  return [
    ...live,
    ...ended
      .filter(({ outcome }) => outcome === "succeeded")
      .map(({ queue, id }) => ({ queue, id, outcome: "succeeded" as const })),
    ...again.flatMap(({ queue, id }, place) => {
      const job = renewed[place];
      return job === undefined ? [] : [{ queue, id, outcome: "replayed" as const, job }];
    }),
  ];
}
