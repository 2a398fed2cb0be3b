import { parseDuration, type Duration } from "./duration.ts";
import { OptionError } from "./errors.ts";
import type { KeySettings } from "./job-keys.ts";
import {
  checkConcurrency,
  checkFlags,
  checkRateLimit,
  checkUnique,
  type ConcurrencyOptions,
  type RateLimitOptions,
  type UniqueOptions,
} from "./key-options.ts";
import {
  checkKeys,
  date,
  integerBetween,
  invalidOption,
  optional,
  queueName,
  shortText,
  uuid,
} from "./options.ts";

/**
 * What an enqueue did: `kept` wrote nothing, for a job with its id is there or has run, or a job has its unique key;
 * `replaced` gave the waiting job that has its unique key a new payload and time.
 */
export type EnqueueOutcome = "created" | "kept" | "replaced";

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
  /** Jobs of a queue that share a key run at most `limit` at a time. Wins over the task's, member by member. */
  readonly concurrency?: ConcurrencyOptions;
  /** A budget of starts that jobs share. Wins over the task's, member by member. */
  readonly rateLimit?: RateLimitOptions;
  /** At most one job of a queue has the key. Wins over the task's, member by member. */
  readonly unique?: UniqueOptions;
  /** Labels that a worker can refuse, instead of the task's: at most 100, each of 1 to 255 bytes. */
  readonly flags?: readonly string[];
}

/** The same, checked, with defaults still open. */
export interface CheckedEnqueueOptions extends KeySettings {
  readonly db: object | undefined;
  readonly queue: string | undefined;
  readonly runAt: Date | undefined;
  readonly delayMs: number | undefined;
  readonly priority: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly id: string | undefined;
  readonly correlationId: string | undefined;
}

const jobOptions = [
  "queue",
  "runAt",
  "delay",
  "priority",
  "maxAttempts",
  "id",
  "correlationId",
  "concurrency",
  "rateLimit",
  "unique",
  "flags",
] as const;

const firstDate = new Date("0001-01-01T00:00:00Z");
const lastDate = new Date("9999-12-31T23:59:59.999Z");
const mostAttempts = 2_147_483_647;

/** Checks the options of one enqueue. Throws `OptionError`. */
export function checkEnqueueOptions(options: EnqueueOptions): CheckedEnqueueOptions {
  checkKeys("enqueue", options, ["db", ...jobOptions]);
  return checkOptions(options);
}

/** Checks the options of one of many jobs: their transaction is a matter of all. Throws `OptionError`. */
export function checkJobOptions(options: EnqueueOptions): CheckedEnqueueOptions {
  checkKeys("job", options, jobOptions);
  return checkOptions(options);
}

function checkOptions(options: EnqueueOptions): CheckedEnqueueOptions {
  if (options.runAt !== undefined && options.delay !== undefined) {
    throw new OptionError("expected `runAt` or `delay`, got both; leave one out", {
      option: "delay",
      expected: "runAt or delay",
      got: "both",
    });
  }
  return {
    db: options.db,
    queue: optional(options.queue, (value) => queueName("queue", value)),
    runAt: optional(options.runAt, (value) => checkRunAt(value)),
    delayMs: optional(options.delay, (value) => parseDuration(value, "delay")),
    priority: optional(options.priority, (value) =>
      integerBetween("priority", value, -32768, 32767),
    ),
    maxAttempts: optional(options.maxAttempts, (value) =>
      integerBetween("maxAttempts", value, 1, mostAttempts),
    ),
    id: optional(options.id, (value) => uuid("id", value)),
    correlationId: optional(options.correlationId, (value) => shortText("correlationId", value)),
    concurrency: optional(options.concurrency, checkConcurrency),
    rateLimit: optional(options.rateLimit, checkRateLimit),
    unique: optional(options.unique, checkUnique),
    flags: optional(options.flags, checkFlags),
  };
}

function checkRunAt(value: unknown): Date {
  const runAt = date("runAt", value);
  if (runAt >= firstDate && runAt <= lastDate) return runAt;
  throw invalidOption("runAt", "a date in the years 1 to 9999", value);
}
