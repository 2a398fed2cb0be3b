import { arrayLiteral } from "../core/array-literal.ts";
import type { OutcomeName } from "../core/states.ts";
import type { Value } from "../db/database.ts";
import type { ClaimedJob } from "./claimed-job.ts";
import type { Store } from "./store.ts";

/** The outcome of one attempt, ready to be written. */
export interface Settlement {
  readonly job: ClaimedJob;
  readonly outcome: OutcomeName;
  /** How long the handler ran; null when it never started. */
  readonly runMs: number | null;
  /** JSON text of what went wrong. */
  readonly error: string | null;
  /** JSON text of what the handler returned, or of its partial results. */
  readonly output: string | null;
  readonly then: "gone" | Return;
}

/** How a job goes back. */
export interface Return {
  /** Null: to where it stood, at the front. 0: ready at once. Above: scheduled. */
  readonly delayMs: number | null;
  /** Whether the attempt counts as a failure. */
  readonly counted: boolean;
}

/** Whose settlements these are, and how long their history is kept. */
export interface Settler {
  readonly workerId: string;
  readonly retentionMs: number;
}

/**
 * Writes settlements of one queue, fenced by their claim tokens; resolves with how many were written. All must go the
 * same way: for good, or back. Settlements are in order of their jobs' ids.
 */
export async function settleJobs(
  store: Store,
  settler: Settler,
  settlements: readonly Settlement[],
): Promise<number> {
  const first = settlements[0];
  if (first === undefined) return 0;
  const fence = [
    first.job.queue,
    settler.workerId,
    arrayLiteral(settlements.map(({ job }) => job.id)),
    arrayLiteral(settlements.map(({ job }) => job.claimNumber)),
    arrayLiteral(settlements.map(({ runMs }) => runMs)),
  ];
  const [row] = await store.db.query<{ settled: number }>(
    store.sql(first.then === "gone" ? "jobs/finish" : "jobs/return"),
    first.then === "gone"
      ? [...fence, ...finishColumns(settlements), settler.retentionMs]
      : [...fence, ...returnColumns(settlements), settler.retentionMs],
  );
  return row?.settled ?? 0;
}

function finishColumns(settlements: readonly Settlement[]): Value[] {
  return [
    settlements.every(({ outcome }) => outcome === "succeeded")
      ? "{}"
      : arrayLiteral(settlements.map(({ outcome }) => outcome)),
    list(settlements.map(({ error }) => error)),
    list(settlements.map(({ output }) => output)),
  ];
}

function returnColumns(settlements: readonly Settlement[]): Value[] {
  const returns = settlements.map(({ then }) => (then === "gone" ? undefined : then));
  return [
    arrayLiteral(settlements.map(({ outcome }) => outcome)),
    arrayLiteral(returns.map((back) => back?.delayMs ?? null)),
    arrayLiteral(returns.map((back) => String(back?.counted ?? false))),
    list(settlements.map(({ error }) => error)),
    list(settlements.map(({ output }) => output)),
  ];
}

// A list of nothing but nulls travels empty: the statement fills it up.
function list(values: readonly (string | null)[]): string {
  return values.every((value) => value === null) ? "{}" : arrayLiteral(values);
}

/** The transaction that holds a job's row. */
export interface Hold {
  readonly xid: string;
  /** The server process of its session. */
  readonly pid: number;
}

/** Locks and fences the row of a job for its transactional handler; undefined when the claim is lost. */
export async function holdJob(
  store: Store,
  workerId: string,
  job: ClaimedJob,
  idleTimeoutMs: number,
): Promise<Hold | undefined> {
  const [row] = await store.db.query<Hold>(store.sql("jobs/hold"), [
    job.queue,
    workerId,
    job.id,
    job.claimNumber,
    String(Math.ceil(idleTimeoutMs)),
  ]);
  return row;
}

/** Checks deferred constraints, and that the transaction is still the one that holds the job's row. */
export async function sealTransaction(store: Store, hold: Hold): Promise<void> {
  await store.db.query(store.sql("transactions/seal"), [hold.xid]);
}

/** What the history says of an attempt. */
export interface Recorded {
  readonly outcome: OutcomeName;
  readonly final: boolean;
}

/** What tells one claim of a job from another, within a queue and a worker. */
export function claimKey(job: { readonly id: string; readonly claimNumber: number }): string {
  return `${job.id} ${job.claimNumber}`;
}

/** What this worker has written already about these claims, by their keys. */
export async function findSettled(
  store: Store,
  workerId: string,
  jobs: readonly ClaimedJob[],
): Promise<ReadonlyMap<string, Recorded>> {
  const rows = await store.db.query<Recorded & { id: string; claim_number: string }>(
    store.sql("history/find-settled"),
    [
      jobs[0]?.queue ?? "",
      workerId,
      arrayLiteral(jobs.map((job) => job.id)),
      arrayLiteral(jobs.map((job) => job.attempt)),
      arrayLiteral(jobs.map((job) => job.claimNumber)),
    ],
  );
  return new Map(
    rows.map((row) => [claimKey({ id: row.id, claimNumber: Number(row.claim_number) }), row]),
  );
}
