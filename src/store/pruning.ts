import type { Value } from "../db/database.ts";
import type { QueryName } from "../db/statements.ts";
import type { Store } from "./store.ts";

const batch = 1_000;
const largeBatch = 10_000;
// A bound for every loop: what is left over is for the next time.
const maxBatches = 10_000;

/** Removes concurrency keys that no live job has and nothing holds; resolves with how many. */
export async function pruneConcurrencyKeys(store: Store): Promise<number> {
  let pruned = 0;
  let after: { queue: string; key: string } | undefined = { queue: "", key: "" };
  for (let turn = 0; after !== undefined && turn < maxBatches; turn += 1) {
    const values: string[] = [after.queue, after.key];
    const rows = await store.db.query<KeysRow>(store.sql("concurrency-keys/prune"), [
      ...values,
      batch,
    ]);
    pruned += rows[0]?.pruned ?? 0;
    after = keyBehind(rows[0]);
  }
  return pruned;
}

function keyBehind(row: KeysRow | undefined): { queue: string; key: string } | undefined {
  const { last_queue: queue = null, last_key: key = null } = row ?? {};
  return queue === null || key === null ? undefined : { queue, key };
}

interface KeysRow {
  readonly pruned: number;
  readonly last_queue: string | null;
  readonly last_key: string | null;
}

/** Removes rows of queues that are not paused and have no live jobs; resolves with how many. */
export async function pruneQueueRows(store: Store): Promise<number> {
  let pruned = 0;
  let after: string | null = "";
  for (let turn = 0; after !== null && turn < maxBatches; turn += 1) {
    const [row]: readonly QueuesRow[] = await store.db.query<QueuesRow>(store.sql("queues/prune"), [
      after,
      batch,
    ]);
    pruned += row?.pruned ?? 0;
    after = row?.last_queue ?? null;
  }
  return pruned;
}

interface QueuesRow {
  readonly pruned: number;
  readonly last_queue: string | null;
}

/** Removes throttles that are over; resolves with how many. */
export function pruneThrottles(store: Store): Promise<number> {
  return inBatches(store, "throttles/prune");
}

/** Removes starts that no longer count against a sliding rate limit; resolves with how many. */
export function pruneRateLimitStarts(store: Store): Promise<number> {
  return inBatches(store, "rate-limits/prune-starts");
}

/** Removes what a dashboard keeps, when it is older; resolves with how many rows. */
export async function pruneDashboard(store: Store, olderThanMs: number): Promise<number> {
  const entries = await inBatches(store, "audit/prune", [olderThanMs]);
  return entries + (await inBatches(store, "operations/prune", [olderThanMs]));
}

async function inBatches(
  store: Store,
  query: QueryName,
  values: readonly Value[] = [],
): Promise<number> {
  let pruned = 0;
  for (let turn = 0; turn < maxBatches; turn += 1) {
    const [row] = await store.db.query<{ pruned: number }>(store.sql(query), [
      largeBatch,
      ...values,
    ]);
    pruned += row?.pruned ?? 0;
    if ((row?.pruned ?? 0) < largeBatch) break;
  }
  return pruned;
}
