import type { JobInfo } from "../core/job.ts";
import type { Logger } from "../core/logger.ts";
import type { Worker } from "./worker.ts";

/** Logs what a worker emits, under the worker's name. */
export function logWorker(worker: Worker, logger: Logger, name: string): void {
  worker.on("started", ({ workerId }) => {
    logger.info({ worker: name, workerId }, "worker started");
  });
  worker.on("settled", ({ job, outcome, final, runMs }) => {
    if (outcome === "failed") return;
    logger.debug({ worker: name, ...fieldsOf(job), outcome, final, runMs }, "attempt settled");
  });
  worker.on("failed", ({ job, final, runMs, error }) => {
    const fields = { worker: name, ...fieldsOf(job), final, runMs, error };
    if (final) logger.error(fields, "attempt failed; it is not tried again");
    else logger.warn(fields, "attempt failed; it will be tried again");
  });
  worker.on("leaseLost", (err) => {
    logger.warn({ worker: name, err }, "lease lost");
  });
  worker.on("error", (err) => {
    logger.warn({ worker: name, err }, "something went wrong; the worker goes on");
  });
  worker.once("started", () => {
    worker.on("stopped", () => {
      logger.info({ worker: name }, "worker stopped");
    });
  });
}

function fieldsOf({ id, task, queue, attempt, correlationId }: JobInfo): object {
  return { jobId: id, task, queue, attempt, correlationId };
}
