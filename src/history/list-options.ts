import {
  boolean,
  checkKeys,
  date,
  integerBetween,
  invalidOption,
  oneOf,
  queueName,
  shortText,
  taskName,
  uuid,
} from "../core/options.ts";
import type { OutcomeName } from "../core/states.ts";
import { lastPosition, type HistoryPosition, type PageFilters } from "../store/history.ts";
import { checkCursor } from "./position.ts";

/** Which attempts to list; what is left out does not matter. */
export interface HistoryListOptions {
  readonly task?: string;
  readonly queue?: string;
  /** One outcome or several. */
  readonly outcome?: OutcomeName | readonly OutcomeName[];
  /** Whether the job ended with the attempt. */
  readonly final?: boolean;
  /** The attempt ended then or later. */
  readonly from?: Date;
  /** The attempt ended before then. */
  readonly to?: Date;
  readonly correlationId?: string;
  readonly jobId?: string;
  /** How many attempts a page has, 1 to 1,000. Default 100. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

export interface CheckedListOptions extends PageFilters {
  readonly limit: number;
  readonly after: HistoryPosition;
}

const knownOptions = [
  "task",
  "queue",
  "outcome",
  "final",
  "from",
  "to",
  "correlationId",
  "jobId",
  "limit",
  "after",
] as const;
const outcomes: readonly OutcomeName[] = [
  "succeeded",
  "failed",
  "partial",
  "snoozed",
  "rate-limited",
  "cancelled",
  "released",
  "crashed",
];
const defaultLimit = 100;
const highestLimit = 1_000;

/** Checks the options of a page. Throws `OptionError`. */
export function checkListOptions(options: HistoryListOptions): CheckedListOptions {
  checkKeys("history.list", options, knownOptions);
  return {
    task: optional(options.task, (value) => taskName("task", value)),
    queue: optional(options.queue, (value) => queueName("queue", value)),
    outcomes: optional(options.outcome, (value) => checkOutcomes(value, outcomes)),
    final: optional(options.final, (value) => boolean("final", value)),
    from: optional(options.from, (value) => checkTime("from", value)),
    to: optional(options.to, (value) => checkTime("to", value)),
    correlationId: optional(options.correlationId, (value) => shortText("correlationId", value)),
    jobId: optional(options.jobId, (value) => uuid("jobId", value)),
    limit: integerBetween("limit", options.limit ?? defaultLimit, 1, highestLimit),
    after: optional(options.after, (value) => checkCursor("after", value)) ?? lastPosition,
  };
}

/** Checks one outcome or a list of them, which may not be empty. */
export function checkOutcomes<Outcome extends OutcomeName>(
  value: unknown,
  choices: readonly Outcome[],
): Outcome[] {
  if (!Array.isArray(value)) return [oneOf("outcome", value, choices)];
  if (value.length === 0) throw invalidOption("outcome", "an outcome or a list of them", value);
  return value.map((each) => oneOf("outcome", each, choices));
}

/** Checks for a Date that the database can hold. */
export function checkTime(option: string, value: unknown): Date {
  const time = date(option, value);
  const year = time.getUTCFullYear();
  if (year >= 1 && year <= 9_999) return time;
  throw invalidOption(option, "a date in the years 1 to 9999", value);
}

export function optional<Given, Checked>(
  value: Given | undefined,
  check: (value: Given) => Checked,
): Checked | undefined {
  return value === undefined ? undefined : check(value);
}
