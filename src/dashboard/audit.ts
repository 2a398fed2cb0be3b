import { atomically } from "../client/write-options.ts";
import { addAuditEntry, type AuditOutcome } from "../store/audit.ts";
import { inBoundedTransaction, type Store } from "../store/store.ts";
import type { Changes, Reads, Reference } from "./api.ts";
import type { Identity, ReadContext } from "./context.ts";
import { failureOf } from "./failures.ts";

/** What was asked for, and by whom. */
export interface Asked {
  readonly who: Identity;
  readonly action: keyof Changes | keyof Reads;
}

/** What the audit says of a change. */
export interface Noted {
  /** What was named, and what came of it; never a payload. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The jobs that it is about. */
  readonly jobs?: readonly Reference[];
}

/** A change whose body has been checked. */
export interface Planned<Answer> extends Noted {
  /** Writes it in a transaction; `db` is the same in the driver's own form. */
  readonly run: (store: Store, db: object) => Promise<Answer>;
  /** What the audit says besides, once it is known what came of it. */
  readonly tell?: (answer: Answer) => Noted;
}

/** No statement of a change may take longer. */
export const statementTimeoutMs = 5_000;

/**
 * Checks and makes a change, and notes it in the same transaction; what is refused or fails is noted by itself. Rejects with
 * whatever `plan` and the change threw.
 */
export async function perform<Answer>(
  context: ReadContext,
  asked: Asked,
  plan: () => Planned<Answer>,
): Promise<Answer> {
  let noted: Noted = { details: {} };
  try {
    const planned = plan();
    noted = planned;
    return await atomically(context.store, {}, async (store, db) => {
      await boundStatements(store);
      const answer = await planned.run(store, db);
      const told = planned.tell?.(answer) ?? { details: {} };
      await note(store, asked, {
        outcome: "done",
        details: { ...planned.details, ...told.details },
        jobs: [...(planned.jobs ?? []), ...(told.jobs ?? [])],
      });
      return answer;
    });
  } catch (error) {
    await noteFailure(context, asked, { noted, error });
    throw error;
  }
}

/** Notes that somebody was refused or has failed. Never rejects: what made it fail matters more. */
export async function noteFailure(
  context: ReadContext,
  asked: Asked,
  { noted, error }: { readonly noted: Noted; readonly error: unknown },
): Promise<void> {
  const { status, error: told } = failureOf(error);
  // It cannot be written; and when the reply to a commit was lost, it may be noted as done.
  if (told.code === "PAWL_DATABASE_UNAVAILABLE") return;
  const outcome = status < 500 ? "refused" : "failed";
  const details = { ...noted.details, error: told.code };
  try {
    await inBoundedTransaction(context.store, statementTimeoutMs, (store) =>
      note(store, asked, { ...noted, details, outcome }),
    );
  } catch (failed) {
    context.pawl.internals.report(failed);
  }
}

/** Notes what somebody did. */
export async function note(
  store: Store,
  { who, action }: Asked,
  { outcome, details, jobs = [] }: Noted & { readonly outcome: AuditOutcome },
): Promise<void> {
  await addAuditEntry(store, {
    by: who.name,
    role: who.role,
    action,
    outcome,
    jobs,
    details: JSON.stringify(details),
  });
}

/** Bounds the time of each statement that follows in a transaction. */
export async function boundStatements(store: Store): Promise<void> {
  await store.db.query(store.sql("connections/bound-statements"), [String(statementTimeoutMs)]);
}
