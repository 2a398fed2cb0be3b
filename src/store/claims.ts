import { arrayLiteral } from "../core/array-literal.ts";
import type { QueryOptions } from "../db/database.ts";
import { ClaimedJob, type ClaimedRow } from "./claimed-job.ts";
import type { Store } from "./store.ts";

const claimsBatch = 200;
// A bound for the loop: what is left over is for the next time.
const maxBatches = 1_000;

/** A part of the ready index: from just after a position up to a priority, or up to a position of that. */
export interface Range {
  readonly lowest: number;
  readonly runAt: string;
  readonly id: string;
  readonly highest: number;
  readonly until?: { readonly runAt: string; readonly id: string };
}

/** All of it. */
export const wholeIndex: Range = {
  lowest: -32768,
  runAt: "-infinity",
  id: "00000000-0000-0000-0000-000000000000",
  highest: 32767,
};

const end = { runAt: "infinity", id: "ffffffff-ffff-ffff-ffff-ffffffffffff" };

/** Where a job has its place in the ready index. */
export interface Place {
  readonly priority: number;
  readonly runAt: string;
  readonly id: string;
}

export interface Claim {
  readonly queue: string;
  readonly workerId: string;
  /** Drawn by the worker, never used twice: with the worker's id it is the claim token. */
  readonly claimNumber: number;
  readonly limit: number;
  /** Null: any task, but those of `exceptTasks`. */
  readonly tasks: readonly string[] | null;
  readonly exceptTasks: readonly string[] | null;
  /** Jobs with one of these flags are passed over; null: none. */
  readonly forbiddenFlags: readonly string[] | null;
  /** Whether the jobs are settled in the transaction that claims them, so that nobody else ever sees the claim. */
  readonly isSettledWithin: boolean;
}

/** A claim of plain jobs, and of jobs that their concurrency key lets run. */
export interface ReadyClaim extends Claim {
  readonly ranges: readonly Range[];
  /** How many more jobs may come along that are next in the lanes of the claimed ones. */
  readonly follow: number;
  /** The oldest transaction that may have brought arrivals which nobody has taken; null: they are left to others. */
  readonly arrivalsSince: number | null;
}

/** What the cursors need to know of a claim: see 0004-claim.sql. */
export interface ClaimHeader {
  /** How many jobs were found ready; the others have just arrived, or follow in the lanes of those. */
  readonly found: number;
  /** A time before the snapshot was taken. */
  readonly begun: string;
  readonly snapshot: string;
  readonly xid: string | null;
  /** The first job that was left, although it may stay ready. */
  readonly left: Place | null;
  readonly rewinds: number | null;
  readonly priorities: readonly number[] | null;
  /** Whether jobs of unknown tasks were among those that were passed over. */
  readonly unknown: boolean;
  /** Whether there are arrivals to take. */
  readonly arrivals: boolean;
  /** The next `arrivalsSince`; null: none were taken. */
  readonly horizon: number | null;
  /** In how many milliseconds a job with a rate limit may start; null: none waits. */
  readonly limited: number | null;
}

export interface Claimed {
  /** In the order in which they are to start. */
  readonly jobs: ClaimedJob[];
  /** Those of them that were found ready. */
  readonly ready: readonly ClaimedJob[];
  readonly header: ClaimHeader;
}

/** Claims jobs of one queue: ready ones, or when there are none, what arrives. */
export async function claimJobs(
  store: Store,
  claim: ReadyClaim,
  options?: QueryOptions,
): Promise<Claimed> {
  const rows = await store.db.query<ClaimedRow & { header: string | null }>(
    store.sql("jobs/claim"),
    [
      claim.queue,
      claim.workerId,
      claim.claimNumber,
      claim.limit,
      claim.follow,
      listOrNull(claim.tasks),
      listOrNull(claim.exceptTasks),
      listOrNull(claim.forbiddenFlags),
      arrayLiteral(claim.ranges.map((range) => range.lowest)),
      arrayLiteral(claim.ranges.map((range) => range.runAt)),
      arrayLiteral(claim.ranges.map((range) => range.id)),
      arrayLiteral(claim.ranges.map((range) => range.highest)),
      arrayLiteral(claim.ranges.map(({ until = end }) => until.runAt)),
      arrayLiteral(claim.ranges.map(({ until = end }) => until.id)),
      claim.arrivalsSince,
      claim.isSettledWithin,
    ],
    options,
  );
  const header = JSON.parse(rows.at(-1)?.header ?? "{}") as ClaimHeader; // made by the function
  const jobs = rows.slice(0, -1).map((row) => new ClaimedJob(claim.queue, claim.claimNumber, row));
  const ready = jobs.slice(0, header.found);
  return { jobs: jobs.sort(byPosition), ready, header };
}

/** Claims jobs with a rate limit that may start now; resolves also with when to look again (null: none waits). */
export async function claimLimitedJobs(
  store: Store,
  claim: Claim,
): Promise<{ jobs: ClaimedJob[]; limitedMs: number | null; xid: string | null }> {
  const askedAt = performance.now();
  const rows = await store.db.query<ClaimedRow & { header: string | null }>(
    store.sql("jobs/claim-limited"),
    [
      claim.queue,
      claim.workerId,
      claim.claimNumber,
      claim.limit,
      listOrNull(claim.tasks),
      listOrNull(claim.exceptTasks),
      listOrNull(claim.forbiddenFlags),
      claim.isSettledWithin,
    ],
  );
  const header = JSON.parse(rows.at(-1)?.header ?? "{}") as LimitedHeader; // made by the function
  const jobs = rows
    .slice(0, -1)
    .map((row) => new ClaimedJob(claim.queue, claim.claimNumber, row, askedAt));
  const { limited = null, xid = null } = header;
  return { jobs: jobs.sort(byPosition), limitedMs: limited, xid };
}

interface LimitedHeader {
  readonly limited?: number | null;
  readonly xid?: string | null;
}

function listOrNull(values: readonly string[] | null): string | null {
  return values === null ? null : arrayLiteral(values);
}

/** Removes what is noted of claims of which a worker holds no job any more. */
export async function pruneClaims(
  store: Store,
  workerId: string,
  options?: QueryOptions,
): Promise<void> {
  let after: number | null = 0;
  for (let turn = 0; after !== null && turn < maxBatches; turn += 1) {
    const [row]: readonly { last: string | null }[] = await store.db.query(
      store.sql("claims/prune"),
      [workerId, after, claimsBatch],
      options,
    );
    after = row?.last == null ? null : Number(row.last);
  }
}

/** The same for workers that have ended, or that nobody knows. */
export async function pruneClaimsOfGoneWorkers(store: Store): Promise<void> {
  const workers = await store.db.query<{ id: string }>(store.sql("claims/find-gone"));
  for (const { id } of workers) await pruneClaims(store, id);
}

/** Reads up to `limit` arrivals of a queue and admits what they announce. */
export async function takeArrivals(
  store: Store,
  queue: string,
  options: { readonly since: number; readonly limit: number },
): Promise<{ taken: number; admitted: number; horizon: number }> {
  const [row] = await store.db.query<{ taken: number; admitted: number; horizon: string }>(
    store.sql("arrivals/take"),
    [queue, options.since, options.limit],
  );
  const { taken = 0, admitted = 0, horizon = options.since } = row ?? {};
  return { taken, admitted, horizon: Number(horizon) };
}

// The statement returns the rows in no order, but what the scan found first.
function byPosition(a: ClaimedJob, b: ClaimedJob): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.position.runAt !== b.position.runAt) return a.position.runAt < b.position.runAt ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

export interface KnownQueue {
  readonly queue: string;
  readonly rewinds: number;
  readonly ranges: readonly Range[];
}

/** A queue with arrivals, or with jobs that wait for a rate limit. */
export interface WaitingQueue {
  readonly queue: string;
  readonly arrived: boolean;
  readonly limitedMs: number | null;
}

/** Which queues have ready jobs, and which have something that waits? `queues` undefined: any but the `paused` ones. */
export async function findReadyQueues(
  store: Store,
  known: readonly KnownQueue[],
  wanted: {
    readonly queues: readonly string[] | undefined;
    readonly paused: ReadonlySet<string>;
    readonly arrivalsSince: number;
  },
): Promise<{ queues: string[]; waiting: WaitingQueue[]; snapshot: string }> {
  const { queues, paused, arrivalsSince } = wanted;
  const names = new Set(known.map(({ queue }) => queue));
  const unknown = queues?.filter((queue) => !names.has(queue)) ?? [];
  const ranges = [
    ...known.flatMap(({ queue, ranges }) => withoutFront(queue, ranges)),
    ...unknown.map((queue) => ({ queue, ...wholeIndex, isFirst: false })),
  ];
  // Where any queue will do, the look jumps from gap to gap between these names, and never at one of them.
  const between = queues === undefined ? [...names, ...paused].sort(compareBytes) : undefined;
  const [row] = await store.db.query<ReadyQueuesRow>(store.sql("queues/find-ready"), [
    arrayLiteral(ranges.map((range) => range.queue)),
    arrayLiteral(ranges.map((range) => range.lowest)),
    arrayLiteral(ranges.map((range) => range.runAt)),
    arrayLiteral(ranges.map((range) => range.id)),
    arrayLiteral(ranges.map((range) => range.highest)),
    arrayLiteral(ranges.map((range) => String(range.isFirst))),
    arrayLiteral(between === undefined ? [] : ["", ...between]),
    arrayLiteral(between === undefined ? [] : [...between, null]),
    arrayLiteral([...names]),
    arrayLiteral(known.map(({ rewinds }) => rewinds)),
    listOrNull(queues ?? null),
    arrivalsSince,
  ]);
  return {
    queues: JSON.parse(row?.queues ?? "[]") as string[], // made by the statement
    waiting: JSON.parse(row?.waiting ?? "[]") as WaitingQueue[],
    snapshot: row?.snapshot ?? "",
  };
}

// The part in front of a queue's first cursor goes without saying.
function withoutFront(queue: string, ranges: readonly Range[]) {
  const hasFront = ranges.length > 1 && ranges[0]?.runAt === wholeIndex.runAt;
  const given = hasFront ? ranges.slice(1) : ranges;
  return given.map((range, place) => ({ queue, ...range, isFirst: hasFront && place === 0 }));
}

interface ReadyQueuesRow {
  queues: string | null;
  waiting: string | null;
  snapshot: string;
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
