import { arrayLiteral } from "../core/array-literal.ts";
import type { ClaimedJob } from "./claimed-job.ts";
import { claimKey } from "./settles.ts";
import type { Store } from "./store.ts";

/** What is paused, and what a worker has not heeded yet. */
export interface ControlState {
  readonly queues: readonly string[];
  readonly tasks: readonly string[];
  /** The numbers of the notices for this worker. */
  readonly notices: readonly string[];
}

/** What a worker looks at twice a second. */
export async function readControls(store: Store, workerId: string): Promise<ControlState> {
  const [row] = await store.db.query<Record<keyof ControlState, string | null>>(
    store.sql("workers/read-controls"),
    [workerId],
  );
  return {
    queues: parseList(row?.queues),
    tasks: parseList(row?.tasks),
    notices: parseList(row?.notices),
  };
}

/** Removes notices that have been heeded. */
export async function heedNotices(store: Store, notices: readonly string[]): Promise<void> {
  await store.db.query(store.sql("workers/heed-notices"), [arrayLiteral(notices)]);
}

/** A job that a command has touched: it is lost, or to be cancelled. */
export interface TouchedJob {
  readonly job: ClaimedJob;
  /** Undefined when the worker no longer holds the job. */
  readonly cancelReason: string | undefined;
}

/** Those of a worker's jobs that it no longer holds, or that are to be cancelled. */
export async function findTouched(
  store: Store,
  workerId: string,
  jobs: readonly ClaimedJob[],
): Promise<TouchedJob[]> {
  const rows = await store.db.query<{
    queue: string;
    id: string;
    claim_number: string;
    cancel_reason: string | null;
  }>(store.sql("jobs/check-held"), [workerId, ...columns(jobs)]);
  const found = new Map(
    rows.map((row) => [
      `${claimKey({ id: row.id, claimNumber: Number(row.claim_number) })} ${row.queue}`,
      row,
    ]),
  );
  return jobs.flatMap((job) => {
    const row = found.get(`${claimKey(job)} ${job.queue}`);
    return row === undefined ? [] : [{ job, cancelReason: row.cancel_reason ?? undefined }];
  });
}

/** Frees the concurrency lanes of jobs that were taken from a worker, when their handlers have returned. */
export async function releaseHolds(
  store: Store,
  workerId: string,
  jobs: readonly ClaimedJob[],
): Promise<void> {
  await store.db.query(store.sql("keys/release-hold"), [workerId, ...columns(jobs)]);
}

function columns(jobs: readonly ClaimedJob[]): string[] {
  return [
    arrayLiteral(jobs.map(({ queue }) => queue)),
    arrayLiteral(jobs.map(({ id }) => id)),
    arrayLiteral(jobs.map(({ claimNumber }) => claimNumber)),
  ];
}

function parseList(text: string | null | undefined): string[] {
  return JSON.parse(text ?? "[]") as string[]; // made by the statement
}
