import type { JobReference } from "../core/job.ts";
import { checkKeys, invalidOption, queueName, shortText, text, uuid } from "../core/options.ts";
import type { OperationPlan, Reference, Rescheduling } from "./api.ts";

const maxNamed = 1_000;
const maxReasonLength = 1_000;

/** Reads a body with one name. Throws `OptionError`. */
export function readName(call: string, body: unknown): string {
  const { name } = fieldsOf(call, body, ["name"]);
  return shortText("name", name);
}

/** Reads which jobs are meant. Throws `OptionError`. */
export function readJobs(value: unknown): readonly JobReference[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxNamed) {
    throw invalidOption("jobs", `a list of 1 to ${maxNamed} jobs`, value);
  }
  return value.map((job: unknown, place) => readReference(`jobs[${place}]`, job));
}

/** Reads one job's queue and id. Throws `OptionError`. */
export function readReference(option: string, value: unknown): Reference {
  const { queue, id } = fieldsOf(option, value, ["queue", "id"]);
  return { queue: queueName(`${option}.queue`, queue), id: uuid(`${option}.id`, id) };
}

/** Reads why jobs are cancelled. Throws `OptionError`. */
export function readReason(value: unknown, who: string): string {
  if (value === undefined || value === "") return `cancelled by ${who}`;
  const reason = text("reason", value);
  if (reason.length <= maxReasonLength) return reason;
  throw invalidOption("reason", `at most ${maxReasonLength} characters`, value);
}

/** Reads what is to change about waiting jobs, in the form of `pawl.jobs.reschedule`. Throws `OptionError`. */
export function readRescheduling(value: Rescheduling): {
  readonly runAt?: Date;
  readonly delay?: string;
  readonly priority?: number;
} {
  const { runAt, delay, priority } = value;
  return {
    ...(runAt !== undefined && { runAt: readTime("runAt", runAt) }),
    ...(delay !== undefined && { delay }),
    ...(priority !== undefined && { priority }),
  };
}

/** Reads what to do with all that match; the filter is checked by the search. Throws `OptionError`. */
export function readPlan(body: unknown): OperationPlan {
  const plan = fieldsOf("operation", body, ["action", "from", "filter", "rescheduling"]);
  const { action, from, filter = {}, rescheduling } = plan;
  const texts = readTexts("filter", filter);
  if (from === "history" && action === "replay") return { action, from, filter: texts };
  if (from === "jobs" && (action === "retry" || action === "cancel")) {
    return { action, from, filter: texts };
  }
  if (from === "jobs" && action === "reschedule") {
    const given = fieldsOf("rescheduling", rescheduling, ["runAt", "delay", "priority"]);
    readRescheduling(given);
    return { action, from, filter: texts, rescheduling: given };
  }
  throw invalidOption(
    "action",
    '"retry", "cancel" or "reschedule" from "jobs", or "replay" from "history"',
    action,
  );
}

/** The fields of a body, of which none may be unknown. Throws `OptionError`. */
export function fieldsOf<const Name extends string>(
  call: string,
  body: unknown,
  known: readonly Name[],
): Partial<Record<Name, unknown>> & Record<string, never> {
  checkKeys(call, body, known);
  return body as Partial<Record<Name, unknown>> & Record<string, never>; // its keys were checked
}

function readTexts(option: string, value: unknown): Record<string, string> {
  checkKeys(option, value, [
    ...["state", "queue", "task", "correlationId", "concurrencyKey", "search"],
    ...["outcome", "final", "from", "to"],
  ]);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined && each !== "")
      .map(([key, each]) => [key, text(`${option}.${key}`, each)]),
  );
}

function readTime(option: string, value: unknown): Date {
  const time = typeof value === "string" ? new Date(value) : undefined;
  if (time !== undefined && !Number.isNaN(time.getTime())) return time;
  throw invalidOption(option, "a time such as 2026-01-31T12:00:00Z", value);
}
