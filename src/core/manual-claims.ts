import type { ClaimFilter } from "./claim-options.ts";
import type { Duration } from "./duration.ts";
import type { JobInfo } from "./job.ts";
import type { PartialResults } from "./outcome.ts";

/** What `pawl.jobs.claim` takes. Durations are milliseconds or strings such as `"30 days"`. */
export interface ClaimOptions extends ClaimFilter {
  /** How many jobs to claim at most: 1 to 1000. Default 1. */
  readonly batchSize?: number;
  /** How long the history of these attempts is kept. Default: as the task says, else `"30 days"`. */
  readonly historyRetention?: Duration;
}

/** A job that was claimed by hand. It is to be given to `complete`, `fail`, `reportPartialSuccess` or `release` as it is. */
export interface HeldJob extends JobInfo {
  /** What the serializer makes of the payload, when it is first looked at. Throws `PayloadError`. */
  readonly payload: unknown;
  /** What a log may show of the job: all but its payload and its partial results. */
  toJSON(): Omit<JobInfo, "partialResults">;
}

/** How to give a job back. */
export interface ReleaseOptions {
  /** The caller's open transaction: what is written is there if and only if it commits. */
  readonly db?: object | undefined;
}

/** How to settle a job. */
export interface SettleOptions extends ReleaseOptions {
  /** How long the work took, in milliseconds, for the history. */
  readonly executionMs?: number | undefined;
}

/** How to complete jobs. */
export interface CompleteOptions extends SettleOptions {
  /** What to keep in the history for each of the jobs, in their order; JSON. */
  readonly outputs?: readonly unknown[] | undefined;
}

/** A job that failed, and with what. */
export interface FailedJob {
  readonly job: HeldJob;
  readonly error: Error | string;
}

/** Claims and settles for those who run jobs by hand, without `pawl.worker`. */
export interface ManualClaims {
  claim(workerId: string, options?: ClaimOptions): Promise<HeldJob[]>;
  complete(workerId: string, jobs: readonly HeldJob[], options?: CompleteOptions): Promise<void>;
  fail(workerId: string, failed: readonly FailedJob[], options?: SettleOptions): Promise<void>;
  reportPartialSuccess(
    workerId: string,
    job: HeldJob,
    partialResults: PartialResults,
    options?: SettleOptions,
  ): Promise<void>;
  release(workerId: string, jobs: readonly HeldJob[], options?: ReleaseOptions): Promise<void>;
}
