import type { AuditEntry } from "../../store/audit.ts";
import type { AuditRow, Role } from "../api.ts";
import type { ReadContext } from "../context.ts";

type Redacting = Pick<ReadContext, "redactor">;

/** An entry of the audit as it may be shown: what somebody gave as a reason may quote a secret. */
export function auditRow({ redactor }: Redacting, entry: AuditEntry): AuditRow {
  const { role, at, details, ...rest } = entry;
  const { text } = redactor.redact(details);
  const hide = (_: string, value: unknown): unknown =>
    typeof value === "string" ? redactor.redactSentence(value).text : value;
  return {
    ...rest,
    role: role as Role, // as it was checked before it was written
    at: at.toISOString(),
    details: JSON.stringify(JSON.parse(text, hide)),
  };
}
