import { invalidOption, oneOf, queueName, shortText, taskName } from "../../core/options.ts";
import type { JobState, OutcomeName } from "../../core/states.ts";
import type { HistoryFilter, JobFilter } from "../../store/dashboard-search.ts";
import type { HistoryParams, JobsParams, PageParams } from "../api.ts";
import { parseSearch, type Search } from "./search-text.ts";

const states: readonly JobState[] = ["scheduled", "ready", "blocked", "running"];
const outcomes: readonly OutcomeName[] = [
  ...(["succeeded", "failed", "partial", "snoozed"] as const),
  ...(["rate-limited", "cancelled", "released", "crashed"] as const),
];
const jobWords = ["queue", "task", "state", "correlation"];
const historyWords = ["queue", "task", "outcome", "correlation"];
const defaultLimit = 50;
const maxLimit = 200;

/** Which live jobs somebody asks for; words of the search are the same as parameters. Throws `OptionError`. */
export function jobFilterOf(params: Omit<JobsParams, keyof PageParams>): JobFilter {
  const search = parseSearch(params.search ?? "", jobWords);
  return {
    queue: checked("queue", given(params.queue, search, "queue"), queueName),
    task: checked("task", given(params.task, search, "task"), taskName),
    state: checked("state", given(params.state, search, "state"), (name, value) =>
      oneOf(name, value, states),
    ),
    correlationId: checked(
      "correlationId",
      given(params.correlationId, search, "correlation"),
      shortText,
    ),
    concurrencyKey: checked("concurrencyKey", params.concurrencyKey, shortText),
    terms: search.terms,
  };
}

/** Which settled attempts somebody asks for. Throws `OptionError`. */
export function historyFilterOf(params: Omit<HistoryParams, keyof PageParams>): HistoryFilter {
  const search = parseSearch(params.search ?? "", historyWords);
  return {
    queue: checked("queue", given(params.queue, search, "queue"), queueName),
    task: checked("task", given(params.task, search, "task"), taskName),
    outcome: checked("outcome", given(params.outcome, search, "outcome"), (name, value) =>
      oneOf(name, value, outcomes),
    ),
    final: checked("final", params.final, isTrue),
    correlationId: checked(
      "correlationId",
      given(params.correlationId, search, "correlation"),
      shortText,
    ),
    from: checked("from", params.from, moment),
    to: checked("to", params.to, moment),
    terms: search.terms,
  };
}

/** How large a page is to be, and from where. Throws `OptionError`. */
export function pageOf(params: PageParams): {
  readonly after: string | undefined;
  readonly limit: number;
} {
  return {
    after: params.after === "" ? undefined : params.after,
    limit: checked("limit", params.limit, pageSize) ?? defaultLimit,
  };
}

/** True for "true", false for "false". Throws `OptionError` for anything else. */
export function isTrue(option: string, value: string): boolean {
  return oneOf(option, value, ["true", "false"]) === "true";
}

// A parameter that is left empty, as forms send it, is not given.
function checked<Checked>(
  option: string,
  value: string | undefined,
  check: (option: string, value: string) => Checked,
): Checked | undefined {
  return value === undefined || value === "" ? undefined : check(option, value);
}

function given(parameter: string | undefined, { words }: Search, word: string): string | undefined {
  const said = words.get(word);
  if (said === undefined) return parameter;
  if (parameter === undefined || parameter === "" || parameter === said) return said;
  throw invalidOption("search", `without \`${word}:\`, or with the ${word} ${parameter}`, said);
}

function pageSize(option: string, value: string): number {
  const limit = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= maxLimit) return limit;
  throw invalidOption(option, `an integer from 1 to ${maxLimit}`, value);
}

function moment(option: string, value: string): Date {
  const date = new Date(value);
  const isStorable = date.getTime() > Date.UTC(-4_000) && date.getTime() < Date.UTC(200_000);
  if (isStorable) return date;
  throw invalidOption(option, "a time such as 2026-01-31T12:00:00Z", value);
}
