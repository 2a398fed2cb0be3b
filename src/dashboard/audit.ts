import { PawlError } from "../core/errors.ts";
import { atomically } from "../client/write-options.ts";
import { addAudit, type AuditOutcome } from "../store/audit.ts";
import type { Store } from "../store/store.ts";
import type { DashboardContext, Identity } from "./context.ts";

/** A change as the audit has it. */
export interface AuditedChange {
  readonly action: string;
  readonly who: Identity;
  /** What it names: never a payload. */
  readonly details: object;
  readonly jobIds?: readonly string[];
}

/** Makes a change, and notes it in the same transaction; one that is refused or fails is noted as well. */
export async function audited<T>(
  context: DashboardContext,
  change: AuditedChange,
  work: (db: object, store: Store) => Promise<T>,
): Promise<T> {
  try {
    return await atomically(context.store, {}, async (store, db) => {
      const result = await work(db, store);
      await note(store, change, "done");
      return result;
    });
  } catch (error) {
    const outcome = error instanceof PawlError ? "refused" : "failed";
    // The first error says more than what comes of a database that is away.
    await note(context.store, change, outcome).catch(() => undefined);
    throw error;
  }
}

function note(store: Store, change: AuditedChange, outcome: AuditOutcome): Promise<void> {
  const { action, who, details, jobIds = [] } = change;
  return addAudit(store, {
    by: who.name,
    role: who.role,
    action,
    outcome,
    jobIds,
    details: JSON.stringify(details),
  });
}
