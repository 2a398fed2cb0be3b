import { parseDuration, type Duration } from "./duration.ts";
import { OptionError } from "./errors.ts";
import { checkKeys, date, integerBetween, positiveInteger, queueName, shortText, uuid } from "./options.ts";

/** What may be said about one job when it is enqueued. */
export interface EnqueueOptions {
  /** The caller's open transaction, in the driver's own form: the job exists if and only if it commits. */
  readonly db?: object;
  /** Wins over the task's own queue. 1 to 63 bytes. */
  readonly queue?: string;
  /** The earliest time to run; not together with `delay`. */
  readonly runAt?: Date;
  /** How long to wait before the job may run, counted by the database's clock. */
  readonly delay?: Duration;
  /** Lower runs first; -32768 to 32767. Default: the task's. */
  readonly priority?: number;
  /** How many attempts may fail before the job does. Default: the task's retries + 1. */
  readonly maxAttempts?: number;
  /** A UUID: enqueueing the same id twice into a queue is one job, as long as it is live or its history is kept. */
  readonly id?: string;
  /** The caller's own id for a chain of work, up to 255 bytes; jobs enqueued by a handler inherit it. */
  readonly correlationId?: string;
}

/** The same, checked, with defaults still open. */
export interface CheckedEnqueueOptions {
  readonly queue: string | undefined;
  readonly runAt: Date | undefined;
  readonly delayMs: number | undefined;
  readonly priority: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly id: string | undefined;
  readonly correlationId: string | undefined;
}

const knownOptions = [
  "db",
  "queue",
  "runAt",
  "delay",
  "priority",
  "maxAttempts",
  "id",
  "correlationId",
] as const;

const nothing: CheckedEnqueueOptions = {
  queue: undefined,
  runAt: undefined,
  delayMs: undefined,
  priority: undefined,
  maxAttempts: undefined,
  id: undefined,
  correlationId: undefined,
};

/** Checks the options of one enqueue. Throws `OptionError`. */
export function checkEnqueueOptions(options: EnqueueOptions | undefined): CheckedEnqueueOptions {
  if (options === undefined) return nothing;
  checkKeys("enqueue", options, knownOptions);
  if (options.runAt !== undefined && options.delay !== undefined) {
    throw new OptionError("expected `runAt` or `delay`, got both; leave one out", {
      option: "delay",
      expected: "runAt or delay",
      got: "both",
    });
  }
  return {
    queue: optional(options.queue, (value) => queueName("queue", value)),
    runAt: optional(options.runAt, (value) => date("runAt", value)),
    delayMs: optional(options.delay, (value) => parseDuration(value, "delay")),
    priority: optional(options.priority, (value) => integerBetween("priority", value, -32768, 32767)),
    maxAttempts: optional(options.maxAttempts, (value) => positiveInteger("maxAttempts", value)),
    id: optional(options.id, (value) => uuid("id", value)),
    correlationId: optional(options.correlationId, (value) => shortText("correlationId", value)),
  };
}

function optional<Given, Checked>(
  value: Given | undefined,
  check: (value: Given) => Checked,
): Checked | undefined {
  return value === undefined ? undefined : check(value);
}
