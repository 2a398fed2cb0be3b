import { invalidOption, oneOf } from "../../core/options.ts";
import type { OutcomeName } from "../../core/states.ts";
import type { Database } from "../../db/database.ts";
import {
  checkHistoryFilter as readHistoryFilter,
  checkJobFilter as readJobFilter,
} from "../../store/dashboard-filter.ts";
import { searchHistory, searchJobs, type FoundAttempt } from "../../store/dashboard-search.ts";
import type { Store } from "../../store/store.ts";
import type { OperationPlan, Reference } from "../api.ts";
import { bodyOf, checkRescheduling, reschedulingIn, type Body } from "./bodies.ts";

/** How much of what matches to look at. */
export interface Stretch {
  readonly after: string | null;
  readonly limit: number;
  readonly budgetMs: number;
  /** What came to be later does not match; undefined: nothing is too late. */
  readonly before: Date | undefined;
}

/** What a stretch has of it. */
export interface Matching {
  readonly jobs: readonly Reference[];
  readonly next: string | null;
  readonly examined: number;
}

type PlanFrom<From> = Extract<OperationPlan, { readonly from: From }>;

const actions = ["retry", "cancel", "reschedule", "replay"] as const;
const jobParams = ["state", "queue", "task", "correlationId", "concurrencyKey", "search"];
const historyParams = [
  ...["outcome", "final", "queue", "task", "correlationId", "from", "to"],
  "search",
];
const replayable: readonly OutcomeName[] = ["failed", "crashed", "partial", "cancelled"];

/** Checks what is to be done with all that match. Throws `OptionError`. */
export function checkPlan(call: string, body: unknown): OperationPlan {
  const given = bodyOf(call, body, ["action", "from", "filter", "rescheduling"]);
  const action = oneOf("action", given.action, actions);
  if (action !== "reschedule" && given.rescheduling !== undefined) {
    throw invalidOption("rescheduling", `left out, for ${action}`, given.rescheduling);
  }
  if (action === "replay") {
    oneOf("from", given.from, ["history"]);
    return { action, from: "history", filter: checkHistoryFilter(given.filter) };
  }
  oneOf("from", given.from, ["jobs"]);
  const filter = checkJobFilter(given.filter);
  if (action !== "reschedule") return { action, from: "jobs", filter };
  const known = ["runAt", "delay", "priority"];
  const rescheduling = bodyOf("rescheduling", given.rescheduling, known);
  checkRescheduling(rescheduling);
  return { action, from: "jobs", filter, rescheduling: reschedulingIn(rescheduling) };
}

/** Finds some of what a plan would change, as things are now. */
export async function findMatching(
  store: Store<Database>,
  plan: OperationPlan,
  { before, ...bounds }: Stretch,
): Promise<Matching> {
  if (plan.from === "history") {
    const to = earlier(plan.filter.to, before);
    const page = await searchHistory(store, { ...plan.filter, final: "true", to }, bounds);
    return { ...page, jobs: page.rows.filter(isReplayable).map(referenceOf) };
  }
  const state = plan.filter.state ?? (plan.action === "retry" ? "scheduled" : undefined);
  const page = await searchJobs(store, { ...plan.filter, state }, bounds);
  const jobs = page.rows.filter(
    (job) =>
      isChangedBy(plan.action, job) && (before === undefined || new Date(job.createdAt) <= before),
  );
  return { ...page, jobs: jobs.map(referenceOf) };
}

/** Whether a job that was found is still one that the plan means: some are claimed or end before their turn comes. */
export function isStillMeant(plan: OperationPlan, state: string | undefined): boolean {
  if (plan.from === "history") return true;
  const wanted = readJobFilter(plan.filter)?.state ?? null;
  const isLive = state !== undefined && state !== "finished";
  return isLive && (wanted === null || wanted === state) && isChangedBy(plan.action, { state });
}

function checkJobFilter(value: unknown): PlanFrom<"jobs">["filter"] {
  const filter: PlanFrom<"jobs">["filter"] = checkParams(value, jobParams);
  readJobFilter(filter);
  return filter;
}

function checkHistoryFilter(value: unknown): PlanFrom<"history">["filter"] {
  const filter: PlanFrom<"history">["filter"] = checkParams(value, historyParams);
  const { final = null, outcome = null } = readHistoryFilter(filter) ?? {};
  // Only what has ended can be replayed: an operation that would do nothing is a mistake.
  if (final === false) throw invalidOption("filter.final", '"true" or left out', "false");
  if (outcome !== null && !replayable.includes(outcome)) {
    throw invalidOption("filter.outcome", `one of ${replayable.join(", ")}`, outcome);
  }
  return filter;
}

// Texts, whatever they say: the search checks them.
function checkParams(value: unknown, known: readonly string[]): Readonly<Record<string, never>> {
  const given: Body = bodyOf("filter", value, known);
  const params: Record<string, string> = {};
  for (const [name, param] of Object.entries(given)) {
    if (typeof param !== "string") throw invalidOption(`filter.${name}`, "a text", param);
    if (param !== "") params[name] = param;
  }
  return params as Readonly<Record<string, never>>; // so that it stands for any text until it is checked
}

function earlier(given: string | undefined, before: Date | undefined): string | undefined {
  if (before === undefined) return given;
  return given !== undefined && new Date(given) < before ? given : before.toISOString();
}

function isReplayable({ outcome, final }: FoundAttempt): boolean {
  return final && replayable.includes(outcome);
}

function isChangedBy(
  action: "retry" | "cancel" | "reschedule",
  { state }: { readonly state: string },
): boolean {
  if (action === "retry") return state === "scheduled";
  return action === "cancel" || state !== "running";
}

function referenceOf({ queue, id }: Reference): Reference {
  return { queue, id };
}
