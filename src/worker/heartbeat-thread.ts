// The heartbeat's own thread: it goes on while a handler blocks the event loop of the worker.
import { parentPort, workerData } from "node:worker_threads";
import { backoff, wait } from "../core/wait.ts";
import type { Database } from "../db/database.ts";
import { statements } from "../db/statements.ts";
import type { Store } from "../store/store.ts";
import { beat } from "../store/workers.ts";
import { nowMs, PulseReader } from "./pulse.ts";

/** What the thread is started with. */
export interface HeartbeatThreadData {
  readonly module: string;
  readonly config: unknown;
  readonly schema: string;
  readonly workerId: string;
  readonly intervalMs: number;
  readonly leaseMs: number;
  readonly pulse: SharedArrayBuffer;
}

/** What the thread reports. */
export type HeartbeatMessage =
  | { readonly kind: "beat"; readonly askedAt: bigint }
  | { readonly kind: "lost" }
  | { readonly kind: "failed"; readonly error: unknown };

const data = workerData as HeartbeatThreadData; // the worker's heartbeat is the only one to start this thread
const stopping = new AbortController();
parentPort?.once("message", () => {
  stopping.abort();
});

await run();

async function run(): Promise<void> {
  const adapter = (await import(data.module)) as { openDatabase(config: unknown): Database }; // an adapter's promise
  const store = { sql: statements(data.schema), db: adapter.openDatabase(data.config) };
  const pulse = new PulseReader(data.pulse);
  const pause = backoff({ initialMs: 50, maxMs: data.intervalMs, random: Math.random });
  while (!stopping.signal.aborted) {
    // A loop that has been blocked for longer than any handler may run is not alive: its jobs are for others.
    const isAlive = pulse.silentMs() <= Math.max(data.leaseMs, pulse.allowedSilenceMs());
    let pauseMs = data.intervalMs;
    try {
      if (isAlive) await beatOnce(store);
      pause.reset();
    } catch (error) {
      parentPort?.postMessage({ kind: "failed", error } satisfies HeartbeatMessage);
      pauseMs = pause.next();
    }
    await wait(pauseMs, stopping.signal);
  }
  await store.db.close();
  parentPort?.close();
}

async function beatOnce(store: Store): Promise<void> {
  const askedAt = nowMs();
  const isKept = await beat(store, data.workerId, data.leaseMs);
  const message: HeartbeatMessage = isKept ? { kind: "beat", askedAt } : { kind: "lost" };
  parentPort?.postMessage(message);
}
