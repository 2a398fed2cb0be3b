import { arrayLiteral } from "../core/array-literal.ts";
import type { QueryOptions } from "../db/database.ts";
import { ClaimedJob, type ClaimedRow } from "./claimed-job.ts";
import type { Store } from "./store.ts";

/** A part of the ready index: from just after a position up to a priority. */
export interface Range {
  readonly lowest: number;
  readonly runAt: string;
  readonly id: string;
  readonly highest: number;
}

export interface Claim {
  readonly queue: string;
  readonly workerId: string;
  /** Drawn by the worker, never used twice: with the worker's id it is the claim token. */
  readonly claimNumber: number;
  readonly limit: number;
  readonly tasks: readonly string[];
  readonly ranges: readonly Range[];
}

/** What the cursors need to know of a claim: see 0004-claim.sql. */
export interface ClaimHeader {
  readonly snapshot: string;
  readonly xid: string | null;
  readonly rewinds: number | null;
  readonly skipped: string | null;
  readonly priorities: readonly number[] | null;
}

/** Claims ready jobs of one queue, in the order in which they are to start. */
export async function claimJobs(
  store: Store,
  claim: Claim,
  options?: QueryOptions,
): Promise<{ jobs: ClaimedJob[]; header: ClaimHeader }> {
  const rows = await store.db.query<ClaimedRow & { header: string | null }>(
    store.sql("jobs/claim"),
    [
      claim.queue,
      claim.workerId,
      claim.claimNumber,
      claim.limit,
      arrayLiteral(claim.tasks),
      arrayLiteral(claim.ranges.map((range) => range.lowest)),
      arrayLiteral(claim.ranges.map((range) => range.runAt)),
      arrayLiteral(claim.ranges.map((range) => range.id)),
      arrayLiteral(claim.ranges.map((range) => range.highest)),
    ],
    options,
  );
  const last = rows.at(-1);
  const jobs = rows.slice(0, -1).map((row) => new ClaimedJob(claim.queue, claim.claimNumber, row));
  return { jobs: jobs.sort(byPosition), header: JSON.parse(last?.header ?? "{}") as ClaimHeader }; // made by the function
}

// The statement returns the claimed rows in no order.
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

/** Which queues have ready jobs? `queues` undefined means any; `paused` ones are passed over. */
export async function findReadyQueues(
  store: Store,
  known: readonly KnownQueue[],
  queues: readonly string[] | undefined,
  paused: ReadonlySet<string> = new Set(),
): Promise<{ queues: string[]; snapshot: string }> {
  const ranges = known.flatMap(({ queue, ranges }) => ranges.map((range) => ({ queue, ...range })));
  // The look jumps from gap to gap between these names, and never at one of them.
  const names = [...known.map(({ queue }) => queue), ...paused].sort(compareBytes);
  const [row] = await store.db.query<{ queues: string | null; snapshot: string }>(
    store.sql("queues/find-ready"),
    [
      arrayLiteral(ranges.map((range) => range.queue)),
      arrayLiteral(ranges.map((range) => range.lowest)),
      arrayLiteral(ranges.map((range) => range.runAt)),
      arrayLiteral(ranges.map((range) => range.id)),
      arrayLiteral(ranges.map((range) => range.highest)),
      arrayLiteral(["", ...names]),
      arrayLiteral([...names, null]),
      queues === undefined ? null : arrayLiteral(queues),
      arrayLiteral(known.map(({ queue }) => queue)),
      arrayLiteral(known.map(({ rewinds }) => rewinds)),
    ],
  );
  return { queues: JSON.parse(row?.queues ?? "[]") as string[], snapshot: row?.snapshot ?? "" }; // made by the statement
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
