import { invalidOption } from "../core/options.ts";
import { listAudit, listAuditOfJob } from "../store/audit.ts";
import type { AuditPage, OperationRow, PageParams } from "./api.ts";
import { toAuditRow } from "./audit.ts";
import type { ChangeContext } from "./context.ts";
import type { Operations } from "./operations.ts";
import type { ReadAudit } from "./reads/job.ts";
import { checkLimit } from "./reads/pages.ts";

const mostOfJob = 20;

/** Reads what was changed by whom, and what is being changed. */
export function makeReadsOfChanges(
  context: Pick<ChangeContext, "store" | "secrets">,
  operations: Operations,
): {
  readonly operations: () => Promise<{ readonly operations: readonly OperationRow[] }>;
  readonly audit: (params: PageParams) => Promise<AuditPage>;
} {
  return {
    operations: async () => ({ operations: await operations.list() }),
    audit: (params) => readAudit(context, params),
  };
}

/** Reads what was done to a job, for its page. */
export function makeReadAudit({
  store,
  secrets,
}: Pick<ChangeContext, "store" | "secrets">): ReadAudit {
  return async (job) =>
    (await listAuditOfJob(store, job, mostOfJob)).map((entry) => toAuditRow(entry, secrets));
}

async function readAudit(
  { store, secrets }: Pick<ChangeContext, "store" | "secrets">,
  { after, limit: given }: PageParams,
): Promise<AuditPage> {
  const limit = checkLimit(given);
  const entries = await listAudit(store, { before: checkPosition(after), limit });
  const last = entries.length === limit ? entries.at(-1) : undefined;
  return { entries: entries.map((entry) => toAuditRow(entry, secrets)), next: last?.id ?? null };
}

function checkPosition(after: string | undefined): string | null {
  if (after === undefined || after === "") return null;
  if (/^\d{1,18}$/.test(after)) return after;
  throw invalidOption("after", "what an earlier answer gave as `next`", after);
}
