import type { Duration } from "./duration.ts";
import { parseDuration } from "./duration.ts";
import type { EnqueueOptions, EnqueueOutcome } from "./enqueue-options.ts";
import { OptionError } from "./errors.ts";
import type { JobInfo } from "./job.ts";
import { checkRateLimitWhole } from "./job-keys.ts";
import {
  checkFlags,
  checkTaskConcurrency,
  checkTaskRateLimit,
  checkTaskUnique,
  type CheckedRateLimit,
  type CheckedTaskConcurrency,
  type CheckedUnique,
  type TaskConcurrencyOptions,
  type TaskRateLimitOptions,
  type TaskUniqueOptions,
} from "./key-options.ts";
import type { JsonCompatible } from "./payload.ts";
import {
  boolean,
  callable,
  checkKeys,
  integerBetween,
  invalidOption,
  oneOf,
  optional,
  queueName,
  taskName,
} from "./options.ts";
import { checkRetry, defaultRetry, maxAttemptsOf, type Retry } from "./retry.ts";
import {
  isStandardSchema,
  type InferInput,
  type InferOutput,
  type StandardSchema,
} from "./validate.ts";

// A registered symbol, so that tasks made by another copy of the package are recognised.
const brand = Symbol.for("pawl.task");
const mostSearchable = 8;
const maxPathLength = 255;
const searchablePath = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

/** The least that a transaction can do; adapters give their driver's own type. */
export interface TransactionClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/** Enqueues a job from inside a handler: it inherits the correlation id, and a transactional handler's transaction. */
export type HandlerEnqueue = <Name extends string, Input, Output, Tx>(
  task: Task<Name, Input, Output, Tx>,
  ...rest: PayloadArguments<JsonCompatible<NoInfer<Input>>, Omit<EnqueueOptions, "db">>
) => Promise<{ readonly job: { readonly id: string }; readonly outcome: EnqueueOutcome }>;

/** What a handler is given. */
export interface HandlerContext<Output, Tx> {
  /** The payload as the task's schema gives it out. */
  readonly payload: Output;
  readonly job: JobInfo;
  /** Aborts on timeout, on a lost lease, when somebody cancels the job, and when the worker's grace period is over; `signal.reason` says which. */
  readonly signal: AbortSignal;
  readonly enqueue: HandlerEnqueue;
  /**
   * The job's own transaction, in a `transactional` task: its writes commit together with the outcome that the handler
   * returns, or not at all; when it throws, they roll back.
   */
  readonly tx: Tx;
}

export type Handler<Output, Tx> = (context: HandlerContext<Output, Tx>) => unknown;

/** A task and the code that runs it, as a worker takes it. */
export interface TaskHandler {
  readonly task: AnyTask;
  readonly run: Handler<never, never>;
}

/** One job to be enqueued, as `enqueueMany` takes it. */
export interface JobRequest<Input = unknown> {
  readonly task: AnyTask;
  readonly payload: Input;
  readonly options: Omit<EnqueueOptions, "db">;
}

/** `[payload, options?]`, where a payload that may be undefined may be left out. */
export type PayloadArguments<Input, Options> = undefined extends Input
  ? [payload?: Input, options?: Options]
  : [payload: Input, options?: Options];

/** What `defineTask` takes. Durations are milliseconds or strings such as `"5s"`. */
export interface TaskOptions<Name extends string, Schema, Transactional extends boolean, Tx> {
  /** 1 to 255 bytes; what the database knows the task by. */
  readonly name: Name;
  /** Any Standard Schema (zod, valibot, arktype, …); left out, the task takes no payload. */
  readonly payload?: Schema;
  /** Default `"default"`. */
  readonly queue?: string;
  /** Lower runs first; -32768 to 32767, default 0. */
  readonly priority?: number;
  /** Default `exponential()`: 25 attempts over about two days. */
  readonly retry?: Retry<JobInfo>;
  /** How long an attempt may take before its signal aborts and it fails. Default `"1h"`. */
  readonly timeout?: Duration;
  /** Run the handler in a transaction that commits its writes and the job's completion together. Default false. */
  readonly transactional?: Transactional;
  /** Keep what the handler returns, as `output` in the history. Default false. */
  readonly storeOutput?: boolean;
  /** Jobs of a queue that share a key run at most `limit` at a time, in the order of their enqueue. */
  readonly concurrency?: TaskConcurrencyOptions<PayloadOf<Schema>>;
  /** A budget of starts that jobs share, in every queue and worker. */
  readonly rateLimit?: TaskRateLimitOptions<PayloadOf<Schema>>;
  /** At most one job of a queue has the key; the mode says what an enqueue does that meets it. */
  readonly unique?: TaskUniqueOptions<PayloadOf<Schema>>;
  /** Labels that a worker can refuse: at most 100, each of 1 to 255 bytes. Default none. */
  readonly flags?: readonly string[];
  /** Which attempts leave a row in the history. Default `"all"`. */
  readonly keep?: HistoryKeep;
  /** For how long those rows are kept at least. Default `"30 days"`. */
  readonly historyRetention?: Duration;
  /**
   * Paths in the payload that the dashboard finds jobs by at once, such as `"user.id"`: at most 8, of names of letters, digits,
   * `_` and `-`. `pawl.migrate()` makes two indexes for each, which only hold jobs of this task: an enqueue and a settle of it
   * write one entry more, and nothing else gets slower. Default none: a search reads the payloads one after the other.
   */
  readonly searchable?: readonly string[];
  /** The handler, when it needs nothing that is not at hand here; else bind it with `task.handle(…)`. */
  readonly run?: Handler<
    Schema extends StandardSchema<unknown, unknown> ? InferOutput<Schema> : undefined,
    Transactional extends true ? Tx : undefined
  >;
}

/** The payload as a caller gives it. */
type PayloadOf<Schema> =
  Schema extends StandardSchema<unknown, unknown> ? InferInput<Schema> : undefined;

/** Which attempts of a task leave a row in the history. */
export type HistoryKeep = "all" | "failures" | "none";

/** A kind of job: a name, a payload schema and defaults. */
export interface Task<Name extends string, Input, Output, Tx> {
  readonly [brand]: true;
  readonly name: Name;
  readonly schema: StandardSchema<Input, Output> | undefined;
  readonly queue: string;
  readonly priority: number;
  readonly retry: Retry<JobInfo>;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly transactional: boolean;
  readonly storeOutput: boolean;
  readonly concurrency: CheckedTaskConcurrency | undefined;
  readonly rateLimit: CheckedRateLimit | undefined;
  readonly unique: CheckedUnique | undefined;
  readonly flags: readonly string[] | undefined;
  readonly keep: HistoryKeep;
  readonly historyRetentionMs: number;
  readonly searchable: readonly string[];
  readonly run: Handler<Output, Tx> | undefined;
  /** A job of this task for `enqueueMany`. */
  job(...rest: PayloadArguments<Input, Omit<EnqueueOptions, "db">>): JobRequest<Input>;
  /** Binds the handler, where its dependencies are at hand. */
  handle(run: Handler<Output, Tx>): TaskHandler;
}

/** A task of any kind. */
// The parameters of methods make a task invariant in its types, so no other type holds every task.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyTask = Task<string, any, any, any>;

/** Defines tasks whose transactional handlers get `Tx`; an adapter exports one for its driver. */
export type DefineTask<Tx> = <
  const Name extends string,
  Schema extends StandardSchema<unknown, unknown> | undefined = undefined,
  const Transactional extends boolean = false,
>(
  options: TaskOptions<Name, Schema, Transactional, Tx>,
) => Task<
  Name,
  Schema extends StandardSchema<unknown, unknown> ? InferInput<Schema> : undefined,
  Schema extends StandardSchema<unknown, unknown> ? InferOutput<Schema> : undefined,
  Transactional extends true ? Tx : undefined
>;

const knownOptions = [
  "name",
  "payload",
  "queue",
  "priority",
  "retry",
  "timeout",
  "transactional",
  "storeOutput",
  "concurrency",
  "rateLimit",
  "unique",
  "flags",
  "keep",
  "historyRetention",
  "searchable",
  "run",
] as const;

/**
 * Defines a task: what a producer needs to know, without the worker's code. Throws `OptionError`.
 *
 * ```ts
 * export const sendEmail = defineTask({ name: "send-email", payload: z.object({ to: z.string() }) });
 * ```
 */
export const defineTask: DefineTask<TransactionClient> = makeTask as never; // the one place where options become the types they describe

function makeTask(options: TaskOptions<string, unknown, boolean, never>): AnyTask {
  checkKeys("defineTask", options, knownOptions);
  const retry = options.retry === undefined ? defaultRetry : checkRetry("retry", options.retry);
  const task: AnyTask = {
    [brand]: true,
    name: taskName("name", options.name),
    schema: checkSchema(options.payload),
    queue: queueName("queue", options.queue ?? "default"),
    priority: integerBetween("priority", options.priority ?? 0, -32768, 32767),
    retry,
    maxAttempts: maxAttemptsOf(retry),
    timeoutMs: checkSpan("timeout", options.timeout ?? "1h"),
    transactional: boolean("transactional", options.transactional ?? false),
    storeOutput: boolean("storeOutput", options.storeOutput ?? false),
    concurrency: optional(options.concurrency, checkTaskConcurrency),
    rateLimit: optional(options.rateLimit, checkWholeRateLimit),
    unique: optional(options.unique, checkTaskUnique),
    flags: optional(options.flags, checkFlags),
    keep: oneOf("keep", options.keep ?? "all", ["all", "failures", "none"]),
    historyRetentionMs: checkSpan("historyRetention", options.historyRetention ?? "30 days"),
    searchable: checkSearchable(options.searchable ?? []),
    run: options.run === undefined ? undefined : callable("run", options.run),
    job: (payload: unknown, jobOptions = {}) => ({ task, payload, options: jobOptions }),
    handle: (run) => ({ task, run: callable("handle", run) }),
  };
  return Object.freeze(task);
}

/** Whether a value is a task, whichever copy of the package made it. */
export function isTask(value: unknown): value is AnyTask {
  return typeof value === "object" && value !== null && brand in value;
}

/** Whether a value is what `task.job` returned. */
export function isJobRequest(value: unknown): value is JobRequest {
  const keys = ["task", "payload", "options"];
  const isWhole = typeof value === "object" && value !== null && keys.every((key) => key in value);
  return isWhole && "task" in value && isTask(value.task);
}

/** Whether a value is what `task.handle` returned. */
export function isTaskHandler(value: unknown): value is TaskHandler {
  return (
    typeof value === "object" &&
    value !== null &&
    "run" in value &&
    "task" in value &&
    isTask(value.task)
  );
}

function checkSchema(schema: unknown): StandardSchema | undefined {
  if (schema === undefined || isStandardSchema(schema)) return schema;
  throw new OptionError(
    "expected `payload` to be a Standard Schema (zod, valibot, arktype, or `typed<T>()`), got something else",
    { option: "payload", expected: "a Standard Schema", got: typeof schema },
  );
}

function checkSpan(option: string, duration: Duration): number {
  const milliseconds = parseDuration(duration, option);
  if (milliseconds > 0) return milliseconds;
  throw invalidOption(option, "a duration above zero", duration);
}

function checkSearchable(given: unknown): readonly string[] {
  const expected = `a list of at most ${mostSearchable} paths`;
  if (!Array.isArray(given)) throw invalidOption("searchable", expected, given);
  if (given.length > mostSearchable) throw invalidOption("searchable", expected, given);
  return [...new Set(given.map((path, place) => checkPath(`searchable[${place}]`, path)))];
}

function checkPath(option: string, path: unknown): string {
  if (typeof path === "string" && searchablePath.test(path) && path.length <= maxPathLength) {
    return path;
  }
  const expected = `names of letters, digits, "_" and "-" joined by dots, of at most ${maxPathLength} characters`;
  throw invalidOption(option, expected, path);
}

function checkWholeRateLimit(given: TaskRateLimitOptions<never>): CheckedRateLimit {
  const checked = checkTaskRateLimit(given);
  checkRateLimitWhole(checked);
  return checked;
}
