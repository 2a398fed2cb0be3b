import type { EventEmitter } from "node:events";
import type { EnqueueResult } from "./client/enqueuer.ts";
import { PawlError } from "./core/errors.ts";
import type { Logger } from "./core/logger.ts";
import type { Worker } from "./worker/worker.ts";

/** What a Pawl emits. No event carries a payload. */
export interface PawlEvents {
  /** A job was enqueued, or found, by any call of this Pawl or its handlers. With `db`, the transaction may still roll back. */
  enqueued: [EnqueueResult];
  /** A worker was made; it has not started. */
  worker: [Worker];
  /** Something went wrong that Pawl gets over by itself. Without a listener, one line goes to stderr. */
  error: [unknown];
}

/** Tells who listens what became of the jobs of a call. What listeners throw does not undo the enqueue. */
export function announceEnqueued(
  pawl: EventEmitter<PawlEvents>,
  results: readonly EnqueueResult[],
): void {
  if (pawl.listenerCount("enqueued") === 0) return;
  for (const result of results) {
    try {
      pawl.emit("enqueued", result);
    } catch (error) {
      reportError(pawl, "pawl", error);
    }
  }
}

/** Tells who listens of an error; when nobody does, one line goes to stderr. */
export function reportError(pawl: EventEmitter<PawlEvents>, who: string, error: unknown): void {
  if (pawl.listenerCount("error") === 0) {
    printError(who, error);
    return;
  }
  try {
    pawl.emit("error", error);
  } catch (thrown) {
    printError(who, thrown);
  }
}

/** Logs what a Pawl emits. */
export function logPawl(pawl: EventEmitter<PawlEvents>, logger: Logger): void {
  pawl.on("enqueued", ({ job, outcome }) => {
    const { id: jobId, task, queue, correlationId } = job;
    logger.debug({ jobId, task, queue, correlationId, outcome }, "job enqueued");
  });
  pawl.on("error", (err) => {
    logger.warn({ err }, "something went wrong; Pawl goes on");
  });
}

function printError(who: string, error: unknown): void {
  const code = error instanceof PawlError ? ` ${error.code}` : "";
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${who}:${code} ${message}\n`);
}
