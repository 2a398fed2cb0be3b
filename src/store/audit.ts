import { arrayLiteral } from "../core/array-literal.ts";
import type { JobReference } from "../core/job.ts";
import type { Store } from "./store.ts";

/** How a change ended that somebody asked for. */
export type AuditOutcome = "done" | "refused" | "failed";

/** What somebody did or tried to do. */
export interface NewAuditEntry {
  readonly by: string;
  readonly role: string;
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** The jobs that were named, so that each can be asked for. */
  readonly jobs: readonly JobReference[];
  /** JSON text; never a payload. */
  readonly details: string;
}

/** What somebody did or tried to do, as it was noted. */
export interface AuditEntry extends Omit<NewAuditEntry, "jobs"> {
  readonly id: string;
  readonly at: Date;
}

interface AuditEntryRow extends Omit<AuditEntry, "at"> {
  readonly at_ms: number;
}

const keptForMs = 90 * 86_400_000;
const pruneBatch = 10_000;
const maxPruneBatches = 1_000;

/** Notes what somebody did or tried to do. */
export async function addAuditEntry(store: Store, entry: NewAuditEntry): Promise<void> {
  const { by, role, action, outcome, jobs, details } = entry;
  await store.db.query(store.sql("audit/add"), [
    ...[by, role, action, outcome],
    ...[arrayLiteral(jobs.map(jobText)), details],
  ]);
}

/** Entries, newest first; `before` is the id of the last one of the page before. */
export async function listAudit(
  store: Store,
  { before, limit }: { readonly before: string | undefined; readonly limit: number },
): Promise<AuditEntry[]> {
  const rows = await store.db.query<AuditEntryRow>(store.sql("audit/list"), [
    before ?? null,
    limit,
  ]);
  return rows.map(toEntry);
}

/** What was done to one job, newest first. */
export async function listAuditOfJob(
  store: Store,
  job: JobReference,
  limit: number,
): Promise<AuditEntry[]> {
  const rows = await store.db.query<AuditEntryRow>(store.sql("audit/of-job"), [
    jobText(job),
    limit,
  ]);
  return rows.map(toEntry);
}

/** Removes what is older than 90 days; resolves with how many entries. */
export async function pruneAudit(store: Store): Promise<number> {
  let pruned = 0;
  for (let turn = 0; turn < maxPruneBatches; turn += 1) {
    const [row] = await store.db.query<{ pruned: number }>(store.sql("audit/prune"), [
      pruneBatch,
      keptForMs,
    ]);
    pruned += row?.pruned ?? 0;
    if ((row?.pruned ?? 0) < pruneBatch) break;
  }
  return pruned;
}

function jobText({ queue, id }: JobReference): string {
  return `${id.toLowerCase()} ${queue}`;
}

function toEntry({ at_ms: at, ...entry }: AuditEntryRow): AuditEntry {
  return { ...entry, at: new Date(at) };
}
