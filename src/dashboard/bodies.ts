import { checkEnqueueOptions, type EnqueueOptions } from "../core/enqueue-options.ts";
import type { JobReference } from "../core/job.ts";
import { checkKeys, invalidOption, oneOf, queueName, text, uuid } from "../core/options.ts";
import { replayableOutcomes } from "../history/replay-options.ts";
import { checkHistoryFilter, checkJobFilter } from "../store/dashboard-filter.ts";
import type { OperationPlan, Rescheduling } from "./api.ts";

type JobsFilter = Extract<OperationPlan, { readonly from: "jobs" }>["filter"];
type PastFilter = Extract<OperationPlan, { readonly from: "history" }>["filter"];

const mostNamed = 1_000;
const longestReason = 1_000;
const jobFilterNames = [
  ...["state", "queue", "task", "correlationId", "concurrencyKey", "search"],
] as const;
const historyFilterNames = [
  ...["outcome", "final", "queue", "task", "correlationId", "from", "to", "search"],
] as const;

/** What a body holds, of which no name may be unknown; each is still to be checked. Throws `OptionError`. */
export function membersOf<const Name extends string>(
  where: string,
  body: unknown,
  names: readonly Name[],
): { readonly [Each in Name]?: unknown } {
  checkKeys(where, body, names);
  return body; // its names were checked
}

/** Reads which jobs are meant. Throws `OptionError`. */
export function readJobs(value: unknown): readonly JobReference[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostNamed) {
    throw invalidOption("jobs", `a list of 1 to ${mostNamed} jobs`, value);
  }
  return value.map((job: unknown, place) => readReference(`jobs[${place}]`, job));
}

/** Reads the queue and the id of a job. Throws `OptionError`. */
export function readReference(option: string, value: unknown): JobReference {
  const { queue, id } = membersOf(option, value, ["queue", "id"]);
  return { queue: queueName(`${option}.queue`, queue), id: uuid(`${option}.id`, id) };
}

/** Reads why jobs are cancelled. Throws `OptionError`. */
export function readReason(value: unknown, by: string): string {
  if (value === undefined || value === "") return `cancelled by ${by}`;
  const reason = text("reason", value);
  if (reason.length <= longestReason) return reason;
  throw invalidOption("reason", `at most ${longestReason} characters`, value);
}

/** What to change about waiting jobs, in the form of `pawl.jobs.reschedule`. */
export type ReschedulingOptions = Pick<EnqueueOptions, "runAt" | "delay" | "priority">;

/** Reads what to change about waiting jobs: at least one thing. Throws `OptionError`. */
export function readRescheduling(where: string, value: unknown): ReschedulingOptions {
  const { runAt, delay, priority } = membersOf(where, value, ["runAt", "delay", "priority"]);
  const options = {
    ...(runAt !== undefined && { runAt: readTime("runAt", runAt) }),
    ...(delay !== undefined && { delay }),
    ...(priority !== undefined && { priority }),
  };
  if (Object.keys(options).length === 0) {
    throw invalidOption(where, "at least one of runAt, delay and priority", value);
  }
  checkEnqueueOptions(options as EnqueueOptions); // which throws when it is none
  return options as ReschedulingOptions;
}

/** Reads what to do with all that match. Throws `OptionError`. */
export function readPlan(body: unknown): OperationPlan {
  const plan = membersOf("operation", body, ["action", "from", "filter", "rescheduling"]);
  const action = oneOf("action", plan.action, ["retry", "cancel", "reschedule", "replay"]);
  const from = oneOf("from", plan.from, action === "replay" ? ["history"] : ["jobs"]);
  if (action === "replay" || from === "history") {
    return { action: "replay", from: "history", filter: readPastFilter(plan.filter) };
  }
  const filter = readJobsFilter(plan.filter);
  if (action !== "reschedule") return { action, from, filter };
  readRescheduling("rescheduling", plan.rescheduling);
  // As it was checked.
  return { action, from, filter, rescheduling: plan.rescheduling as Rescheduling };
}

function readJobsFilter(value: unknown): JobsFilter {
  const filter = readTexts("filter", value, jobFilterNames);
  checkJobFilter(filter);
  return filter as JobsFilter; // as it was checked
}

// Only what has ended can be replayed, and only as long as it has not succeeded.
function readPastFilter(value: unknown): PastFilter {
  const filter = readTexts("filter", value, historyFilterNames);
  checkHistoryFilter(filter);
  if (filter.outcome !== undefined) oneOf("outcome", filter.outcome, replayableOutcomes);
  if (filter.final !== undefined) oneOf("final", filter.final, ["true"]);
  return filter as PastFilter; // as it was checked
}

function readTexts<const Name extends string>(
  option: string,
  value: unknown,
  names: readonly Name[],
): { readonly [Each in Name]?: string } {
  const given = Object.entries(membersOf(option, value, names));
  const texts = given
    .filter(([, each]) => each !== undefined && each !== "")
    .map(([name, each]) => [name, text(`${option}.${name}`, each)] as const);
  return Object.fromEntries(texts) as { readonly [Each in Name]?: string }; // its names were checked
}

function readTime(option: string, value: unknown): Date {
  const time = new Date(typeof value === "string" ? value : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw invalidOption(option, "a time such as 2026-01-31T12:00:00Z", value);
}
