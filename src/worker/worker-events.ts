import type { LeaseLostError } from "../core/errors.ts";
import type { JobInfo } from "../core/job.ts";
import type { OutcomeName } from "../core/states.ts";

/** One attempt whose outcome has been written. */
export interface SettledEvent {
  readonly job: JobInfo;
  readonly outcome: OutcomeName;
  /** Whether the job ended with this attempt. */
  readonly final: boolean;
  /** How long the handler ran, in milliseconds; null when it never started. */
  readonly runMs: number | null;
}

/** What a worker emits. No event carries a payload. */
export interface WorkerEvents {
  /** The worker claims jobs, under this id. */
  started: [{ readonly workerId: string }];
  /** The outcome of an attempt has been written. */
  settled: [SettledEvent];
  /** An attempt failed: `error` is its record, as the history has it. */
  failed: [SettledEvent & { readonly error: unknown }];
  /** Others have taken over jobs that this worker held. */
  leaseLost: [LeaseLostError];
  /** Something went wrong that the worker gets over by itself. Without a listener, one line goes to stderr. */
  error: [unknown];
  /** The worker has ended. */
  stopped: [];
}
