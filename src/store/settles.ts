import { arrayLiteral } from "../core/array-literal.ts";
import type { AnyTask } from "../core/task.ts";
import type { OutcomeName } from "../core/states.ts";
import type { Database, Transaction, Value } from "../db/database.ts";
import { sqlstate } from "../db/sqlstate.ts";
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
  /** What a failed handler threw, for those who are told in this process. */
  readonly thrown?: { readonly error: unknown };
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
  /** Whether the job keeps its concurrency lane while it waits; it does not when left out. */
  readonly isHolding?: boolean;
}

/** What is kept of a job's attempts, and for how long. */
export interface HistoryPolicy {
  readonly keep: "all" | "failures" | "none";
  readonly retentionMs: number;
}

/** What is kept of the attempts of a task; of one that is not known, everything for 30 days. */
export function historyPolicyOf(task: AnyTask | undefined): HistoryPolicy {
  if (task === undefined) return defaultPolicy;
  return { keep: task.keep, retentionMs: task.historyRetentionMs };
}

/** Whose settlements these are, and what their history keeps. */
export interface SettleContext {
  readonly workerId: string;
  readonly historyOf: (job: ClaimedJob) => HistoryPolicy;
  /**
   * Whether jobs that waited for the concurrency keys are admitted in the same statement: only in a READ COMMITTED
   * transaction that ends at once. Otherwise an arrival tells of them, once the transaction has committed.
   */
  readonly isAdmitting: boolean;
}

// What finish_held_job raises.
const claimLost = "PWL01";
const defaultPolicy: HistoryPolicy = { keep: "all", retentionMs: 30 * 86_400_000 };
const failures: ReadonlySet<OutcomeName> = new Set(["failed", "crashed", "partial"]);

/** Whether an attempt with this outcome leaves a row in the history. */
export function isKept({ keep }: HistoryPolicy, outcome: OutcomeName): boolean {
  return keep === "all" || (keep === "failures" && failures.has(outcome));
}

/**
 * Writes settlements of one queue, fenced by their claim tokens; resolves with how many were written. All must go the
 * same way: for good, or back. Settlements are in order of their jobs' ids.
 */
export async function settleJobs(
  store: Store,
  context: SettleContext,
  settlements: readonly Settlement[],
): Promise<number> {
  const first = settlements[0];
  if (first === undefined) return 0;
  const [row] = await store.db.query<{ settled: number }>(
    store.sql(first.then === "gone" ? "jobs/finish" : "jobs/return"),
    first.then === "gone" ? finishValues(context, settlements) : returnValues(context, settlements),
  );
  return row?.settled ?? 0;
}

/**
 * Settles a job in its handler's transaction and commits that; false when the claim is lost, and there is nothing left but
 * to roll back.
 */
export async function commitSettled(
  store: Store<Transaction>,
  context: SettleContext,
  { hold, settlement }: { readonly hold: Hold; readonly settlement: Settlement },
): Promise<boolean> {
  const { db, sql } = store;
  if (settlement.then === "gone" && db.commitAfter !== undefined) {
    try {
      await db.commitAfter(sql("jobs/finish-held"), finishHeldValues(context, settlement, hold));
      return true;
    } catch (error) {
      if (sqlstate(error) === claimLost) return false;
      throw error;
    }
  }
  await sealTransaction(store, hold);
  if ((await settleJobs(store, context, [settlement])) === 0) return false;
  await db.commit();
  return true;
}

function finishHeldValues(
  context: SettleContext,
  { job, runMs, outcome, error, output }: Settlement,
  { xid }: Hold,
): Value[] {
  const policy = context.historyOf(job);
  return [
    ...[job.queue, context.workerId, job.id, job.claimNumber, runMs, outcome, error, output],
    ...[policy.retentionMs, isKept(policy, outcome), context.isAdmitting, xid],
  ];
}

function finishValues(context: SettleContext, settlements: readonly Settlement[]): Value[] {
  return [
    ...fence(context, settlements),
    ...finishColumns(settlements),
    ...historyColumns(settlements, context),
    context.isAdmitting,
  ];
}

function returnValues(context: SettleContext, settlements: readonly Settlement[]): Value[] {
  const holdings = settlements.some(isHolding)
    ? arrayLiteral(settlements.map((each) => String(isHolding(each))))
    : "{}";
  return [
    ...fence(context, settlements),
    ...returnColumns(settlements),
    ...historyColumns(settlements, context),
    holdings,
    context.isAdmitting,
  ];
}

function fence({ workerId }: SettleContext, settlements: readonly Settlement[]): Value[] {
  return [
    settlements[0]?.job.queue ?? null,
    workerId,
    arrayLiteral(settlements.map(({ job }) => job.id)),
    arrayLiteral(settlements.map(({ job }) => job.claimNumber)),
    arrayLiteral(settlements.map(({ runMs }) => runMs)),
  ];
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

function isHolding({ then }: Settlement): boolean {
  return then !== "gone" && (then.isHolding ?? false);
}

function historyColumns(
  settlements: readonly Settlement[],
  { historyOf }: SettleContext,
): [retentions: string, kept: string] {
  const policies = settlements.map(({ job }) => historyOf(job));
  const retentions = policies.map(({ retentionMs }) => retentionMs);
  const kept = settlements.map(({ outcome }, place) => {
    const policy = policies[place];
    return policy === undefined || isKept(policy, outcome);
  });
  const isUniform = retentions.every((retentionMs) => retentionMs === retentions[0]);
  return [
    arrayLiteral(isUniform ? retentions.slice(0, 1) : retentions),
    kept.every(Boolean) ? "{}" : arrayLiteral(kept.map(String)),
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

/** Begins the transaction of a job's handler, and locks and fences the job's row; no hold when the claim is lost. */
export async function beginHeld(
  store: Store<Database>,
  { workerId }: SettleContext,
  { job, idleTimeoutMs }: { readonly job: ClaimedJob; readonly idleTimeoutMs: number },
): Promise<{ tx: Transaction; hold: Hold | undefined }> {
  const statement = store.sql("jobs/hold");
  const values = [job.queue, workerId, job.id, job.claimNumber, String(Math.ceil(idleTimeoutMs))];
  if (store.db.beginWith !== undefined) {
    const { tx, rows } = await store.db.beginWith(statement, values);
    return { tx, hold: rows[0] as Hold | undefined }; // the statement's columns
  }
  const tx = await store.db.begin();
  try {
    const [hold] = await tx.query<Hold>(statement, values);
    return { tx, hold };
  } catch (error) {
    await tx.rollback();
    throw error;
  }
}

/** Checks deferred constraints, and that the transaction is still the one that holds the job's row. */
export async function sealTransaction(store: Store, hold: Pick<Hold, "xid">): Promise<void> {
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

/** Claims a job again for the same attempt, whose transaction is gone; false when it is no longer as it was before. */
export async function claimAgain(
  store: Store,
  workerId: string,
  job: ClaimedJob,
): Promise<boolean> {
  const rows = await store.db.query(store.sql("jobs/claim-again"), [
    job.queue,
    job.id,
    workerId,
    job.claimNumber,
    job.attempt,
  ]);
  return rows.length > 0;
}
