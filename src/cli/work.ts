import type { Duration } from "../core/duration.ts";
import { positiveInteger } from "../core/options.ts";
import type { WorkerOptions } from "../index.ts";
import { metricsHandler } from "../metrics/metrics-handler.ts";
import { Pawl } from "../pawl.ts";
import { connectionString, describeTarget, type ConnectionOptions } from "./connection.ts";
import { parseHttpAddress, serveHttp } from "./http-server.ts";
import { fileOf, loadTasks } from "./load-tasks.ts";
import { reportOn } from "./report.ts";
import { runUntilStopped } from "./stop-signals.ts";

export interface WorkOptions extends ConnectionOptions {
  readonly tasks?: string;
  readonly queues?: string;
  readonly concurrency?: string;
  readonly name?: string;
  readonly lease?: string;
  readonly shutdownGrace?: string;
  readonly http?: string;
}

/** Runs a worker until it is told to stop. */
export async function work(options: WorkOptions): Promise<number> {
  const database = connectionString(options);
  const workerOptions = workerOptionsOf(options);
  const address = options.http === undefined ? undefined : parseHttpAddress("--http", options.http);
  const { tasks, handlers } = await loadTasks(fileOf(options.tasks));
  const pawl = new Pawl({ database, schema: options.schema, tasks });
  const server = address && (await serveHttp(address, metricsHandler(pawl)));
  try {
    const worker = pawl.worker({ ...workerOptions, handlers });
    const say = reportOn(worker, { ...options, target: describeTarget(options) });
    if (server !== undefined) say(`metrics and health on ${server.url}`);
    return await runUntilStopped(worker, say);
  } finally {
    server?.close();
    await pawl.close();
  }
}

function workerOptionsOf(options: WorkOptions): WorkerOptions {
  const { queues, concurrency, name, lease, shutdownGrace } = options;
  return {
    ...(queues !== undefined && { queues: queues.split(",").map((queue) => queue.trim()) }),
    ...(concurrency !== undefined && { concurrency: countOf("--concurrency", concurrency) }),
    ...(name !== undefined && { name }),
    ...(lease !== undefined && { lease: durationOf(lease) }),
    ...(shutdownGrace !== undefined && { shutdownGrace: durationOf(shutdownGrace) }),
  };
}

function countOf(option: string, given: string): number {
  return positiveInteger(option, /^-?\d+$/.test(given) ? Number(given) : given);
}

// A bare number is milliseconds, as it is in code.
function durationOf(given: string): Duration {
  return /^\d+$/.test(given) ? Number(given) : given;
}
