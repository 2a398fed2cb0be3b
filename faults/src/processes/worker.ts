import { Pool } from "pg";
import { leaseMs, pollMs, queryTimeoutMs } from "../lease.ts";
import { workloadNamed } from "../workloads/all.ts";
import { handlersOf } from "./handlers.ts";
import type { Setting, Tell } from "./setting.ts";
import { tasksOf } from "./tasks.ts";

const lookAtHealthEveryMs = 20;
const effectsConnections = 4;
const effectsTimeoutMs = 2_000;

/** Works until it gets SIGTERM or SIGINT. */
export async function work(setting: Setting, tell: Tell): Promise<void> {
  const { assignment, recorder, pawl: module } = setting;
  const effects = new Pool({
    connectionString: assignment.url,
    max: effectsConnections,
    connectionTimeoutMillis: effectsTimeoutMs,
    query_timeout: effectsTimeoutMs,
  });
  effects.on("error", () => undefined);
  const database = module.pgDatabase(assignment.url, { queryTimeout: queryTimeoutMs });
  const pawl = new module.Pawl({ database });
  const handlers = handlersOf(tasksOf(module), { ...setting, effects });
  const worker = pawl.worker({
    lease: leaseMs,
    pollInterval: pollMs,
    shutdownGrace: "3s",
    concurrency: 8,
    ...workloadNamed(assignment.workload).worker,
    handlers,
    onFailed: () => undefined,
  });
  worker.on("leaseLost", ({ jobs }) => {
    recorder.record({ kind: "lease lost", ids: jobs.map(({ id }) => id) });
  });
  worker.on("started", ({ workerId }) => {
    recorder.record({ kind: "session", workerId });
  });
  worker.on("error", () => undefined);
  // One listener throughout: a signal that came between two would end the process.
  const stopped = new Promise<void>((resolve) => {
    let isTold = false;
    const onSignal = (): void => {
      // A second signal hurries the first, as it does at the command line.
      void worker.stop(isTold ? { grace: 0 } : {}).then(resolve);
      isTold = true;
    };
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  });

  let wasReady = false;
  const looking = setInterval(() => {
    const { isReady } = worker.health();
    if (isReady !== wasReady) recorder.record({ kind: "ready", isReady });
    wasReady = isReady;
  }, lookAtHealthEveryMs);
  await worker.start();
  tell("ready");

  await stopped;
  clearInterval(looking);
  await pawl.close();
  await database.close();
  await effects.end();
  recorder.record({ kind: "closed" });
}
