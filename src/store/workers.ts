import { arrayLiteral } from "../core/array-literal.ts";
import { pruneClaims } from "./claims.ts";
import type { Store } from "./store.ts";

/** What a worker says of itself when it starts. */
export interface WorkerRegistration {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** The same for all processes that see each other under their ids; null: it is not known. */
  readonly machine: string | null;
  /** What tells its process from a later one with the same id; null: it is not known. */
  readonly processStart: number | null;
  readonly version: string;
  /** Undefined: any queue. */
  readonly queues: readonly string[] | undefined;
  /** Undefined: any task. */
  readonly tasks: readonly string[] | undefined;
  readonly concurrency: number;
  readonly leaseMs: number;
  /** How many transactional handlers may run at once. */
  readonly transactionSlots: number;
  /** Those of the tasks that are transactional. */
  readonly transactional: readonly string[];
  /** The flags whose jobs it leaves to others, as far as it knows yet; null: none. */
  readonly forbiddenFlags: readonly string[] | null;
}

/** Makes a worker known; from here on its lease is judged by its heartbeat. */
export async function registerWorker(store: Store, worker: WorkerRegistration): Promise<void> {
  await store.db.query(store.sql("workers/register"), [
    worker.id,
    worker.name,
    worker.host,
    worker.pid,
    worker.version,
    worker.queues === undefined ? null : arrayLiteral(worker.queues),
    worker.tasks === undefined ? null : arrayLiteral(worker.tasks),
    worker.concurrency,
    worker.leaseMs,
    worker.transactionSlots,
    arrayLiteral(worker.transactional),
    worker.forbiddenFlags === null ? null : arrayLiteral(worker.forbiddenFlags),
    worker.machine,
    worker.processStart,
  ]);
}

/** Says which flags a worker refuses from now on; null: none. */
export async function setForbiddenFlags(
  store: Store,
  workerId: string,
  flags: readonly string[] | null,
): Promise<void> {
  await store.db.query(store.sql("workers/set-forbidden-flags"), [
    workerId,
    flags === null ? null : arrayLiteral(flags),
  ]);
}

/** The heartbeat; false when the worker has been ended by others, which means that its lease is lost. */
export async function beat(store: Store, workerId: string, timeoutMs?: number): Promise<boolean> {
  const rows = await store.db.query(
    store.sql("workers/beat"),
    [workerId],
    timeoutMs === undefined ? undefined : { timeoutMs },
  );
  return rows.length > 0;
}

/** Says whether enqueues should wake this worker. */
export async function setIdle(store: Store, workerId: string, idle: boolean): Promise<void> {
  await store.db.query(store.sql("workers/set-idle"), [workerId, idle]);
}

/** Ends the session of a transactional handler whose connection is dead, so that it gives up the job's row. */
export async function endSession(store: Store, workerId: string, pid: number): Promise<void> {
  await store.db.query(store.sql("workers/end-session"), [workerId, pid]);
}

/** Ends a worker that has stopped. It does not wait for long: without it, the worker is found to be silent. */
export async function endWorker(store: Store, workerId: string): Promise<void> {
  const options = { timeoutMs: 3_000 };
  await store.db.query(store.sql("workers/end"), [workerId], options);
  await pruneClaims(store, workerId, options);
}

export interface LostWorker {
  readonly id: string;
  readonly lease_ms: number;
  readonly ended: boolean;
  /** Its heartbeat is older than its lease. */
  readonly silent: boolean;
  /** Its process, where it has not ended and ran on the machine asked for. */
  readonly pid: number | null;
  readonly process_start: number | null;
}

/**
 * Workers that fell silent or ended, whose jobs may have to be rescued, and those of a machine, whose processes may be
 * gone; `all` looks at those that ended earlier too.
 */
export function findLostWorkers(
  store: Store,
  { all, machine }: { readonly all: boolean; readonly machine: string | null },
): Promise<readonly LostWorker[]> {
  return store.db.query<LostWorker>(store.sql("workers/find-lost"), [all, machine]);
}

/** Forgets workers that ended long ago. */
export async function pruneWorkers(store: Store): Promise<void> {
  await store.db.query(store.sql("workers/prune"));
}

/** Workers that are not alive and hold jobs claimed longer than `olderThanMs` ago; those nobody knows are made known first. */
export async function findHoldingWorkers(store: Store, olderThanMs: number): Promise<string[]> {
  const rows = await store.db.query<{ id: string; known: boolean }>(
    store.sql("workers/find-holding"),
    [olderThanMs],
  );
  for (const { id } of rows.filter(({ known }) => !known)) {
    await store.db.query(store.sql("workers/register-ended"), [id]);
  }
  return rows.map(({ id }) => id);
}

/** A worker as the database knows it. */
export interface WorkerInfo {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** Of Pawl. */
  readonly version: string;
  /** Null: any queue. */
  readonly queues: readonly string[] | null;
  /** Null: any task. */
  readonly tasks: readonly string[] | null;
  readonly concurrency: number;
  readonly startedAt: Date;
  readonly heartbeatAt: Date;
  /** Whether its heartbeat is younger than its lease: else others are about to take its jobs. */
  readonly isAlive: boolean;
  /** How many jobs it holds: those that it runs, and those that it has claimed ahead. */
  readonly held: number;
}

interface WorkerRow {
  id: string;
  name: string;
  host: string;
  pid: number;
  version: string;
  concurrency: number;
  lease_ms: number;
  queues: string | null;
  tasks: string | null;
  started_at_ms: number;
  heartbeat_at_ms: number;
  silent_ms: number;
  held: number;
}

/** The workers that have not ended. */
export async function listWorkers(store: Store): Promise<WorkerInfo[]> {
  const rows = await store.db.query<WorkerRow>(store.sql("workers/list"));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    host: row.host,
    pid: row.pid,
    version: row.version,
    queues: namesIn(row.queues),
    tasks: namesIn(row.tasks),
    concurrency: row.concurrency,
    startedAt: new Date(row.started_at_ms),
    heartbeatAt: new Date(row.heartbeat_at_ms),
    isAlive: row.silent_ms <= row.lease_ms,
    held: row.held,
  }));
}

function namesIn(list: string | null): string[] | null {
  return list === null ? null : (JSON.parse(list) as string[]); // a text[] of its own
}
