import { checkKeys, invalidOption } from "../core/options.ts";
import { listAudit } from "../store/audit.ts";
import { listOperations } from "../store/operations.ts";
import { inBoundedTransaction } from "../store/store.ts";
import type { Reads } from "./api.ts";
import { statementTimeoutMs } from "./audit.ts";
import { toOperationRow } from "./changes/operations.ts";
import type { Identity, ReadContext } from "./context.ts";
import type { Operations } from "./operations.ts";
import { auditRow } from "./reads/audit-row.ts";
import { pageOf } from "./reads/pages.ts";

type Own = "session" | "operations" | "audit";

const shownOperations = 100;
const entryId = /^[1-9]\d{0,17}$/;

/** Who is looking, and what was changed from dashboards. */
export function makeReadsOfChanges(
  context: ReadContext,
  operations: Operations,
): {
  readonly [Name in Own]: (
    params: Reads[Name]["params"],
    who: Identity,
  ) => Promise<Reads[Name]["answer"]>;
} {
  const { pawl, store, version, environment } = context;
  return {
    session: (params, { name, role }) => {
      checkKeys("session", params, []);
      return Promise.resolve({ name, role, schema: pawl.schema, version, environment });
    },
    operations: async (params) => {
      checkKeys("operations", params, []);
      const found = await inBoundedTransaction(store, statementTimeoutMs, (tx) =>
        listOperations(tx, shownOperations),
      );
      // Another process may have left one behind.
      if (found.some(({ state }) => state === "running")) operations.wake();
      return { operations: found.map(toOperationRow) };
    },
    audit: async (params) => {
      checkKeys("audit", params, ["after", "limit"]);
      const { after, limit } = pageOf(params);
      const before = after === undefined ? undefined : checkEntryId(after);
      const found = await inBoundedTransaction(store, statementTimeoutMs, (tx) =>
        listAudit(tx, { before, limit: limit + 1 }),
      );
      const entries = found.slice(0, limit).map((entry) => auditRow(context, entry));
      return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
    },
  };
}

function checkEntryId(after: string): string {
  if (entryId.test(after)) return after;
  throw invalidOption("after", "what an earlier page gave as `next`", after);
}
