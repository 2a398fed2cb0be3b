import type { Database, Value } from "../db/database.ts";
import type { QueryName } from "../db/statements.ts";
import { inBoundedTransaction, storeOn, type Store } from "./store.ts";

/** No statement of a diagnosis takes longer, in milliseconds. */
export const diagnosisTimeoutMs = 2_000;

/** What server it is, and what the role may see of it. */
export interface ServerFacts {
  /** As in `server_version_num`: 180004 is 18.4. */
  readonly versionNumber: number;
  readonly version: string;
  readonly role: string;
  /** The statement that lets the role see all sessions. */
  readonly grant: string;
  /** Sessions of other roles that this one may not look into. */
  readonly hiddenSessions: number;
  /** Whether the server vacuums by itself, and counts what is to be vacuumed. */
  readonly isVacuuming: boolean;
}

/** Asks what server it is. */
export async function readServer(store: Store<Database>): Promise<ServerFacts> {
  const [facts] = await read<ServerFacts>(store, "diagnosis/server");
  if (facts === undefined) throw new RangeError("expected the server to say what it is");
  return facts;
}

/** The server's own clock, in milliseconds since the epoch. */
export async function readServerClock(store: Store): Promise<number> {
  const [row] = await store.db.query<{ nowMs: number }>(store.sql("diagnosis/clock"));
  return row?.nowMs ?? 0;
}

/** Which server process answers. */
export async function readBackend(store: Store): Promise<number> {
  const [row] = await store.db.query<{ processId: number }>(store.sql("connections/backend"));
  return row?.processId ?? 0;
}

/** A column, index, constraint, trigger or function of a schema. */
export interface CatalogPart {
  readonly kind: "column" | "index" | "constraint" | "trigger" | "function";
  /** The table; null of a function. */
  readonly owner: string | null;
  readonly name: string;
  /** Of its definition. */
  readonly hash: string;
  /** What makes it; null unless it is an index. */
  readonly statement: string | null;
}

/** What a schema is made of, in which it is called by another name if one is given. Only in a transaction. */
export async function readCatalog(
  tx: Store,
  { schema, as = schema }: { readonly schema: string; readonly as?: string },
): Promise<readonly CatalogPart[]> {
  await tx.db.query(tx.sql("diagnosis/hide-schemas"));
  return tx.db.query<CatalogPart>(tx.sql("diagnosis/catalog"), [schema, as]);
}

/** Runs `work` in a transaction whose statements are bounded, and rolls it back whatever happens. */
export async function inTrial<T>(
  store: Store<Database>,
  timeoutMs: number,
  work: (tx: Store) => Promise<T>,
): Promise<T> {
  const transaction = await store.db.begin();
  try {
    const tx = storeOn(store, transaction);
    await tx.db.query(tx.sql("connections/bound-statements"), [String(timeoutMs)]);
    return await work(tx);
  } finally {
    await transaction.rollback();
  }
}

/** A day for which the history has no partition. */
export interface MissingPartition {
  /** As in `2026-11-29`. */
  readonly day: string;
  /** In how many days it is needed. */
  readonly ahead: number;
}

/** The days for which partitions are missing, up to `daysAhead` from now. */
export function findMissingPartitions(
  store: Store<Database>,
  retentionMs: number,
  daysAhead: number,
): Promise<readonly MissingPartition[]> {
  return read(store, "diagnosis/missing-partitions", [retentionMs, daysAhead]);
}

/** An index that nobody can use. */
export interface InvalidIndex {
  readonly name: string;
  readonly table: string;
  /** The statement that makes it anew. */
  readonly remedy: string;
}

/** The indexes whose making has failed. */
export function findInvalidIndexes(store: Store<Database>): Promise<readonly InvalidIndex[]> {
  return read(store, "diagnosis/invalid-indexes");
}

/** Jobs that a worker holds which is gone. */
export interface StuckJobs {
  readonly workerId: string;
  readonly name: string | null;
  readonly host: string | null;
  readonly fate: "ended" | "silent" | "unknown";
  /** How long ago it was last heard of; null when nobody knows. */
  readonly goneMs: number | null;
  readonly jobs: number;
  /** Since when the first of them is held. */
  readonly heldMs: number;
}

/** The jobs of workers that are gone, which should have been rescued. */
export function findStuckJobs(store: Store<Database>): Promise<readonly StuckJobs[]> {
  return readByIndexes(store, "diagnosis/stuck-jobs");
}

/** Waiting jobs of one task in one queue that no living worker takes. */
export interface UnservedJobs {
  readonly queue: string;
  readonly task: string;
  /** How many of them are among the first of the queue. */
  readonly jobs: number;
  readonly waitedMs: number;
  /** Whether a living worker serves the queue. */
  readonly isQueueServed: boolean;
}

/** The waiting jobs that no living worker takes, those that have waited longest first. */
export function findUnservedJobs(
  store: Store<Database>,
  limit: number,
): Promise<readonly UnservedJobs[]> {
  return readByIndexes(store, "diagnosis/unserved-jobs", [limit]);
}

/** How a table is kept, by the server's estimates. */
export interface TableHealth {
  readonly name: string;
  /** With its schema, quoted where needed. */
  readonly fullName: string;
  readonly live: number;
  readonly dead: number;
  /** How long ago it was vacuumed; null: never. */
  readonly vacuumedMs: number | null;
  readonly isAnalyzed: boolean;
  /** Whether the server may vacuum it by itself. */
  readonly isVacuumed: boolean;
}

/** How each of the tables is kept. */
export function readTables(store: Store<Database>): Promise<readonly TableHealth[]> {
  return read(store, "diagnosis/tables");
}

/** What keeps the server from removing rows that have died. */
export interface HorizonHolder {
  readonly kind: "session" | "prepared" | "slot";
  readonly name: string;
  readonly pid: number | null;
  readonly role: string | null;
  readonly state: string | null;
  /** For how long; null when nobody knows. */
  readonly heldMs: number | null;
  /** How many transactions have begun since. */
  readonly transactions: number;
  /** Whether only rows of the catalogs are concerned. */
  readonly isCatalogsOnly: boolean;
  /** The statement that gets rid of it. */
  readonly remedy: string;
}

/** What holds the xmin horizon, the oldest first. */
export function findHorizonHolders(
  store: Store<Database>,
  limit: number,
): Promise<readonly HorizonHolder[]> {
  return read(store, "diagnosis/horizon", [limit]);
}

function read<R extends object>(
  store: Store<Database>,
  name: QueryName,
  values: readonly Value[] = [],
): Promise<readonly R[]> {
  return inBoundedTransaction(store, diagnosisTimeoutMs, (tx) =>
    tx.db.query<R>(tx.sql(name), values),
  );
}

function readByIndexes<R extends object>(
  store: Store<Database>,
  name: QueryName,
  values: readonly Value[] = [],
): Promise<readonly R[]> {
  return inBoundedTransaction(store, diagnosisTimeoutMs, async (tx) => {
    await tx.db.query(tx.sql("connections/prefer-indexes"));
    return tx.db.query<R>(tx.sql(name), values);
  });
}
