import { atomically } from "../client/write-options.ts";
import { describeJobs, jobKey } from "../store/new-jobs.ts";
import { advanceOperation, holdOperation } from "../store/operations.ts";
import type { Store } from "../store/store.ts";
import type { OperationPlan, Reference } from "./api.ts";
import { boundStatements } from "./audit.ts";
import { checkRescheduling } from "./changes/bodies.ts";
import { findMatching, isStillMeant } from "./changes/plan.ts";
import { replayAcceptable, replayBatch, type Writing } from "./changes/replay.ts";
import type { ReadContext, ShownPawl } from "./context.ts";

/** An operation that somebody works on, and where it is. */
export interface HeldOperation {
  readonly id: string;
  readonly holder: string;
  readonly plan: OperationPlan;
  readonly startedAt: Date;
  readonly cursor: string | null;
}

/** How a batch has ended: where the operation is now; or that there is no more to do for whoever held it. */
export type Step = { readonly cursor: string | null } | "ended";

const maxJobs = 500;
const searchBudgetMs = 500;
const reason = "cancelled by hand";
// What a command says of a job that it has changed.
const effective = new Set(["retried", "replayed", "cancelled", "cancelling", "rescheduled"]);

/** Does the next batch of an operation: its effects, its counts and the cursor behind it are committed together. */
export async function doBatch(
  { pawl, store }: Pick<ReadContext, "pawl" | "store">,
  { id, holder, plan, startedAt, cursor }: HeldOperation,
): Promise<Step> {
  const { jobs, next, examined } = await findMatching(store, plan, {
    after: cursor,
    limit: plan.action === "replay" ? replayBatch : maxJobs,
    budgetMs: searchBudgetMs,
    before: startedAt,
  });
  return atomically(store, {}, async (tx, db): Promise<Step> => {
    await boundStatements(tx);
    const held = await holdOperation(tx, id, holder);
    if (held === undefined) return "ended";
    // A commit whose reply was lost has been carried out: go on from there.
    if (held.cursor !== cursor) return held;
    const meant = await stillMeant(tx, plan, jobs);
    const outcomes = meant.length === 0 ? [] : await apply(plan, { pawl, store: tx, db }, meant);
    const changed = outcomes.filter(({ outcome }) => effective.has(outcome)).length;
    const refused = jobs.length - changed;
    await advanceOperation(tx, id, { next, examined, changed, refused });
    return next === null ? "ended" : { cursor: next };
  });
}

async function stillMeant(
  store: Store,
  plan: OperationPlan,
  jobs: readonly Reference[],
): Promise<readonly Reference[]> {
  if (plan.from === "history" || jobs.length === 0) return jobs;
  const known = await describeJobs(store, jobs);
  return jobs.filter((job) => isStillMeant(plan, known.get(jobKey(job))?.state));
}

async function apply(
  plan: OperationPlan,
  writing: Writing & { readonly pawl: Pick<ShownPawl, "jobs" | "history"> },
  jobs: readonly Reference[],
): Promise<readonly { readonly outcome: string }[]> {
  const { pawl, db } = writing;
  switch (plan.action) {
    case "retry":
      return pawl.jobs.retry(jobs, { db });
    case "cancel":
      return pawl.jobs.cancel(jobs, reason, { db });
    case "reschedule":
      return pawl.jobs.reschedule(jobs, { ...checkRescheduling({ ...plan.rescheduling }), db });
    case "replay":
      return replayAcceptable(writing, jobs);
  }
}
