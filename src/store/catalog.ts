import { arrayLiteral } from "../core/array-literal.ts";
import type { JobReference } from "../core/job.ts";
import type { JobState } from "../core/states.ts";
import { toLiveJob, type LiveJob, type LiveJobRow } from "./inspection.ts";
import type { Store } from "./store.ts";

/** Which live jobs to list; undefined: any. */
export interface JobSelection {
  readonly queue: string | undefined;
  readonly task: string | undefined;
  readonly state: JobState | undefined;
  readonly correlationId: string | undefined;
  readonly concurrencyKey: string | undefined;
  /** The last job of the page before. */
  readonly after: JobReference | undefined;
  readonly limit: number;
}

/** A page of live jobs, in the order of queues and ids. */
export async function listJobs(
  store: Store,
  selection: JobSelection,
): Promise<Omit<LiveJob, "payloadText">[]> {
  const rows = await store.db.query<LiveJobRow>(store.sql("jobs/list"), [
    selection.queue ?? null,
    selection.task ?? null,
    selection.state ?? null,
    selection.correlationId ?? null,
    selection.concurrencyKey ?? null,
    selection.after?.queue ?? null,
    selection.after?.id ?? null,
    selection.limit,
  ]);
  return rows.map(toLiveJob);
}

/** How many live jobs there are in each state. */
export type JobCounts = Readonly<Record<JobState, number>>;

/** A queue, and what waits in it. */
export interface QueueInfo {
  readonly name: string;
  readonly paused: boolean;
  readonly counts: JobCounts;
  /** Since when the ready job has waited that has waited longest; null when none is ready. */
  readonly oldestReadyAt: Date | null;
}

/** A task, and what waits of it. */
export interface TaskInfo {
  readonly name: string;
  readonly paused: boolean;
  readonly counts: JobCounts;
}

type CountedRow = JobCounts & { readonly name: string; readonly paused: boolean };

/** Every queue with live jobs, or of which something is known; `upTo`: counts no further in each state. */
export async function listQueues(store: Store, upTo?: number): Promise<QueueInfo[]> {
  const rows = await store.db.query<CountedRow & { oldest_ready_ms: number | null }>(
    store.sql(upTo === undefined ? "queues/list" : "queues/list-up-to"),
    upTo === undefined ? [] : [upTo],
  );
  return rows.map((row) => ({
    ...toCounted(row),
    oldestReadyAt: row.oldest_ready_ms === null ? null : new Date(row.oldest_ready_ms),
  }));
}

/** Every task with live jobs, or of which something is known. */
export async function listTasks(store: Store): Promise<TaskInfo[]> {
  return (await store.db.query<CountedRow>(store.sql("tasks/list"))).map(toCounted);
}

/** The names of the tasks that are paused. */
export async function listPausedTasks(store: Store): Promise<string[]> {
  const rows = await store.db.query<{ name: string }>(store.sql("tasks/paused"));
  return rows.map(({ name }) => name);
}

function toCounted({ name, paused, scheduled, ready, blocked, running }: CountedRow): TaskInfo {
  return { name, paused, counts: { scheduled, ready, blocked, running } };
}

/** Pauses or resumes a queue or a task; true when that was a change. */
export async function setPaused(
  store: Store,
  kind: "queues" | "tasks",
  { name, isPaused }: { readonly name: string; readonly isPaused: boolean },
): Promise<boolean> {
  const statement = store.sql(kind === "queues" ? "queues/set-paused" : "tasks/set-paused");
  const [row] = await store.db.query<{ changed: boolean }>(statement, [name, isPaused]);
  return row?.changed ?? false;
}

/** A concurrency key of a queue. */
export interface ConcurrencyKeyInfo {
  readonly queue: string;
  readonly key: string;
  /** How many of its jobs may run at a time. */
  readonly limit: number;
  readonly running: number;
  /** How many of its jobs wait for their turn, or are about to start. */
  readonly waiting: number;
}

/** A page of the concurrency keys that are known, in the order of queues and keys. */
export async function listConcurrencyKeys(
  store: Store,
  selection: {
    readonly queue: string | undefined;
    readonly after: { readonly queue: string; readonly key: string } | undefined;
    readonly limit: number;
  },
): Promise<readonly ConcurrencyKeyInfo[]> {
  return store.db.query<ConcurrencyKeyInfo>(store.sql("keys/list"), [
    selection.queue ?? null,
    selection.after?.queue ?? null,
    selection.after?.key ?? null,
    selection.limit,
  ]);
}

/** Takes the running jobs of concurrency keys (undefined: of all) from their workers; resolves with how many. */
export async function unlockKeys(
  store: Store,
  keys: readonly { readonly queue: string | null; readonly key: string }[] | undefined,
): Promise<number> {
  const [row] = await store.db.query<{ unlocked: number }>(store.sql("keys/unlock"), [
    keys === undefined ? null : arrayLiteral(keys.map(({ queue }) => queue)),
    keys === undefined ? null : arrayLiteral(keys.map(({ key }) => key)),
  ]);
  return row?.unlocked ?? 0;
}
