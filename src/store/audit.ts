import { arrayLiteral } from "../core/array-literal.ts";
import type { JobReference } from "../core/job.ts";
import { jobKey } from "./new-jobs.ts";
import type { Store } from "./store.ts";

/** What came of a change. */
export type AuditOutcome = "done" | "refused" | "failed";

/** What somebody changed, or wanted to. */
export interface NewAuditEntry {
  readonly by: string;
  readonly role: string;
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** The jobs that it names. */
  readonly jobs: readonly JobReference[];
  /** JSON text; never a payload. */
  readonly details: string;
}

/** The same as it was noted. */
export interface AuditEntry extends Omit<NewAuditEntry, "jobs"> {
  readonly id: string;
  readonly at_ms: number;
}

/** Notes who changed what. */
export async function addAudit(store: Store, entry: NewAuditEntry): Promise<void> {
  const { by, role, action, outcome, jobs, details } = entry;
  const keys = arrayLiteral(jobs.map(jobKey));
  await store.db.query(store.sql("audit/add"), [by, role, action, outcome, keys, details]);
}

/** What was changed, newest first, from just before an id; null: from the newest. */
export function listAudit(
  store: Store,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<readonly AuditEntry[]> {
  return store.db.query<AuditEntry>(store.sql("audit/list"), [before, limit]);
}

/** What was done to a job, newest first. */
export function listAuditOfJob(
  store: Store,
  job: JobReference,
  limit: number,
): Promise<readonly AuditEntry[]> {
  return store.db.query<AuditEntry>(store.sql("audit/of-job"), [jobKey(job), limit]);
}
