import type { JobReference } from "../core/job.ts";
import type { JobState, OutcomeName } from "../core/states.ts";
import type { LineKind } from "../store/explanation.ts";

/** Why a job does not run, or what it does or did instead. Made by `pawl.jobs.explain`; it never shows a payload. */
export interface JobExplanation extends JobReference {
  readonly task: string;
  readonly state: JobState | "finished";
  /** Everything that holds, the most decisive first; at least one. */
  readonly reasons: readonly JobReason[];
  /** The reasons in English, a sentence or two each. */
  readonly text: string;
}

/** One thing that is to be said of a job; `kind` tells which, and `text` says it in English. */
export type JobReason =
  | FinishedReason
  | RunningReason
  | CancellingReason
  | ScheduledReason
  | DueReason
  | QueuePausedReason
  | TaskPausedReason
  | NoWorkerReason
  | FlagsRefusedReason
  | KeyHeldReason
  | RateLimitReason
  | BehindReason
  | WorkersBusyReason
  | NextReason;

/** The job has ended. */
export interface FinishedReason {
  readonly kind: "finished";
  readonly text: string;
  readonly outcome: OutcomeName;
  /** The name and the first line of the message of what went wrong; null when nothing did. */
  readonly error: string | null;
  readonly finishedAt: Date;
  /** The number of its last attempt. */
  readonly attempt: number;
  /** The job that was enqueued anew from it; null when there is none. */
  readonly replay: (JobReference & { readonly state: JobState | "finished" }) | null;
}

/** A worker has claimed the job: its handler runs, or is about to start. */
export interface RunningReason {
  readonly kind: "running";
  readonly text: string;
  readonly workerId: string;
  /** What people call the worker; null when nothing is known of it any more. */
  readonly workerName: string | null;
  readonly host: string | null;
  readonly since: Date;
  readonly attempt: number;
  /** How long ago the worker gave its last sign of life, in milliseconds; null when nothing is known of it any more. */
  readonly heartbeatAgeMs: number | null;
  /** How long the worker may be silent, in milliseconds. */
  readonly leaseMs: number | null;
  /** Whether the worker keeps its lease; else others take the job from it. */
  readonly isAlive: boolean;
}

/** Somebody has cancelled the job while it runs. */
export interface CancellingReason {
  readonly kind: "cancelling";
  readonly text: string;
  readonly reason: string;
}

/**
 * Why a job waits for its time: its enqueue, or a command, said so (`"delay"`); its last attempt failed (`"retry"`) or asked
 * for it (`"snooze"`, `"rateLimited"`), or could not begin (`"release"`); `"unknown"` when the attempt left no history.
 */
export type ScheduledBecause = "delay" | "retry" | "snooze" | "rateLimited" | "release" | "unknown";

/** The job is to run later. */
export interface ScheduledReason {
  readonly kind: "scheduled";
  readonly text: string;
  readonly until: Date;
  readonly because: ScheduledBecause;
  /** The first line of what the last attempt said; null when it said nothing. */
  readonly error: string | null;
}

/** The job has fallen due, and a worker is about to make it ready. */
export interface DueReason {
  readonly kind: "due";
  readonly text: string;
  readonly since: Date;
}

/** Its queue is paused. */
export interface QueuePausedReason {
  readonly kind: "queuePaused";
  readonly text: string;
  readonly queue: string;
}

/** Its task is paused. */
export interface TaskPausedReason {
  readonly kind: "taskPaused";
  readonly text: string;
  readonly task: string;
}

/** No living worker takes the job: there is none at all, none of its queue, or none of these that handles its task. */
export interface NoWorkerReason {
  readonly kind: "noWorker";
  readonly text: string;
  readonly missing: "any" | "queue" | "task";
  /** How many workers live. */
  readonly living: number;
}

/** Every living worker that takes its queue and its task refuses a flag of the job. */
export interface FlagsRefusedReason {
  readonly kind: "flagsRefused";
  readonly text: string;
  /** Those of its flags that are refused. */
  readonly flags: readonly string[];
  /** How many workers refuse them. */
  readonly workers: number;
}

/** What has a lane of a concurrency key. */
export interface KeyHolder extends JobReference {
  /** `"returning"`: the job was taken from its worker by hand, and its handler has not returned yet. */
  readonly state: JobState | "returning";
  readonly workerId: string | null;
  readonly workerName: string | null;
  /** Since when it runs; null when it does not. */
  readonly since: Date | null;
}

/** As many jobs of its concurrency key run as may. */
export interface KeyHeldReason {
  readonly kind: "keyHeld";
  readonly text: string;
  readonly key: string;
  /** How many jobs of the key may run at a time. */
  readonly limit: number;
  /** Who has the lanes of the key: the first ten. */
  readonly holders: readonly KeyHolder[];
}

/**
 * Its rate limit lets nothing of its weight start: it is used up (`"empty"`), a handler holds it back (`"held"`), nobody has
 * registered it (`"unregistered"`), or its capacity is smaller than the job's weight (`"tooSmall"`).
 */
export interface RateLimitReason {
  readonly kind: "rateLimit";
  readonly text: string;
  readonly key: string;
  readonly because: "empty" | "held" | "unregistered" | "tooSmall";
  /** When it lets the job start, if no other job comes first; null when it never does as things are. */
  readonly until: Date | null;
}

/** Other jobs come first: of its queue, of the line of its concurrency key, or of its rate limit in its queue. */
export interface BehindReason {
  readonly kind: "behind";
  readonly text: string;
  readonly line: LineKind;
  /** How many; null when they could not be counted in time. */
  readonly count: number | null;
  /** Whether there may be more: it counts up to 1,000. */
  readonly isAtLeast: boolean;
}

/** Nothing is in the way, but all places of the workers that take the job are taken. */
export interface WorkersBusyReason {
  readonly kind: "workersBusy";
  readonly text: string;
  readonly workers: number;
  /** How many jobs they run at once. */
  readonly places: number;
}

/** Nothing is in the way: a worker takes the job at its next look. */
export interface NextReason {
  readonly kind: "next";
  readonly text: string;
}
