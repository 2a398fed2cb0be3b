import { arrayLiteral } from "../core/array-literal.ts";
import type { JobReference } from "../core/job.ts";
import type { JobState, OutcomeName } from "../core/states.ts";
import type { Database } from "../db/database.ts";
import { sqlstate } from "../db/sqlstate.ts";
import type { QueryName } from "../db/statements.ts";
import { inBoundedTransaction, type Store } from "./store.ts";

const statementTimeoutMs = 2_000;
const countTimeoutMs = 200;
const maxHolders = 10;

/** A live job, with what its own row and those of its queue, its task and its worker say; times in milliseconds. */
export interface ExplainedJob extends JobReference {
  readonly task: string;
  readonly state: JobState;
  readonly attempt: number;
  readonly failures: number;
  readonly lastError: string | null;
  readonly cancelReason: string | null;
  readonly concurrencyKey: string | null;
  /** The limit that its enqueue gave for its key. */
  readonly concurrencyLimit: number;
  readonly rateLimitKey: string | null;
  readonly rateLimitWeight: number;
  readonly flags: readonly string[];
  readonly runAtMs: number;
  readonly claimedAtMs: number | null;
  readonly nowMs: number;
  readonly isQueuePaused: boolean;
  readonly isTaskPaused: boolean;
  readonly worker: HoldingWorker | undefined;
}

/** Who holds a running job; what is null is not known, because the worker's row is gone. */
export interface HoldingWorker {
  readonly id: string;
  readonly name: string | null;
  readonly host: string | null;
  readonly leaseMs: number | null;
  readonly heartbeatAtMs: number | null;
  readonly hasEnded: boolean;
}

/** How many workers live, and how many of them, with each condition in turn, could take a job. */
export interface TakingWorkers {
  readonly living: number;
  readonly serving: number;
  readonly handling: number;
  readonly taking: number;
}

/** A lane of a concurrency key that is taken. */
export interface TakenLane {
  readonly id: string;
  /** `returning`: the job was taken from its worker, and its handler may still run. */
  readonly state: JobState | "returning";
  readonly workerId: string | null;
  readonly workerName: string | null;
  readonly claimedAtMs: number | null;
}

/** The lanes of a concurrency key: how many there are, and who has the first of those that are taken. */
export interface KeyLanes {
  /** Null when nobody has noted the key yet. */
  readonly limit: number | null;
  readonly taken: number;
  readonly holders: readonly TakenLane[];
}

/** What a rate limit has for one more start; times in milliseconds, null where they do not matter. */
export interface LimitState {
  /** Null when it is not registered. */
  readonly capacity: number | null;
  readonly heldUntilMs: number | null;
  readonly opensAtMs: number | null;
  /** Whether an enqueue has registered it, and no worker has noted that yet. */
  readonly isAnnounced: boolean;
}

/** The places of the workers that could take a job, and how many jobs they hold. */
export interface WorkerPlaces {
  readonly workers: number;
  readonly places: number;
  readonly held: number;
}

/** Everything that was read about a live job. */
export interface JobCircumstances {
  readonly job: ExplainedJob;
  /** What became of its last attempt; undefined when it had none, or its history is not kept. */
  readonly lastAttempt:
    { readonly outcome: OutcomeName; readonly error: string | null } | undefined;
  readonly workers: TakingWorkers;
  /** Those of its flags that some of the workers refuse which would take it otherwise. */
  readonly refusedFlags: readonly string[];
  /** Of a blocked job. */
  readonly lanes: KeyLanes | undefined;
  /** Of a ready job. */
  readonly limit: LimitState | undefined;
}

/** Reads what may keep a live job from running; undefined when there is no such job. Bounded in time, and takes no locks. */
export function readCircumstances(
  store: Store<Database>,
  job: JobReference,
): Promise<JobCircumstances | undefined> {
  return inBoundedTransaction(store, statementTimeoutMs, async (tx) => {
    await tx.db.query(tx.sql("connections/prefer-indexes"));
    const live = await readJob(tx, job);
    if (live === undefined) return undefined;
    const { state, concurrencyKey, rateLimitKey } = live;
    return {
      job: live,
      lastAttempt: state === "scheduled" ? await readLastAttempt(tx, live) : undefined,
      workers: await readWorkers(tx, live),
      refusedFlags: await readRefusals(tx, live),
      lanes:
        state === "blocked" && concurrencyKey !== null
          ? await readLanes(tx, live.queue, concurrencyKey)
          : undefined,
      limit:
        state === "ready" && rateLimitKey !== null
          ? await readLimit(tx, live, rateLimitKey)
          : undefined,
    };
  });
}

interface JobRow {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly state: JobState;
  readonly attempt: number;
  readonly failures: number;
  readonly last_error: string | null;
  readonly cancel_reason: string | null;
  readonly concurrency_key: string | null;
  readonly concurrency_limit: number | null;
  readonly rate_limit_key: string | null;
  readonly rate_limit_weight: number | null;
  readonly flags: string | null;
  readonly run_at_ms: number;
  readonly claimed_at_ms: number | null;
  readonly now_ms: number;
  readonly queue_paused: boolean;
  readonly task_paused: boolean;
  readonly worker_id: string | null;
  readonly worker_name: string | null;
  readonly worker_host: string | null;
  readonly lease_ms: number | null;
  readonly worker_ended: boolean;
  readonly heartbeat_at_ms: number | null;
}

async function readJob(
  store: Store,
  { queue, id }: JobReference,
): Promise<ExplainedJob | undefined> {
  const [row] = await store.db.query<JobRow>(store.sql("jobs/explain"), [queue, id]);
  if (row === undefined) return undefined;
  return {
    id: row.id,
    queue: row.queue,
    task: row.task,
    state: row.state,
    attempt: row.attempt,
    failures: row.failures,
    lastError: row.last_error,
    cancelReason: row.cancel_reason,
    concurrencyKey: row.concurrency_key,
    concurrencyLimit: row.concurrency_limit ?? 1,
    rateLimitKey: row.rate_limit_key,
    rateLimitWeight: row.rate_limit_weight ?? 1,
    flags: row.flags === null ? [] : (JSON.parse(row.flags) as string[]), // a text[] of its own
    runAtMs: row.run_at_ms,
    claimedAtMs: row.claimed_at_ms,
    nowMs: row.now_ms,
    isQueuePaused: row.queue_paused,
    isTaskPaused: row.task_paused,
    worker: workerOf(row),
  };
}

function workerOf(row: JobRow): HoldingWorker | undefined {
  if (row.worker_id === null) return undefined;
  return {
    id: row.worker_id,
    name: row.worker_name,
    host: row.worker_host,
    leaseMs: row.lease_ms,
    heartbeatAtMs: row.heartbeat_at_ms,
    hasEnded: row.worker_ended,
  };
}

async function readLastAttempt(
  store: Store,
  { queue, id, attempt }: ExplainedJob,
): Promise<JobCircumstances["lastAttempt"]> {
  const [row] = await store.db.query<{ outcome: OutcomeName; error: string | null }>(
    store.sql("jobs/explain-attempt"),
    [queue, id, attempt],
  );
  return row;
}

async function readWorkers(store: Store, job: ExplainedJob): Promise<TakingWorkers> {
  const [row] = await store.db.query<TakingWorkers>(store.sql("jobs/explain-workers"), wants(job));
  return row ?? { living: 0, serving: 0, handling: 0, taking: 0 };
}

async function readRefusals(store: Store, job: ExplainedJob): Promise<readonly string[]> {
  if (job.flags.length === 0) return [];
  const rows = await store.db.query<{ flag: string }>(
    store.sql("jobs/explain-refusals"),
    wants(job),
  );
  return rows.map(({ flag }) => flag);
}

// What a worker must take: the queue, the task and the flags.
function wants({ queue, task, flags }: ExplainedJob): [string, string, string] {
  return [queue, task, arrayLiteral(flags)];
}

async function readLanes(store: Store, queue: string, key: string): Promise<KeyLanes> {
  const rows = await store.db.query<{
    id: string;
    state: TakenLane["state"];
    worker_id: string | null;
    worker_name: string | null;
    claimed_at_ms: number | null;
    max_running: number | null;
    taken: number;
  }>(store.sql("jobs/explain-key"), [queue, key, maxHolders]);
  return {
    limit: rows[0]?.max_running ?? null,
    taken: rows[0]?.taken ?? 0,
    holders: rows.map((row) => ({
      id: row.id,
      state: row.state,
      workerId: row.worker_id,
      workerName: row.worker_name,
      claimedAtMs: row.claimed_at_ms,
    })),
  };
}

async function readLimit(store: Store, job: ExplainedJob, key: string): Promise<LimitState> {
  const [row] = await store.db.query<{
    capacity: number | null;
    held_until_ms: number | null;
    opens_at_ms: number | null;
    announced: boolean;
  }>(store.sql("jobs/explain-limit"), [key, job.rateLimitWeight]);
  return {
    capacity: row?.capacity ?? null,
    heldUntilMs: row?.held_until_ms ?? null,
    opensAtMs: row?.opens_at_ms ?? null,
    isAnnounced: row?.announced ?? false,
  };
}

/** What a waiting job stands in: all jobs of its queue, the line of its concurrency key, or that of its rate limit. */
export type LineKind = "queue" | "concurrencyKey" | "rateLimit";

const countStatements: Readonly<Record<LineKind, QueryName>> = {
  queue: "jobs/explain-ready-before",
  concurrencyKey: "jobs/explain-blocked-before",
  rateLimit: "jobs/explain-limited-before",
};

/** How many jobs stand before a job, up to `limit`; null when they could not be counted in time. */
export async function countBefore(
  store: Store<Database>,
  { queue, id }: JobReference,
  { kind, limit }: { readonly kind: LineKind; readonly limit: number },
): Promise<number | null> {
  return unlessTooSlow(store, async (tx) => {
    const statement = tx.sql(countStatements[kind]);
    const [row] = await tx.db.query<{ before: number }>(statement, [queue, id, limit]);
    return row?.before ?? 0;
  });
}

/** How busy the workers are that could take a job; null when it could not be found out in time. */
export async function readPlaces(
  store: Store<Database>,
  job: ExplainedJob,
): Promise<WorkerPlaces | null> {
  return unlessTooSlow(store, async (tx) => {
    const [row] = await tx.db.query<WorkerPlaces>(tx.sql("jobs/explain-places"), wants(job));
    return row ?? { workers: 0, places: 0, held: 0 };
  });
}

// With an old snapshot held, what is gone may have to be walked over: an answer without the number is better than none.
async function unlessTooSlow<T>(
  store: Store<Database>,
  read: (tx: Store) => Promise<T>,
): Promise<T | null> {
  try {
    return await inBoundedTransaction(store, countTimeoutMs, async (tx) => {
      await tx.db.query(tx.sql("connections/prefer-indexes"));
      return read(tx);
    });
  } catch (error) {
    if (sqlstate(error) === "57014") return null;
    throw error;
  }
}
