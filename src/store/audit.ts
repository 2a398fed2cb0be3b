import { arrayLiteral } from "../core/array-literal.ts";
import type { Store } from "./store.ts";

/** What came of a change. */
export type AuditOutcome = "done" | "refused" | "failed";

/** Who changed what. */
export interface AuditEntry {
  readonly id: string;
  readonly at_ms: number;
  readonly by: string;
  readonly role: string;
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** JSON text; never a payload. */
  readonly details: string;
}

/** Notes a change. */
export async function addAudit(
  store: Store,
  entry: Omit<AuditEntry, "id" | "at_ms"> & { readonly jobIds: readonly string[] },
): Promise<void> {
  const { by, role, action, outcome, jobIds, details } = entry;
  await store.db.query(store.sql("audit/add"), [
    ...[by, role, action, outcome],
    ...[arrayLiteral(jobIds), details],
  ]);
}

/** Changes, newest first, from just before one; of one job when it is given. */
export function listAudit(
  store: Store,
  options: { readonly before?: string; readonly limit: number; readonly jobId?: string },
): Promise<readonly AuditEntry[]> {
  const { before, limit, jobId } = options;
  return store.db.query(store.sql("audit/list"), [before ?? null, limit, jobId ?? null]);
}

/** Removes what is older. */
export async function pruneAudit(store: Store, olderThanMs: number): Promise<void> {
  await store.db.query(store.sql("audit/prune"), [olderThanMs]);
  await store.db.query(store.sql("operations/prune"), [olderThanMs]);
}
