import { hostname } from "node:os";
import { checkForbidden, type ForbiddenFlags } from "../core/claim-options.ts";
import { parseDuration, type Duration } from "../core/duration.ts";
import { OptionError, TaskError } from "../core/errors.ts";
import { checkLogger, type Logger } from "../core/logger.ts";
import {
  callable,
  checkKeys,
  invalidOption,
  optional,
  positiveInteger,
  queueName,
  text,
} from "../core/options.ts";
import { isTask, isTaskHandler, type AnyTask, type TaskHandler } from "../core/task.ts";
import type { WorkerHooks } from "./hooks.ts";

/** What `pawl.worker` takes. Durations are milliseconds or strings such as `"5s"`. */
export interface WorkerOptions {
  /**
   * The queues to serve; the order matters: a later one is served when those before it are empty. Of more than 100, what comes
   * to an earlier one may have to wait for some looks, of about 10 ms each with a thousand queues. Default: any queue.
   */
  readonly queues?: readonly string[];
  /** How many handlers run at once. Default 10. */
  readonly concurrency?: number;
  /** The handlers, made with `task.handle(…)`; tasks with a `run` of their own need none. */
  readonly handlers?: readonly TaskHandler[];
  /** The tasks this worker must be able to run. Default: those with a handler, and those of the `Pawl` with a `run`. */
  readonly tasks?: readonly AnyTask[];
  /**
   * Jobs that carry one of these flags are left to other workers: a list, or a function (also an async one) that is asked
   * before every look for jobs. Default: none.
   */
  readonly forbiddenFlags?: ForbiddenFlags;
  /** What people call this worker. Default: the host's name. */
  readonly name?: string;
  /** How long a silent worker keeps its jobs. Default `"10s"`; at least 500 ms. */
  readonly lease?: Duration;
  /** The longest pause between two looks for jobs; wake-ups make most of them needless. Default `"1s"`. */
  readonly pollInterval?: Duration;
  /** How long `stop` waits for running handlers before their signals abort. Default `"30s"`. */
  readonly shutdownGrace?: Duration;
  /** How long a job whose task no worker knows waits before it fails. Default `"15m"`. */
  readonly unknownTaskGrace?: Duration;
  /**
   * Called when the failure of an attempt has been written; what it throws becomes an `error` event. Default: one line to
   * stderr, unless somebody listens for `failed`.
   */
  readonly onFailed?: WorkerHooks["onFailed"];
  /**
   * Called after every attempt to work: with what became of the job when that has been written, after `onFailed`; with
   * null when a look found no job. It may stop the worker: then no further job starts. Without waiting for it.
   */
  readonly onSettled?: WorkerHooks["onSettled"];
  /** What it logs with: pino, or anything of its shape. No record carries a payload. Default: the `Pawl`'s. */
  readonly logger?: Logger;
}

/** The same, checked and with defaults. */
export interface CheckedWorkerOptions {
  readonly queues: readonly string[] | undefined;
  readonly concurrency: number;
  readonly handlers: ReadonlyMap<string, TaskHandler>;
  readonly forbiddenFlags: ForbiddenFlags;
  readonly name: string;
  readonly leaseMs: number;
  readonly pollIntervalMs: number;
  readonly shutdownGraceMs: number;
  readonly unknownTaskGraceMs: number;
  readonly hooks: WorkerHooks;
  readonly logger: Logger | undefined;
}

const knownOptions = [
  "queues",
  "concurrency",
  "handlers",
  "tasks",
  "forbiddenFlags",
  "name",
  "lease",
  "pollInterval",
  "shutdownGrace",
  "unknownTaskGrace",
  "onFailed",
  "onSettled",
  "logger",
] as const;

const shortestLeaseMs = 500;

/** Checks the options of a worker. Throws `OptionError` and `TaskError`. */
export function checkWorkerOptions(
  options: WorkerOptions,
  registered: readonly AnyTask[],
): CheckedWorkerOptions {
  checkKeys("worker", options, knownOptions);
  const leaseMs = parseDuration(options.lease ?? "10s", "lease");
  if (leaseMs < shortestLeaseMs) {
    throw new OptionError(
      `expected \`lease\` to be at least ${shortestLeaseMs} ms, got ${leaseMs} ms: a heartbeat could not keep it`,
      { option: "lease", expected: `at least ${shortestLeaseMs} ms`, got: `${leaseMs} ms` },
    );
  }
  return {
    queues: checkQueues(options.queues),
    concurrency: positiveInteger("concurrency", options.concurrency ?? 10),
    handlers: collectHandlers(options, registered),
    forbiddenFlags: checkForbidden(options.forbiddenFlags ?? []),
    name: text("name", options.name ?? hostname()),
    leaseMs,
    pollIntervalMs: Math.max(1, parseDuration(options.pollInterval ?? "1s", "pollInterval")),
    shutdownGraceMs: parseDuration(options.shutdownGrace ?? "30s", "shutdownGrace"),
    unknownTaskGraceMs: parseDuration(options.unknownTaskGrace ?? "15m", "unknownTaskGrace"),
    hooks: {
      onFailed: optionalCallable("onFailed", options.onFailed),
      onSettled: optionalCallable("onSettled", options.onSettled),
    },
    logger: optional(options.logger, (given) => checkLogger("logger", given)),
  };
}

function optionalCallable<Given>(option: string, given: Given): Given {
  return given === undefined ? given : callable(option, given);
}

function checkQueues(queues: unknown): readonly string[] | undefined {
  if (queues === undefined) return undefined;
  if (!Array.isArray(queues) || queues.length === 0) {
    throw invalidOption(
      "queues",
      "a list with at least one name, or left out for any queue",
      queues,
    );
  }
  return [...new Set(queues.map((queue) => queueName("queues", queue)))];
}

function collectHandlers(
  options: WorkerOptions,
  registered: readonly AnyTask[],
): ReadonlyMap<string, TaskHandler> {
  const handlers = new Map<string, TaskHandler>();
  for (const handler of listOf("handlers", options.handlers).map(checkHandler)) {
    const { name } = handler.task;
    if (handlers.has(name)) {
      throw new TaskError(
        "PAWL_HANDLER_DUPLICATE",
        `expected one handler for the task "${name}", got two; leave one out`,
      );
    }
    handlers.set(name, handler);
  }
  const tasks = listOf("tasks", options.tasks).map(checkTask);
  for (const task of options.tasks === undefined ? registered : tasks) {
    if (task.run !== undefined && !handlers.has(task.name)) {
      handlers.set(task.name, { task, run: task.run });
    }
  }
  for (const task of tasks) assertHandled(task, handlers);
  if (handlers.size === 0) {
    throw new TaskError(
      "PAWL_HANDLER_MISSING",
      "expected at least one handler, got none; give `handlers: [task.handle(…)]` or tasks with a `run`",
    );
  }
  return handlers;
}

function listOf(option: string, list: unknown): readonly unknown[] {
  if (list === undefined) return [];
  if (Array.isArray(list)) return list;
  throw invalidOption(option, "a list", list);
}

function checkTask(task: unknown): AnyTask {
  if (isTask(task)) return task;
  throw invalidOption("tasks", "a list of what defineTask(…) returns", task);
}

function assertHandled(task: AnyTask, handlers: ReadonlyMap<string, TaskHandler>): void {
  if (handlers.has(task.name)) return;
  throw new TaskError(
    "PAWL_HANDLER_MISSING",
    `expected a handler for the task "${task.name}", got none; bind one with task.handle(…) or give the task a \`run\``,
  );
}

function checkHandler(handler: unknown): TaskHandler {
  if (isTaskHandler(handler)) return handler;
  const hint = isTask(handler)
    ? `the task "${handler.name}" itself; use its handle(…)`
    : typeof handler;
  throw new OptionError(`expected \`handlers\` to hold what task.handle(…) returns, got ${hint}`, {
    option: "handlers",
    expected: "what task.handle(…) returns",
    got: hint,
  });
}
