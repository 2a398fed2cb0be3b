import type { Random } from "../core/clock.ts";
import { recordError } from "../core/error-record.ts";
import { ShutdownError, type CancelledError } from "../core/errors.ts";
import { isHandlerOutcome, outcomeOf } from "../core/outcome.ts";
import { encodePayload } from "../core/payload.ts";
import { decideRetry } from "../core/retry.ts";
import type { AnyTask } from "../core/task.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Return, Settlement } from "../store/settles.ts";

/** An attempt that has ended. */
export interface Attempt {
  readonly job: ClaimedJob;
  readonly task: AnyTask;
  /** Null when the handler never started. */
  readonly runMs: number | null;
  readonly random: Random;
}

/** Why a job's payload could not be given to its handler: trying again would not help. */
export class BadPayload extends Error {
  constructor(cause: unknown) {
    super("the payload cannot be given to the handler", { cause });
  }
}

/** What follows from what a handler returned. Throws when partial results are no JSON. */
export function decideReturned(attempt: Attempt, value: unknown): Settlement {
  if (!isHandlerOutcome(value)) return succeeded(attempt, value);
  const outcome = outcomeOf(value);
  switch (outcome.name) {
    case "snoozed":
    case "rate-limited":
      return {
        ...unsaid(attempt),
        outcome: outcome.name,
        then: backAfter(attempt, outcome.delayMs, false),
      };
    case "cancelled": {
      const error = JSON.stringify({ name: "Cancelled", message: outcome.reason });
      return { ...unsaid(attempt), outcome: "cancelled", error, then: "gone" };
    }
    case "partial":
      return partial(attempt, outcome.results);
  }
}

/** What follows from what a handler threw, or from what kept it from starting. */
export function decideThrown(attempt: Attempt, thrown: unknown): Settlement {
  if (thrown instanceof ShutdownError) return released(attempt.job, attempt.runMs);
  const decision =
    thrown instanceof BadPayload
      ? { final: true as const, error: thrown.cause }
      : retryOf(attempt, thrown);
  const error = "final" in decision ? decision.error : thrown;
  return {
    ...unsaid(attempt),
    outcome: "failed",
    error: JSON.stringify(recordError(error)),
    thrown: { error },
    then: "final" in decision ? "gone" : backAfter(attempt, decision.delayMs, true),
  };
}

/** Back to where the job stood, as if it had not been claimed. */
export function released(job: ClaimedJob, runMs: number | null): Settlement {
  return {
    job,
    runMs,
    error: null,
    output: null,
    outcome: "released",
    then: { delayMs: null, counted: false },
  };
}

/** What follows when somebody has cancelled the job: it has ended. */
export function cancelled(
  attempt: Pick<Attempt, "job" | "runMs">,
  { name, code, message }: CancelledError,
): Settlement {
  const { job, runMs } = attempt;
  const error = JSON.stringify({ name, code, message });
  return { job, runMs, error, output: null, outcome: "cancelled", then: "gone" };
}

function succeeded(attempt: Attempt, value: unknown): Settlement {
  const isStored = attempt.task.storeOutput && value !== undefined;
  if (!isStored) return plainSuccess(attempt);
  try {
    const output = encodePayload(value, { root: "output" });
    return { ...unsaid(attempt), outcome: "succeeded", output, then: "gone" };
  } catch (error) {
    // The work is done: to fail it for its output would do it again.
    const note = JSON.stringify(recordError(error));
    return { ...unsaid(attempt), outcome: "succeeded", error: note, then: "gone" };
  }
}

// Written out, because it runs once for every job.
function plainSuccess({ job, runMs }: Attempt): Settlement {
  return { job, outcome: "succeeded", runMs, error: null, output: null, then: "gone" };
}

function partial(attempt: Attempt, results: unknown): Settlement {
  const output = encodePayload(results, { root: "partialSuccess" });
  const decision = retryOf(attempt, new Error("the handler reported partial success"));
  return {
    ...unsaid(attempt),
    outcome: "partial",
    output,
    error: "final" in decision ? JSON.stringify(recordError(decision.error)) : null,
    then: "final" in decision ? "gone" : backAfter(attempt, decision.delayMs, true),
  };
}

function backAfter({ task }: Attempt, delayMs: number, counted: boolean): Return {
  return task.concurrency?.whileRetrying === "hold"
    ? { delayMs, counted, isHolding: delayMs > 0 }
    : { delayMs, counted };
}

function retryOf({ job, task, random }: Attempt, error: unknown): ReturnType<typeof decideRetry> {
  return decideRetry(task.retry, {
    job,
    error,
    failures: job.failures + 1,
    maxAttempts: job.maxAttempts,
    random,
  });
}

function unsaid({ job, runMs }: Attempt): Pick<Settlement, "job" | "runMs" | "error" | "output"> {
  return { job, runMs, error: null, output: null };
}
