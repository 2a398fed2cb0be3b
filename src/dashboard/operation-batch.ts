import { atomically } from "../client/write-options.ts";
import type { JobReference } from "../core/job.ts";
import { replayableOutcomes } from "../history/replay-options.ts";
import { advanceOperation, lockOperation, type Holding } from "../store/operations.ts";
import type { OperationPlan } from "./api.ts";
import { readRescheduling } from "./bodies.ts";
import type { ChangeContext, ChangingPawl } from "./context.ts";
import type { Matching } from "./matching.ts";

/** An operation that this process works on. */
export interface HeldOperation extends Holding {
  readonly plan: OperationPlan;
  readonly startedBy: string;
  readonly startedAtMs: number;
  /** Where its search goes on. */
  cursor: string | null;
}

/**
 * How a batch has ended: `"more"`: it is committed, and there is more; `"moved"`: nothing was done, because the operation is
 * further than was known; `"done"`: it was the last; `"lost"`: it was stopped, or others have taken it over.
 */
export type BatchEnd = "more" | "moved" | "done" | "lost";

/** For how long a batch holds an operation, in milliseconds: longer than one takes. */
export const holdMs = 30_000;

const changedOutcomes: ReadonlySet<string> = new Set([
  ...["retried", "replayed", "cancelled", "cancelling", "rescheduled"],
]);

/**
 * Changes the jobs that were found, unless `isSkipped`, and notes it together with the progress and where to go on: all of it
 * or nothing. What others have noted meanwhile, or a commit whose reply was lost, is found out first.
 */
export function commitBatch(
  { store, pawl }: Pick<ChangeContext, "store" | "pawl">,
  operation: HeldOperation,
  { jobs, next, examined, isSkipped }: Matching & { readonly isSkipped: boolean },
): Promise<BatchEnd> {
  return atomically<BatchEnd>(store, {}, async (tx, db) => {
    const locked = await lockOperation(tx, operation);
    if (locked === undefined) return "lost";
    if (locked.cursor !== operation.cursor) {
      operation.cursor = locked.cursor;
      return "moved";
    }
    const changed =
      isSkipped || jobs.length === 0 ? 0 : await changeJobs(pawl, operation, { jobs, db });
    await advanceOperation(tx, operation.id, {
      ...{ cursor: next, examined, changed, refused: jobs.length - changed, holdMs },
    });
    return next === null ? "done" : "more";
  });
}

interface Given {
  readonly jobs: readonly JobReference[];
  readonly db: object;
}

// Resolves with how many jobs it has changed.
async function changeJobs(
  pawl: ChangingPawl,
  { plan, startedBy }: HeldOperation,
  { jobs, db }: Given,
): Promise<number> {
  switch (plan.action) {
    case "retry":
      return countChanged(await pawl.jobs.retry(jobs, { db }));
    case "cancel":
      return countChanged(await pawl.jobs.cancel(jobs, `cancelled by ${startedBy}`, { db }));
    case "reschedule": {
      const options = readRescheduling("rescheduling", plan.rescheduling);
      return countChanged(await pawl.jobs.reschedule(jobs, { ...options, db }));
    }
    case "replay":
      return replay(pawl, { jobs, db });
  }
}

async function replay(pawl: ChangingPawl, { jobs, db }: Given): Promise<number> {
  let created = 0;
  for (const queue of new Set(jobs.map((job) => job.queue))) {
    const jobIds = jobs.filter((job) => job.queue === queue).map(({ id }) => id);
    const options = { queue, jobIds, outcome: replayableOutcomes, limit: jobIds.length, db };
    created += (await pawl.history.replay(options)).created;
  }
  return created;
}

function countChanged(results: readonly { readonly outcome: string }[]): number {
  return results.filter(({ outcome }) => changedOutcomes.has(outcome)).length;
}
