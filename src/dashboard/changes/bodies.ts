import { checkReference } from "../../client/job-list.ts";
import { checkEnqueueOptions } from "../../core/enqueue-options.ts";
import { OptionError } from "../../core/errors.ts";
import { checkKeys, integerBetween, invalidOption, text } from "../../core/options.ts";
import type { Reference, Rescheduling } from "../api.ts";

/** A body whose members have known names and any values. */
export type Body = Readonly<Record<string, unknown>>;

// More than a page has, and few enough for one transaction.
const maxReferences = 1_000;

/** Refuses what is no object, and every name that is not known. Throws `OptionError`. */
export function bodyOf(action: string, body: unknown, known: readonly string[]): Body {
  checkKeys(action, body, known);
  return { ...body };
}

/** Checks the jobs that a body names, each with its queue. Throws `OptionError`. */
export function checkReferences(option: string, value: unknown): readonly Reference[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxReferences) {
    throw invalidOption(option, `a list of 1 to ${maxReferences} jobs`, value);
  }
  const named = new Map<string, Reference>();
  for (const [place, job] of value.entries()) {
    const reference = checkReference(`${option}[${place}]`, job);
    named.set(`${reference.id} ${reference.queue}`, reference);
  }
  return [...named.values()];
}

/** What to change about waiting jobs, as `pawl.jobs.reschedule` takes it. */
export interface CheckedRescheduling {
  readonly runAt?: Date;
  readonly delay?: string;
  readonly priority?: number;
}

/** Checks new times or another priority, at least one of these. Throws `OptionError`. */
export function checkRescheduling({ runAt, delay, priority }: Body): CheckedRescheduling {
  const checked = {
    ...(runAt === undefined ? {} : { runAt: checkTime("runAt", runAt) }),
    ...(delay === undefined ? {} : { delay: text("delay", delay) }),
    ...(priority === undefined
      ? {}
      : { priority: integerBetween("priority", priority, -32_768, 32_767) }),
  };
  if (Object.keys(checked).length === 0) {
    const expected = "at least one of runAt, delay, priority";
    throw new OptionError(`expected ${expected}, got none`, {
      ...{ option: "rescheduling", expected, got: "none" },
    });
  }
  checkEnqueueOptions(checked);
  return checked;
}

/** The same as it came, without what is none of it: for the audit, and to be kept. */
export function reschedulingIn({ runAt, delay, priority }: Body): Rescheduling {
  return {
    ...(typeof runAt === "string" ? { runAt } : {}),
    ...(typeof delay === "string" ? { delay } : {}),
    ...(typeof priority === "number" ? { priority } : {}),
  };
}

function checkTime(option: string, value: unknown): Date {
  const time = new Date(typeof value === "string" ? value : NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw invalidOption(option, "a time such as 2026-01-31T12:00:00Z", value);
}
