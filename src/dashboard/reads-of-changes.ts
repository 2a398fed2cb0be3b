import { integerBetween, invalidOption } from "../core/options.ts";
import { listAudit, type AuditEntry } from "../store/audit.ts";
import type { AuditPage, AuditRow, OperationRow, Role, Session } from "./api.ts";
import type { DashboardContext, Identity } from "./context.ts";
import type { Operations } from "./operations.ts";

/** Who is looking, and what was changed by whom. */
export function makeReadsOfChanges(
  context: DashboardContext,
  operations: Operations,
): {
  session: (params: object, who: Identity) => Promise<Session>;
  operations: () => Promise<{ readonly operations: readonly OperationRow[] }>;
  audit: (params: Readonly<Record<string, string>>) => Promise<AuditPage>;
} {
  const { pawl, environment, version } = context;
  return {
    session: (_, { name, role }) =>
      Promise.resolve({ name, role, schema: pawl.schema, version, environment }),
    operations: async () => ({ operations: await operations.list() }),
    audit: async ({ after, limit = "50" }) => {
      if (after !== undefined && !/^\d{1,18}$/.test(after)) {
        throw invalidOption("after", "the `next` of a page", after);
      }
      const most = integerBetween("limit", Number(limit), 1, 200);
      const bounds = { ...(after !== undefined && { before: after }), limit: most };
      const entries = await listAudit(context.store, bounds);
      const last = entries.length === most ? entries.at(-1) : undefined;
      return { entries: entries.map(toAuditRow), next: last?.id ?? null };
    },
  };
}

/** A noted change as the front end sees it. */
export function toAuditRow({ at_ms: atMs, role, ...entry }: AuditEntry): AuditRow {
  // Written by the audit itself.
  return { ...entry, role: role as Role, at: new Date(atMs).toISOString() };
}
