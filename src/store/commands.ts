import { arrayLiteral } from "../core/array-literal.ts";
import type { JobReference } from "../core/job.ts";
import type { QueryName } from "../db/statements.ts";
import type { Value } from "../db/database.ts";
import { toHistoryEntry, type HistoryEntry, type HistoryRow } from "./history.ts";
import type { Store } from "./store.ts";

/** A job as a command names it: without a queue it is every job of this id. */
export interface NamedJob {
  readonly queue: string | null;
  readonly id: string;
}

/** What a command did about one job; the queue is null when there is no job of this id in any. */
export interface CommandResult<Outcome extends string> extends NamedJob {
  readonly outcome: Outcome;
}

/** What a command did about a live job. */
export interface LiveResult<Outcome extends string> extends JobReference {
  readonly outcome: Outcome;
}

/**
 * What `cancel` did: `"cancelled"`: the job waited, and has ended; `"cancelling"`: it runs, and its worker has been asked
 * to end it; `"notFound"`: no such live job.
 */
export type CancelOutcome = "cancelled" | "cancelling" | "notFound";

/** What `failPermanently` did: `"failed"`: the job has ended; `"notFound"`: no such live job. */
export type FailOutcome = "failed" | "notFound";

/**
 * What `reschedule` did: `"rescheduled"`; `"running"`: nothing, because the job runs; `"notFound"`: no such live job.
 */
export type RescheduleOutcome = "rescheduled" | "running" | "notFound";

/**
 * What `retry` did: `"retried"`: a scheduled job runs now; `"replayed"`: a job that had failed or been cancelled was
 * enqueued anew; `"waiting"` and `"running"`: nothing, because it runs anyway; `"succeeded"`: nothing, because it has;
 * `"notFound"`: no such job.
 */
export type RetryOutcome =
  "retried" | "replayed" | "waiting" | "running" | "succeeded" | "notFound";

/** Ends waiting jobs, and asks workers to end running ones. */
export function cancelJobs(
  store: Store,
  jobs: readonly NamedJob[],
  reason: string,
): Promise<readonly LiveResult<"cancelled" | "cancelling">[]> {
  return onNamed(store, "jobs/cancel", jobs, [reason]);
}

/** Ends jobs as failed, whatever their state. */
export function failJobs(
  store: Store,
  jobs: readonly NamedJob[],
  reason: string,
): Promise<readonly LiveResult<"failed">[]> {
  return onNamed(store, "jobs/fail-permanently", jobs, [reason]);
}

/** What to change about waiting jobs; undefined: nothing. */
export interface Change {
  readonly runAt: Date | undefined;
  readonly delayMs: number | undefined;
  readonly priority: number | undefined;
  readonly maxAttempts: number | undefined;
}

/** Changes when waiting jobs run, how urgent they are, or how often they may fail. */
export function rescheduleJobs(
  store: Store,
  jobs: readonly NamedJob[],
  change: Change,
): Promise<readonly LiveResult<"rescheduled" | "running">[]> {
  return onNamed(store, "jobs/reschedule", jobs, [
    change.runAt?.toISOString() ?? null,
    change.delayMs ?? null,
    change.priority ?? null,
    change.maxAttempts ?? null,
  ]);
}

/** Makes scheduled jobs run now. */
export function retryJobs(
  store: Store,
  jobs: readonly NamedJob[],
): Promise<readonly LiveResult<"retried" | "waiting" | "running">[]> {
  return onNamed(store, "jobs/retry", jobs, []);
}

/** Takes all running jobs, or those of these workers (names or ids), from their workers; resolves with how many. */
export async function unlockWorkers(
  store: Store,
  workers: readonly string[] | undefined,
): Promise<number> {
  const [row] = await store.db.query<{ unlocked: number }>(store.sql("jobs/unlock"), [
    workers === undefined ? null : arrayLiteral(workers),
  ]);
  return row?.unlocked ?? 0;
}

/** The last attempts of jobs that have ended. */
export async function findFinished(
  store: Store,
  jobs: readonly NamedJob[],
): Promise<HistoryEntry[]> {
  return (await onNamed<HistoryRow>(store, "history/find-final", jobs, [])).map(toHistoryEntry);
}

/** The queues that have a live job of this id. */
export async function findQueues(store: Store, id: string): Promise<string[]> {
  const rows = await store.db.query<{ queue: string }>(store.sql("jobs/find"), [id]);
  return rows.map(({ queue }) => queue);
}

function onNamed<R extends object>(
  store: Store,
  statement: QueryName,
  jobs: readonly NamedJob[],
  values: readonly Value[],
): Promise<readonly R[]> {
  return store.db.query<R>(store.sql(statement), [
    arrayLiteral(jobs.map(({ queue }) => queue)),
    arrayLiteral(jobs.map(({ id }) => id)),
    ...values,
  ]);
}
