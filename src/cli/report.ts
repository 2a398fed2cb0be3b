import { hostname } from "node:os";
import { PawlError } from "../core/errors.ts";
import type { SettledEvent, Worker } from "../index.ts";
import { logWorker } from "../worker/log-worker.ts";
import { maskSecrets, type ConnectionOptions } from "./connection.ts";
import { jsonLines } from "./json-lines.ts";
import * as terminal from "./terminal.ts";

export interface ReportOptions extends ConnectionOptions {
  readonly name?: string;
  readonly queues?: string;
  /** Where the jobs are, for people. */
  readonly target: string;
}

/** Says something more about a worker. */
type Say = (what: string) => void;

// An outage raises the same error again and again.
const repeatAfterMs = 30_000;
const maxRemembered = 100;

/**
 * Writes a line about each thing that happens to a worker, for people on a terminal, else as JSON; returns what writes further
 * ones. No payload is shown.
 */
export function reportOn(worker: Worker, options: ReportOptions): Say {
  return terminal.isTerminal() ? reportInWords(worker, options) : reportAsJson(worker, options);
}

function reportAsJson(worker: Worker, options: ReportOptions): Say {
  const { name = hostname(), queues, target } = options;
  const logger = jsonLines({
    write: terminal.say,
    mask: (text) => maskSecrets(text, options),
    isNews: makeNewsFilter(),
  });
  worker.once("started", () => {
    logger.info({ worker: name, queues: queues ?? null, target }, "worker serves its queues");
  });
  logWorker(worker, logger, name);
  return (what) => {
    logger.info({ worker: name }, what);
  };
}

function reportInWords(worker: Worker, options: ReportOptions): Say {
  const say = (what: string): void => {
    const line = `pawl worker "${options.name ?? hostname()}": ${what}`;
    terminal.say(maskSecrets(terminal.harmless(line), options));
  };
  const isNews = makeNewsFilter();
  worker.on("started", ({ workerId }) => {
    const queues = options.queues === undefined ? "any queue" : `queues ${options.queues}`;
    say(`started as ${workerId} on ${queues}, ${options.target}`);
  });
  worker.on("failed", (event) => {
    say(describeFailedAttempt(event));
  });
  worker.on("leaseLost", (error) => {
    say(describeError(error));
  });
  worker.on("error", (error) => {
    const what = describeError(error);
    if (isNews(what)) say(`${what} (it goes on trying)`);
  });
  worker.once("started", () => {
    worker.on("stopped", () => {
      say("stopped");
    });
  });
  return say;
}

function describeFailedAttempt({ job, final, error }: SettledEvent & { error: unknown }): string {
  const next = final ? "it is not tried again" : "it will be tried again";
  return `attempt ${job.attempt} of ${job.task} ${job.id} failed, ${next}: ${describeRecord(error)}`;
}

function describeRecord(record: unknown): string {
  if (typeof record !== "object" || record === null) return "no reason was recorded";
  const { name, message } = record as { name?: unknown; message?: unknown }; // an ErrorRecord
  return `${String(name)}: ${String(message).slice(0, 500)}`;
}

function describeError(error: unknown): string {
  if (error instanceof PawlError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function makeNewsFilter(): (what: string) => boolean {
  const saidAt = new Map<string, number>();
  return (what) => {
    const now = performance.now();
    const before = saidAt.get(what);
    if (before !== undefined && now - before < repeatAfterMs) return false;
    if (saidAt.size >= maxRemembered) saidAt.clear();
    saidAt.set(what, now);
    return true;
  };
}
