import type { Store } from "./store.ts";

/** A rate limit, and what counts against it now. */
export interface RateLimitRow {
  readonly key: string;
  readonly capacity: number;
  readonly interval_ms: number;
  readonly is_sliding: boolean;
  readonly used: number;
  readonly window_ends_at_ms: number | null;
  readonly held_until_ms: number | null;
}

/** Makes a rate limit, or changes it. */
export async function registerRateLimit(
  store: Store,
  limit: {
    readonly key: string;
    readonly capacity: number;
    readonly intervalMs: number;
    readonly isSliding: boolean;
  },
): Promise<void> {
  await store.db.query(store.sql("rate-limits/register"), [
    limit.key,
    limit.capacity,
    limit.intervalMs,
    limit.isSliding,
  ]);
}

/** Empties fixed windows that have passed; resolves with how many. */
export async function refillRateLimits(store: Store): Promise<number> {
  const [row] = await store.db.query<{ refilled: number }>(store.sql("rate-limits/refill"));
  return row?.refilled ?? 0;
}

/** All rate limits by key, or the one of this key. */
export function listRateLimits(store: Store, key?: string): Promise<readonly RateLimitRow[]> {
  return store.db.query<RateLimitRow>(store.sql("rate-limits/list"), [key ?? null]);
}

/** Removes a rate limit unless a live job needs it. */
export async function removeRateLimit(
  store: Store,
  key: string,
): Promise<"removed" | "needed" | "missing"> {
  const [row] = await store.db.query<{ removed: boolean; existed: boolean }>(
    store.sql("rate-limits/remove"),
    [key],
  );
  if (row?.removed === true) return "removed";
  return row?.existed === true ? "needed" : "missing";
}
