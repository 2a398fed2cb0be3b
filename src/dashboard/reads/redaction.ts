import type { FoundAttempt } from "../../store/dashboard-search.ts";
import type { AttemptRow, ErrorRow } from "../api.ts";
import type { ReadContext } from "../context.ts";

/** A JSON text as it may be shown. */
export interface Shown {
  readonly text: string | null;
  readonly isRedacted: boolean;
}

type Redacting = Pick<ReadContext, "redactor">;

/** A JSON text without the secrets in it. */
export function shown({ redactor }: Redacting, jsonText: string | null): Shown {
  return jsonText === null ? { text: null, isRedacted: false } : redactor.redact(jsonText);
}

/** The same of a plain text, such as an error's message. */
export function hidden(context: Redacting, text: string | null): string | null {
  return text === null ? null : context.redactor.redactSentence(text).text;
}

/** An attempt as it may be shown, and whether something in it is not. */
export function attemptRow(
  context: Redacting,
  attempt: FoundAttempt,
): { readonly row: AttemptRow; readonly isRedacted: boolean } {
  const output = shown(context, attempt.output);
  const error = errorRow(context, attempt.error);
  const { startedAt } = attempt;
  const row: AttemptRow = {
    ...{ queue: attempt.queue, id: attempt.id, task: attempt.task, attempt: attempt.attempt },
    ...{ outcome: attempt.outcome, final: attempt.final },
    ...{ runAt: attempt.runAt, startedAt, finishedAt: attempt.finishedAt },
    waitMs: startedAt === null ? null : Math.max(0, between(attempt.runAt, startedAt)),
    runMs: startedAt === null ? null : Math.max(0, between(startedAt, attempt.finishedAt)),
    ...{ workerId: attempt.workerId, correlationId: attempt.correlationId },
    replayOf: attempt.replayOf,
    error: error.row,
    output: output.text,
  };
  return { row, isRedacted: output.isRedacted || error.isRedacted };
}

const mostCauses = 25;

function errorRow(
  context: Redacting,
  jsonText: string | null,
): { readonly row: ErrorRow | null; readonly isRedacted: boolean } {
  if (jsonText === null) return { row: null, isRedacted: false };
  let isRedacted = false;
  const show = (text: string | null): string | null => {
    if (text === null) return null;
    const { text: safe, isRedacted: isHidden } = context.redactor.redactSentence(text);
    isRedacted ||= isHidden;
    return safe;
  };
  const record: unknown = JSON.parse(jsonText);
  const row: ErrorRow = {
    name: textIn(record, "name") ?? "Error",
    message: show(textIn(record, "message")) ?? show(jsonText) ?? "",
    stack: show(textIn(record, "stack")),
    code: textIn(record, "code"),
    causes: causesOf(record).map((cause) => show(cause) ?? ""),
  };
  return { row, isRedacted };
}

// An error's cause, that one's cause, and what an AggregateError has gathered.
function causesOf(record: unknown): string[] {
  const causes: string[] = [];
  const walk = (inner: unknown): void => {
    if (typeof inner !== "object" || inner === null || causes.length >= mostCauses) return;
    causes.push(`${textIn(inner, "name") ?? "Error"}: ${textIn(inner, "message") ?? ""}`);
    walkInto(inner);
  };
  const walkInto = (outer: object): void => {
    walk(Reflect.get(outer, "cause"));
    const gathered: unknown = Reflect.get(outer, "errors");
    if (Array.isArray(gathered)) gathered.forEach(walk);
  };
  if (typeof record === "object" && record !== null) walkInto(record);
  return causes;
}

function textIn(record: unknown, name: string): string | null {
  if (typeof record !== "object" || record === null) return null;
  const value: unknown = Reflect.get(record, name);
  return typeof value === "string" ? value : null;
}

function between(start: string, end: string): number {
  return Date.parse(end) - Date.parse(start);
}
