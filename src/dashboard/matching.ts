import type { JobReference } from "../core/job.ts";
import type { Database } from "../db/database.ts";
import { searchHistory, searchJobs, type SearchOptions } from "../store/dashboard-search.ts";
import type { Store } from "../store/store.ts";
import type { Count, OperationPlan } from "./api.ts";
import { isReplayable } from "./replay-jobs.ts";

/** What a plan means, as far as it was looked for. */
export interface Matching {
  readonly jobs: readonly JobReference[];
  /** Where to go on; null when there is no more. */
  readonly next: string | null;
  readonly examined: number;
}

const countMs = 250;
const countPage = 1_000;
const latestMs = Date.UTC(9999, 0, 1);

/** The next jobs that a plan means: of those that were there at `startedAtMs`, so that a plan comes to an end. */
export async function findMatching(
  store: Store<Database>,
  plan: OperationPlan,
  { startedAtMs, ...options }: SearchOptions & { readonly startedAtMs: number },
): Promise<Matching> {
  if (plan.from === "jobs") {
    const { rows, next, examined } = await searchJobs(store, plan.filter, options);
    const jobs = rows.filter(({ createdAt }) => Date.parse(createdAt) <= startedAtMs);
    return { jobs: jobs.map(named), next, examined };
  }
  // The bound does not belong to the range, and times are cut to milliseconds.
  const givenMs = plan.filter.to === undefined ? Infinity : Date.parse(plan.filter.to);
  const to = new Date(Math.min(givenMs, startedAtMs + 1)).toISOString();
  const filter = { ...plan.filter, final: "true", to };
  const { rows, next, examined } = await searchHistory(store, filter, options);
  return { jobs: rows.filter(isReplayable).map(named), next, examined };
}

/** How many jobs a plan means, as far as they can be counted in a moment. */
export async function countMatching(store: Store<Database>, plan: OperationPlan): Promise<Count> {
  const until = performance.now() + countMs;
  let count = 0;
  let after: string | null = null;
  for (;;) {
    const budgetMs = Math.ceil(until - performance.now());
    if (budgetMs <= 0) return { count, isAtLeast: true };
    const found: Matching = await findMatching(store, plan, {
      ...{ startedAtMs: latestMs, after, limit: countPage, budgetMs },
    });
    count += found.jobs.length;
    after = found.next;
    if (after === null) return { count, isAtLeast: false };
  }
}

function named({ queue, id }: JobReference): JobReference {
  return { queue, id };
}
