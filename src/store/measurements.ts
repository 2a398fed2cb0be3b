import type { Database } from "../db/database.ts";
import type { JobCounts } from "./catalog.ts";
import { inTransaction, type Store } from "./store.ts";

/** How much waits in a queue. */
export interface QueueMeasurement {
  readonly name: string;
  /** Each up to 10,000: more are not counted. */
  readonly counts: JobCounts;
  /** For how long the oldest ready job among those counted could have run, in milliseconds; null when none is ready. */
  readonly oldestReadyMs: number | null;
}

/** How much there is to do and who is there to do it, at a price that does not grow with the number of jobs. */
export interface Measurement {
  /** The first 1,000 queues with live jobs, by name. */
  readonly queues: readonly QueueMeasurement[];
  readonly workers: {
    /** Those whose lease has not ended. */
    readonly alive: number;
    /** Those that were found dead within the last day. */
    readonly crashed: number;
  };
  /** The database's time. */
  readonly now: Date;
}

type QueueRow = JobCounts & { readonly name: string; readonly oldest_ready_ms: number | null };

interface WorkersRow {
  readonly alive: number;
  readonly crashed: number;
  readonly now_ms: number;
}

const statementTimeoutMs = 2_000;
const countUpTo = 10_000;

/** Measures what there is, within 2 seconds a statement; rejects with the database's error when that is not enough. */
export function measure(store: Store<Database>): Promise<Measurement> {
  return inTransaction(store, async ({ db, sql }) => {
    await db.query(sql("transactions/bound-statements"), [String(statementTimeoutMs)]);
    const queues = await db.query<QueueRow>(sql("queues/measure"), [countUpTo]);
    const [row] = await db.query<WorkersRow>(sql("workers/measure"));
    return {
      queues: queues.map(toMeasurement),
      workers: { alive: row?.alive ?? 0, crashed: row?.crashed ?? 0 },
      now: new Date(row?.now_ms ?? NaN),
    };
  });
}

function toMeasurement(row: QueueRow): QueueMeasurement {
  const { name, scheduled, ready, blocked, running, oldest_ready_ms: oldestReadyMs } = row;
  return { name, counts: { scheduled, ready, blocked, running }, oldestReadyMs };
}
