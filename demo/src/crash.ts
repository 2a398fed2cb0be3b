import { setTimeout as sleep } from "node:timers/promises";
import type { Crew } from "./crew.ts";
import type { Tables } from "./tables.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** A worker that was killed at work. */
export interface Crash {
  readonly workerName: string;
  readonly workerId: string;
  /** How many running jobs it left behind, by the database. */
  readonly heldJobs: number;
  /** When it was killed, by the database's clock. */
  readonly at: Date;
  /** How many workers were killed: more than one when the first had just finished what it held. */
  readonly killedWorkers: number;
}

const lookEveryMs = 5;

/** Kills a worker while it holds running jobs, and starts a new one. Rejects when there is nothing left to interrupt. */
export async function crashOneWorker(
  crew: Crew,
  tables: Tables,
  signal: AbortSignal,
): Promise<Crash> {
  for (let killedWorkers = 1; ; killedWorkers += 1) {
    const { worker, at } = await findBusyWorker(crew, tables, signal);
    await worker.kill();
    await crew.add();
    // Only now: the server may just have been carrying out the last commits of the killed worker.
    const heldJobs = await tables.leftBy(worker.workerId);
    if (heldJobs > 0) {
      return { workerName: worker.name, workerId: worker.workerId, heldJobs, at, killedWorkers };
    }
  }
}

async function findBusyWorker(
  crew: Crew,
  tables: Tables,
  signal: AbortSignal,
): Promise<{ worker: WorkerProcess; at: Date }> {
  for (;;) {
    signal.throwIfAborted();
    crew.assertRunning();
    for (const worker of crew.running) {
      const { held, at } = await tables.heldBy(worker.workerId);
      if (held > 0) return { worker, at };
    }
    const { live } = await tables.progress();
    if (live === 0) throw new Error("every job was done before a worker could be killed at work");
    await sleep(lookEveryMs);
  }
}
