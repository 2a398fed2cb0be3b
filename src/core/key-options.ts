import { parseDuration, type Duration } from "./duration.ts";
import { OptionError } from "./errors.ts";
import { checkKeys, integerBetween, invalidOption, oneOf, shortText } from "./options.ts";

/** A key of 1 to 255 bytes, or what makes it of the payload as the caller gave it. */
export type Key<Input> = string | ((payload: Input) => string);

/** Jobs of a queue that share the key run at most `limit` at a time, in the order of their enqueue. */
export interface ConcurrencyOptions {
  readonly key?: string;
  /** How many may run at a time: 1 to 10,000, default 1. The newest enqueue's limit holds for the key. */
  readonly limit?: number;
}

/** The same on a task, where the key may be a function of the payload. */
export interface TaskConcurrencyOptions<Input> extends Omit<ConcurrencyOptions, "key"> {
  readonly key?: Key<Input>;
  /** Whether a job that waits for its retry lets the next one run. Default `"step-aside"`. */
  readonly whileRetrying?: "step-aside" | "hold";
}

/** A budget of starts that all jobs with the key share, in every queue. */
export interface RateLimitOptions {
  readonly key?: string;
  /** How much of the capacity one start takes. Default 1. */
  readonly weight?: number;
  /** How much may start per `interval`; both together register the limit, and the newest enqueue's hold. */
  readonly capacity?: number;
  readonly interval?: Duration;
  /** Windows that follow one another, or any span of the interval's length. Default `"fixed"`. */
  readonly mode?: RateLimitMode;
}

/** The same on a task, where the key may be a function of the payload. */
export interface TaskRateLimitOptions<Input> extends Omit<RateLimitOptions, "key"> {
  readonly key?: Key<Input>;
}

/** At most one job of a queue has the key; the mode says what an enqueue does that meets it. */
export interface UniqueOptions {
  readonly key?: string;
  /** Default `"keep"`. */
  readonly mode?: UniqueMode;
  /** For `throttle`: how often a job is made at most. For `debounce`: the longest postponement, default unlimited. */
  readonly wait?: Duration;
}

/** The same on a task, where the key may be a function of the payload. */
export interface TaskUniqueOptions<Input> extends Omit<UniqueOptions, "key"> {
  readonly key?: Key<Input>;
}

export type RateLimitMode = "fixed" | "sliding";
export type UniqueMode = "keep" | "replace" | "debounce" | "throttle" | "keepRunningAndOneWaiting";

/** A key or what makes it, as a task holds it. */
export type HeldKey = string | ((payload: never) => unknown) | undefined;

/** Checked, with defaults still open: what is said per enqueue wins, member by member. */
export interface CheckedConcurrency {
  readonly key: HeldKey;
  readonly limit: number | undefined;
}

/** What a task says of its concurrency key, checked. */
export interface CheckedTaskConcurrency extends CheckedConcurrency {
  readonly whileRetrying: "step-aside" | "hold";
}

/** Checked, with defaults still open. */
export interface CheckedRateLimit {
  readonly key: HeldKey;
  readonly weight: number | undefined;
  readonly capacity: number | undefined;
  readonly intervalMs: number | undefined;
  readonly mode: RateLimitMode | undefined;
}

/** Checked, with defaults still open. */
export interface CheckedUnique {
  readonly key: HeldKey;
  readonly mode: UniqueMode | undefined;
  readonly waitMs: number | undefined;
}

const mostConcurrent = 10_000;
const largestInteger = 2_147_483_647;
const mostFlags = 100;

/** Checks `concurrency` of one enqueue. Throws `OptionError`. */
export function checkConcurrency(given: ConcurrencyOptions): CheckedConcurrency {
  checkKeys("concurrency", given, ["key", "limit"]);
  return { key: checkOwnKey("concurrency.key", given.key), limit: checkLimit(given.limit) };
}

/** Checks `concurrency` of a task. Throws `OptionError`. */
export function checkTaskConcurrency(given: TaskConcurrencyOptions<never>): CheckedTaskConcurrency {
  checkKeys("concurrency", given, ["key", "limit", "whileRetrying"]);
  const whileRetrying = given.whileRetrying ?? "step-aside";
  return {
    key: checkHeldKey("concurrency.key", given.key),
    limit: checkLimit(given.limit),
    whileRetrying: oneOf("concurrency.whileRetrying", whileRetrying, ["step-aside", "hold"]),
  };
}

/** Checks `rateLimit` of one enqueue. Throws `OptionError`. */
export function checkRateLimit(given: RateLimitOptions): CheckedRateLimit {
  const { key, ...rest } = given;
  return { ...checkTaskRateLimit(rest), key: checkOwnKey("rateLimit.key", key) };
}

/** Checks `rateLimit` of a task. Throws `OptionError`. */
export function checkTaskRateLimit(given: TaskRateLimitOptions<never>): CheckedRateLimit {
  checkKeys("rateLimit", given, ["key", "weight", "capacity", "interval", "mode"]);
  const { weight, capacity, interval, mode } = given;
  return {
    key: checkHeldKey("rateLimit.key", given.key),
    weight: weight === undefined ? undefined : checkAmount("rateLimit.weight", weight),
    capacity: capacity === undefined ? undefined : checkAmount("rateLimit.capacity", capacity),
    intervalMs: interval === undefined ? undefined : checkSpan("rateLimit.interval", interval),
    mode: mode === undefined ? undefined : oneOf("rateLimit.mode", mode, ["fixed", "sliding"]),
  };
}

/** Checks `unique` of one enqueue. Throws `OptionError`. */
export function checkUnique(given: UniqueOptions): CheckedUnique {
  const { key, ...rest } = given;
  return { ...checkTaskUnique(rest), key: checkOwnKey("unique.key", key) };
}

/** Checks `unique` of a task. Throws `OptionError`. */
export function checkTaskUnique(given: TaskUniqueOptions<never>): CheckedUnique {
  checkKeys("unique", given, ["key", "mode", "wait"]);
  const modes = ["keep", "replace", "debounce", "throttle", "keepRunningAndOneWaiting"] as const;
  return {
    key: checkHeldKey("unique.key", given.key),
    mode: given.mode === undefined ? undefined : oneOf("unique.mode", given.mode, modes),
    waitMs: given.wait === undefined ? undefined : checkSpan("unique.wait", given.wait),
  };
}

/** Checks for a list of different texts, each of 1 to 255 bytes. Throws `OptionError`. */
export function checkFlags(given: unknown): readonly string[] {
  if (!Array.isArray(given)) throw invalidOption("flags", "a list of texts", given);
  if (given.length > mostFlags) {
    throw invalidOption("flags", `a list of at most ${mostFlags} texts`, given);
  }
  return [...new Set(given.map((flag, place) => shortText(`flags[${place}]`, flag)))];
}

function checkOwnKey(option: string, key: unknown): string | undefined {
  return key === undefined ? undefined : shortText(option, key);
}

function checkHeldKey(option: string, key: HeldKey): HeldKey {
  return typeof key === "function" ? key : checkOwnKey(option, key);
}

function checkLimit(limit: number | undefined): number | undefined {
  if (limit === undefined) return undefined;
  return integerBetween("concurrency.limit", limit, 1, mostConcurrent);
}

function checkAmount(option: string, value: unknown): number {
  return integerBetween(option, value, 1, largestInteger);
}

function checkSpan(option: string, value: unknown): number {
  const milliseconds = parseDuration(value, option);
  if (milliseconds > 0) return milliseconds;
  throw invalidOption(option, "a duration above zero", value);
}

/** The error for something that only makes sense together with something else. */
export function incompleteOption(option: string, expected: string, got: string): OptionError {
  return new OptionError(`expected ${expected}, got ${got}`, { option, expected, got });
}
