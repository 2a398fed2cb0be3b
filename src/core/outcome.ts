import { parseDuration, type Duration } from "./duration.ts";
import { text } from "./options.ts";

// A registered symbol, so that outcomes made by another copy of the package are recognised.
const brand = Symbol.for("pawl.outcome");

/** What a handler said. */
export type Outcome =
  | { readonly name: "snoozed" | "rate-limited"; readonly delayMs: number }
  | { readonly name: "cancelled"; readonly reason: string }
  | { readonly name: "partial"; readonly results: PartialResults };

/** What a handler may return to say more than "done"; made by the functions of this module. */
export interface HandlerOutcome {
  readonly [brand]: Outcome;
}

/** What was done and what is left, for the next attempt to read as `job.partialResults`. */
export interface PartialResults {
  readonly completedSteps?: readonly string[];
  readonly failedSteps?: readonly string[];
  readonly retryFromStep?: string;
  readonly results?: unknown;
}

/** Runs the job again after `delay`; the attempt does not count as a failure. Throws `OptionError`. */
export function snooze(delay: Duration): HandlerOutcome {
  return { [brand]: { name: "snoozed", delayMs: parseDuration(delay, "snooze") } };
}

/**
 * Runs the job again after `retryAfter`, as after an HTTP 429, and starts no other job of its rate limit before; it does not
 * count as a failure. Throws `OptionError`.
 */
export function rateLimited(options: { readonly retryAfter: Duration }): HandlerOutcome {
  return {
    [brand]: { name: "rate-limited", delayMs: parseDuration(options.retryAfter, "retryAfter") },
  };
}

/** Ends the job for good, with a reason. Throws `OptionError`. */
export function cancel(reason: string): HandlerOutcome {
  return { [brand]: { name: "cancelled", reason: text("reason", reason) } };
}

/** Keeps what was done, and retries with the task's back-off; the attempt counts as a failure. */
export function partialSuccess(results: PartialResults): HandlerOutcome {
  return { [brand]: { name: "partial", results } };
}

/** What a handler outcome says. */
export function outcomeOf(value: HandlerOutcome): Outcome {
  return value[brand];
}

/** Whether a handler returned one of these outcomes; any other value means success. */
export function isHandlerOutcome(value: unknown): value is HandlerOutcome {
  return typeof value === "object" && value !== null && brand in value;
}
