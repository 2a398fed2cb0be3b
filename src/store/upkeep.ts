import { arrayLiteral } from "../core/array-literal.ts";
import type { JobReference } from "../core/job.ts";
import type { Store } from "./store.ts";

/** Gives back what is claimed under a worker's id and not held by it; resolves with how many jobs. */
export async function reconcileJobs(
  store: Store,
  workerId: string,
  claims: {
    readonly from: number;
    readonly to: number;
    readonly held: readonly JobReference[];
  },
): Promise<number> {
  const [row] = await store.db.query<{ returned: number }>(store.sql("jobs/reconcile"), [
    workerId,
    claims.from,
    claims.to,
    arrayLiteral(claims.held.map(({ queue }) => queue)),
    arrayLiteral(claims.held.map(({ id }) => id)),
  ]);
  return row?.returned ?? 0;
}

/** Rescues the jobs of a worker that is gone; resolves with how many went back or failed. */
export async function rescueJobs(
  store: Store,
  rescue: {
    readonly workerId: string;
    readonly quarantineAfter: number;
    /** Its process is known to have ended: its lease is not waited for. */
    readonly isGone: boolean;
  },
): Promise<number> {
  const [row] = await store.db.query<{ rescued: number }>(store.sql("jobs/rescue"), [
    rescue.workerId,
    rescue.quarantineAfter,
    rescue.isGone,
  ]);
  return row?.rescued ?? 0;
}

/** Makes due jobs ready; resolves with how many, and how soon the next one is due (null: none is scheduled). */
export async function promoteDueJobs(
  store: Store,
  due: {
    readonly queues: readonly string[] | undefined;
    /** How long ago the oldest one looked for fell due; null: any time. */
    readonly lookBackMs: number | null;
    readonly limit: number;
  },
): Promise<{ promoted: number; nextDueMs: number | null }> {
  const [row] = await store.db.query<{ promoted: number; next_due_ms: number | null }>(
    store.sql("jobs/promote-due"),
    [due.queues === undefined ? null : arrayLiteral(due.queues), due.lookBackMs, due.limit],
  );
  return { promoted: row?.promoted ?? 0, nextDueMs: row?.next_due_ms ?? null };
}

/** Fails ready jobs whose task no worker of the queue has known for the grace period; resolves with how many. */
export async function failUnhandledJobs(
  store: Store,
  unhandled: {
    readonly queue: string;
    readonly graceMs: number;
    readonly limit: number;
  },
): Promise<number> {
  const [row] = await store.db.query<{ failed: number }>(store.sql("jobs/fail-unhandled"), [
    unhandled.queue,
    unhandled.graceMs,
    unhandled.limit,
  ]);
  return row?.failed ?? 0;
}

/** Which of these jobs a worker no longer holds under their claims. */
export async function findLostJobs<Job extends JobReference & { readonly claimNumber: number }>(
  store: Store,
  workerId: string,
  jobs: readonly Job[],
): Promise<Job[]> {
  const rows = await store.db.query<{
    queue: string;
    id: string;
    claim_number: string;
    lost: boolean;
  }>(store.sql("jobs/check-held"), [
    workerId,
    arrayLiteral(jobs.map(({ queue }) => queue)),
    arrayLiteral(jobs.map(({ id }) => id)),
    arrayLiteral(jobs.map(({ claimNumber }) => claimNumber)),
  ]);
  const lost = new Set(
    rows.filter((row) => row.lost).map((row) => `${row.claim_number} ${row.id} ${row.queue}`),
  );
  return jobs.filter(({ queue, id, claimNumber }) => lost.has(`${claimNumber} ${id} ${queue}`));
}
