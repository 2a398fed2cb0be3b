import { inBoundedTransaction } from "../store/store.ts";
import type { Changes } from "./api.ts";
import { note, noteFailure, statementTimeoutMs } from "./audit.ts";
import type { Identity, ReadContext } from "./context.ts";

/** What goes into the audit besides what a change itself notes. */
export interface Notes {
  /** Somebody was refused before their change was looked at. Never rejects. */
  refused(who: Identity, action: keyof Changes, error: unknown): Promise<void>;
  /** Somebody is about to see a job without redaction. Rejects when that cannot be noted: then they do not see it. */
  unredacted(who: Identity, job: { readonly queue: string; readonly id: string }): Promise<void>;
}

/** Makes what notes it in the database of the dashboard. */
export function makeNotes(context: ReadContext): Notes {
  return {
    refused: (who, action, error) =>
      noteFailure(context, { who, action }, { noted: { details: {} }, error }),
    unredacted: (who, job) =>
      inBoundedTransaction(context.store, statementTimeoutMs, (store) =>
        note(
          store,
          { who, action: "job" },
          { outcome: "done", details: { raw: true }, jobs: [job] },
        ),
      ),
  };
}
