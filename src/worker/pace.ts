import { ownClockLookMs, type Clock } from "../core/clock.ts";
import type { CheckedWorkerOptions } from "./worker-options.ts";

/** How often a session does what, in milliseconds of real time. */
export interface Pace {
  /** Whether a clock of the caller's decides about jobs: it may stand still and jump, so nothing waits for it. */
  readonly hasOwnClock: boolean;
  readonly heartbeatMs: number;
  /** The longest pause between two looks for jobs, with wake-ups and without. */
  readonly longestPauseMs: number;
  readonly pauseWithoutWakeUpsMs: number;
  /** How often to look at all scheduled jobs: that finds what a transaction that stayed open for long has enqueued. */
  readonly allDueJobsMs: number;
  /** The longest pause between two looks for jobs that wait for their rate limits. */
  readonly limitedJobsMs: number;
  /** How long a job goes back for when its transaction could not even begin; null: to where it stood. */
  readonly beginAgainMs: number | null;
}

const beatsPerLease = 3;
const pauseWithoutWakeUpsMs = 250;
const allDueJobsMs = 30_000;
const limitedJobsMs = 60_000;
const beginAgainMs = 1_000;

/** The pace of a worker's sessions by its options, or by a clock of the caller's. */
export function paceOf(options: CheckedWorkerOptions, clock: Clock | undefined): Pace {
  const { pollIntervalMs, leaseMs } = options;
  if (clock === undefined) {
    return {
      hasOwnClock: false,
      heartbeatMs: leaseMs / beatsPerLease,
      longestPauseMs: pollIntervalMs,
      pauseWithoutWakeUpsMs: Math.min(pollIntervalMs, pauseWithoutWakeUpsMs),
      allDueJobsMs,
      limitedJobsMs,
      beginAgainMs,
    };
  }
  const pauseMs = Math.min(pollIntervalMs, ownClockLookMs);
  return {
    hasOwnClock: true,
    heartbeatMs: ownClockLookMs,
    longestPauseMs: pauseMs,
    pauseWithoutWakeUpsMs: pauseMs,
    allDueJobsMs: 0,
    limitedJobsMs: ownClockLookMs,
    beginAgainMs: null,
  };
}
