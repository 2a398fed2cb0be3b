import type { Random } from "./clock.ts";
import { parseDuration, type Duration } from "./duration.ts";
import type { UnrecoverableError } from "./errors.ts";
import { checkKeys, integerBetween, invalidOption, oneOf } from "./options.ts";

/** A number of retries, with the delay before each; the last delay repeats. */
export interface DelaysStrategy {
  readonly retries: number;
  readonly delays: readonly Duration[];
}

/** Delays that grow by `factor` from `initial` to `max`; made by `exponential()`. */
export interface ExponentialStrategy {
  readonly kind: "exponential";
  readonly retries: number;
  readonly initial: Duration;
  readonly factor: number;
  readonly max: Duration;
  readonly jitter: number;
}

/** How often and when a failed job runs again. Plain data, so that it can be stored with a job. */
export type RetryStrategy = DelaysStrategy | ExponentialStrategy | "none";

/** Chooses the strategy by the job and by what it failed with. */
export type RetryFunction<J = unknown> = (job: J, error: unknown) => RetryStrategy;

/** A strategy, or a function that chooses one after each failure. */
export type Retry<J = unknown> = RetryStrategy | RetryFunction<J>;

/** What happens after a failed attempt: another one after the delay, or the end with this error. */
export type RetryDecision =
  { readonly delayMs: number } | { readonly final: true; readonly error: unknown };

const maxRetries = 2 ** 31 - 2; // max_attempts, one more, is a PostgreSQL integer
const attemptsOfFunction = 25;
const exponentialOptions = ["retries", "initial", "factor", "max", "jitter"];

/**
 * Delays that double from one second to six hours, 24 times, unless told otherwise. Each delay is
 * multiplied by a random number in [1 - jitter, 1], so that jobs that failed together do not come
 * back together (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog).
 */
export function exponential(
  options: {
    readonly retries?: number;
    readonly initial?: Duration;
    readonly factor?: number;
    readonly max?: Duration;
    readonly jitter?: number;
  } = {},
): ExponentialStrategy {
  checkKeys("exponential()", options, exponentialOptions);
  const { retries = 24, initial = "1s", factor = 2, max = "6h", jitter = 0.5 } = options;
  const kind = "exponential";
  return checkExponential(kind, { kind, retries, initial, factor, max, jitter });
}

/** How a task retries that does not say: `exponential()`. */
export const defaultRetry: ExponentialStrategy = exponential();

/** Checks a `retry` option, and gives it with its durations in milliseconds. */
export function checkRetry(option: string, retry: unknown): Retry {
  return isRetryFunction(retry) ? retry : checkStrategy(option, retry);
}

/** The attempts of a job that does not say: one more than the retries, 25 for a function. */
export function maxAttemptsOf<J>(retry: Retry<J>): number {
  return typeof retry === "function" ? attemptsOfFunction : retriesOf(retry) + 1;
}

/**
 * Decides what follows a failed attempt, which `failures` counts already. The job's `maxAttempts`
 * rules; a strategy chosen by a function may only stop earlier, and "none" never retries.
 */
export function decideRetry<J>(
  retry: Retry<J>,
  failure: {
    readonly job: J;
    readonly error: unknown;
    readonly failures: number;
    readonly maxAttempts: number;
    readonly random: Random;
  },
): RetryDecision {
  const { job, error, failures, maxAttempts, random } = failure;
  if (isUnrecoverable(error)) return { final: true, error };
  if (typeof retry !== "function") {
    return decide(retry, { error, failures, limit: maxAttempts, random });
  }
  try {
    const strategy = choose(retry, job, error);
    const limit = Math.min(maxAttempts, retriesOf(strategy) + 1);
    return decide(strategy, { error, failures, limit, random });
  } catch (strategyError) {
    const message = "the job failed, and its retry function could not say how to go on";
    return { final: true, error: new AggregateError([error, strategyError], message) };
  }
}

// By its code, because a handler may have its class from another copy of the package.
function isUnrecoverable(error: unknown): error is UnrecoverableError {
  return error instanceof Error && "code" in error && error.code === "PAWL_UNRECOVERABLE";
}

function decide(
  strategy: RetryStrategy,
  failure: {
    readonly error: unknown;
    readonly failures: number;
    readonly limit: number;
    readonly random: Random;
  },
): RetryDecision {
  const { error, failures, limit, random } = failure;
  if (strategy === "none" || failures >= limit) return { final: true, error };
  const delayMs =
    "kind" in strategy
      ? exponentialDelay(strategy, failures, random)
      : listedDelay(strategy, failures);
  return { delayMs };
}

function exponentialDelay(strategy: ExponentialStrategy, failures: number, random: Random): number {
  const initialMs = parseDuration(strategy.initial, "retry.initial");
  const maxMs = parseDuration(strategy.max, "retry.max");
  const delayMs = Math.min(maxMs, initialMs * strategy.factor ** (failures - 1));
  return Math.round(delayMs * (1 - strategy.jitter * random()));
}

function listedDelay({ delays }: DelaysStrategy, failures: number): number {
  const index = Math.min(failures, delays.length) - 1;
  return parseDuration(delays[index], "retry.delays");
}

function choose<J>(retry: RetryFunction<J>, job: J, error: unknown): RetryStrategy {
  const chosen: unknown = retry(job, error);
  // An async function is refused below; its rejection must not end the process.
  if (chosen instanceof Promise) chosen.catch(() => undefined);
  return checkStrategy("retry", chosen);
}

function checkStrategy(option: string, strategy: unknown): RetryStrategy {
  if (strategy === "none") return strategy;
  if (typeof strategy !== "object" || strategy === null || strategy instanceof Promise) {
    throw invalidOption(
      option,
      '"none", { retries, delays }, exponential() or a function that returns one of them',
      strategy,
    );
  }
  return "kind" in strategy ? checkExponential(option, strategy) : checkDelays(option, strategy);
}

function checkDelays(option: string, strategy: object): DelaysStrategy {
  checkKeys(`\`${option}\``, strategy, ["retries", "delays"]);
  const { retries, delays }: Record<string, unknown> = { ...strategy };
  if (!Array.isArray(delays) || delays.length === 0) {
    throw invalidOption(`${option}.delays`, "an array of at least one duration", delays);
  }
  return Object.freeze({
    retries: checkRetries(`${option}.retries`, retries),
    delays: Object.freeze(
      delays.map((delay, index) => parseDuration(delay, `${option}.delays[${index}]`)),
    ),
  });
}

function checkExponential(option: string, strategy: object): ExponentialStrategy {
  checkKeys(`\`${option}\``, strategy, ["kind", ...exponentialOptions]);
  const { kind, retries, initial, factor, max, jitter }: Record<string, unknown> = { ...strategy };
  return Object.freeze({
    kind: oneOf(`${option}.kind`, kind, ["exponential"]),
    retries: checkRetries(`${option}.retries`, retries),
    initial: checkInitial(`${option}.initial`, initial),
    factor: checkNumber(`${option}.factor`, factor, 1, 1000),
    max: parseDuration(max, `${option}.max`),
    jitter: checkNumber(`${option}.jitter`, jitter, 0, 1),
  });
}

function checkRetries(option: string, value: unknown): number {
  return integerBetween(option, value, 0, maxRetries);
}

function checkInitial(option: string, value: unknown): number {
  const milliseconds = parseDuration(value, option);
  if (milliseconds > 0) return milliseconds;
  throw invalidOption(option, "a duration of at least 1 ms", value);
}

function checkNumber(option: string, value: unknown, low: number, high: number): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  throw invalidOption(option, `a number from ${low} to ${high}`, value);
}

function isRetryFunction(value: unknown): value is RetryFunction {
  return typeof value === "function";
}

function retriesOf(strategy: RetryStrategy): number {
  return strategy === "none" ? 0 : strategy.retries;
}
