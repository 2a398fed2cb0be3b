import { parseDuration, type Duration } from "../core/duration.ts";
import {
  boolean,
  checkKeys,
  integerBetween,
  invalidOption,
  queueName,
  taskName,
  uuid,
} from "../core/options.ts";
import { firstPosition, type HistoryPosition } from "../store/history.ts";
import type { HistoryAttempt } from "./history-attempt.ts";
import { checkOutcomes, checkTime, optional } from "./list-options.ts";
import { checkCursor } from "./position.ts";

/** How a job that may be replayed has ended. */
export type ReplayableOutcome = "failed" | "crashed" | "partial" | "cancelled";

/** Which ended jobs to replay, and how; what is left out does not matter. */
export interface ReplayOptions {
  /** The job ended then or later. */
  readonly from?: Date;
  /** The job ended before then. Never later than the call. */
  readonly to?: Date;
  readonly task?: string;
  readonly queue?: string;
  /** How the jobs ended, one outcome or several. Default `["failed", "crashed", "partial"]`: for good. */
  readonly outcome?: ReplayableOutcome | readonly ReplayableOutcome[];
  readonly jobIds?: readonly string[];
  /** For the new jobs. Default: their task's. */
  readonly maxAttempts?: number;
  /** For the new jobs. Default: their task's. */
  readonly priority?: number;
  /** How long the new jobs wait before they may run. Default: not at all. */
  readonly delay?: Duration;
  /** How many ended jobs to look at, oldest first: 1 to 1,000,000. Default 1,000. */
  readonly limit?: number;
  /** The `next` of an earlier replay: goes on behind it. */
  readonly after?: string;
  /** Only counts. Default false. */
  readonly dryRun?: boolean;
  /** The new payload, or a function of the old one and its attempt that gives it. Default: the old one. */
  readonly payload?: unknown;
  /** The caller's open transaction: the new jobs exist if and only if it commits. */
  readonly db?: object;
}

/** Gives the new payload of a replayed job. */
export type PayloadEdit = (payload: unknown, attempt: HistoryAttempt) => unknown;

export interface CheckedReplayOptions {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  readonly task: string | undefined;
  readonly queue: string | undefined;
  readonly outcomes: readonly ReplayableOutcome[];
  readonly jobIds: readonly string[] | undefined;
  readonly maxAttempts: number | undefined;
  readonly priority: number | undefined;
  readonly delayMs: number | undefined;
  readonly limit: number;
  readonly after: HistoryPosition;
  readonly isDryRun: boolean;
  readonly edit: PayloadEdit;
  readonly db: object | undefined;
}

const knownOptions = [
  "from",
  "to",
  "task",
  "queue",
  "outcome",
  "jobIds",
  "maxAttempts",
  "priority",
  "delay",
  "limit",
  "after",
  "dryRun",
  "payload",
  "db",
] as const;
const replayableOutcomes: readonly ReplayableOutcome[] = [
  "failed",
  "crashed",
  "partial",
  "cancelled",
];
const failedForGood: readonly ReplayableOutcome[] = ["failed", "crashed", "partial"];
const defaultLimit = 1_000;
const highestLimit = 1_000_000;
const mostAttempts = 2_147_483_647;
const mostJobIds = 10_000;

/** Checks the options of a replay. Throws `OptionError`. */
export function checkReplayOptions(options: ReplayOptions): CheckedReplayOptions {
  checkKeys("history.replay", options, knownOptions);
  return {
    from: optional(options.from, (value) => checkTime("from", value)),
    to: optional(options.to, (value) => checkTime("to", value)),
    task: optional(options.task, (value) => taskName("task", value)),
    queue: optional(options.queue, (value) => queueName("queue", value)),
    outcomes: checkOutcomes(options.outcome ?? failedForGood, replayableOutcomes),
    jobIds: optional(options.jobIds, checkJobIds),
    maxAttempts: optional(options.maxAttempts, (value) =>
      integerBetween("maxAttempts", value, 1, mostAttempts),
    ),
    priority: optional(options.priority, (value) =>
      integerBetween("priority", value, -32768, 32767),
    ),
    delayMs: optional(options.delay, (value) => parseDuration(value, "delay")),
    limit: integerBetween("limit", options.limit ?? defaultLimit, 1, highestLimit),
    after: optional(options.after, (value) => checkCursor("after", value)) ?? firstPosition,
    isDryRun: boolean("dryRun", options.dryRun ?? false),
    edit: editOf(options.payload),
    db: options.db,
  };
}

function checkJobIds(value: unknown): string[] {
  if (!Array.isArray(value) || value.length > mostJobIds) {
    throw invalidOption("jobIds", `a list of at most ${mostJobIds} ids`, value);
  }
  return value.map((id, place) => uuid(`jobIds[${place}]`, id));
}

function editOf(payload: unknown): PayloadEdit {
  if (payload === undefined) return (old) => old;
  return typeof payload === "function" ? (payload as PayloadEdit) : () => payload; // no payload is a function
}
