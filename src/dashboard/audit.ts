import { atomically } from "../client/write-options.ts";
import { PawlError } from "../core/errors.ts";
import type { JobReference } from "../core/job.ts";
import { addAudit, type AuditEntry, type AuditOutcome } from "../store/audit.ts";
import type { Store } from "../store/store.ts";
import type { AuditRow, Role } from "./api.ts";
import type { ChangeContext, Identity, Redactor } from "./context.ts";
import { failureOf } from "./failures.ts";

/** What somebody does, as the audit has it. */
export interface Deed {
  /** The name of the change. */
  readonly action: string;
  readonly who: Identity;
  /** What it names: never a payload. */
  readonly details: object;
  /** The jobs that it names. */
  readonly jobs?: readonly JobReference[] | undefined;
}

/** The transaction of a change. */
export interface ChangeTransaction {
  /** In the driver's own form. */
  readonly db: object;
  readonly store: Store;
}

/** Does something, and notes it in the same transaction; what is refused, or fails, is noted in one of its own. */
export async function audited<Answer>(
  context: Pick<ChangeContext, "store">,
  deed: Deed,
  work: (tx: ChangeTransaction) => Promise<{ answer: Answer; details?: object | undefined }>,
): Promise<Answer> {
  try {
    return await atomically(context.store, {}, async (store, db) => {
      const { answer, details } = await work({ store, db });
      await note(store, { ...deed, details: { ...deed.details, ...details } }, "done");
      return answer;
    });
  } catch (error) {
    await noteFailure(context, deed, error);
    throw error;
  }
}

/** Notes that something was refused or has failed. Never rejects: its error says more than what comes of a database that is away. */
export async function noteFailure(
  { store }: Pick<ChangeContext, "store">,
  deed: Deed,
  error: unknown,
): Promise<void> {
  const outcome = failureOf(error).status < 500 ? "refused" : "failed";
  const code = error instanceof PawlError ? { code: error.code } : {};
  const details = { ...deed.details, ...code };
  await note(store, { ...deed, details }, outcome).catch(() => undefined);
}

/** Notes something by itself. */
export function note(store: Store, deed: Deed, outcome: AuditOutcome): Promise<void> {
  const { action, who, details, jobs = [] } = deed;
  return addAudit(store, {
    ...{ by: who.name, role: who.role, action, outcome, jobs },
    details: JSON.stringify(details),
  });
}

/** A noted deed as it is shown. */
export function toAuditRow(
  { at_ms: atMs, role, details, ...entry }: AuditEntry,
  redactor: Redactor,
): AuditRow {
  return {
    ...entry,
    role: role as Role, // the audit itself has written it
    at: new Date(atMs).toISOString(),
    details: redactor.redact(details).text,
  };
}
