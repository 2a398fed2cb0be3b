import { optional, queueName } from "../../core/options.ts";
import { listBusyWorkers, measureConcurrencyKeys } from "../../store/dashboard-catalog.ts";
import { decodeKeyPosition, encodePosition } from "../../store/dashboard-position.ts";
import type { Count, KeysPage, KeysParams, RateLimitRow, WorkerRow } from "../api.ts";
import type { ReadContext } from "../context.ts";
import { checkLimit } from "./pages.ts";

const mostRunning = 20;
const keysBudgetMs = 150;

/** The workers that have not ended, with what each has held longest. */
export async function readWorkers({
  store,
}: ReadContext): Promise<{ readonly workers: readonly WorkerRow[] }> {
  return { workers: await listBusyWorkers(store, mostRunning) };
}

/** The rate limits, with what counts against them now. */
export async function readRateLimits({
  pawl,
}: ReadContext): Promise<{ readonly limits: readonly RateLimitRow[] }> {
  const limits = await pawl.rateLimits.list();
  return {
    limits: limits.map((limit) => ({
      ...{ key: limit.key, capacity: limit.capacity, intervalMs: limit.intervalMs },
      ...{ mode: limit.mode, used: limit.used },
      windowEndsAt: limit.windowEndsAt?.toISOString() ?? null,
      heldUntil: limit.heldUntil?.toISOString() ?? null,
    })),
  };
}

/** A page of the concurrency keys that are known, by queue and key. Throws `OptionError`. */
export async function readConcurrencyKeys(
  { store }: ReadContext,
  { queue, after, limit }: KeysParams,
): Promise<KeysPage> {
  const most = checkLimit(limit);
  const given = queue === "" ? undefined : queue;
  const keys = await measureConcurrencyKeys(store, {
    queue: optional(given, (value) => queueName("queue", value)) ?? null,
    after:
      after === undefined || after === ""
        ? { queue: "", key: "" }
        : decodeKeyPosition("after", after),
    ...{ limit: most, budgetMs: keysBudgetMs },
  });
  const last = keys.length === most ? keys.at(-1) : undefined;
  const counted = keys.map(({ up_to: upTo, running, waiting, ...known }) => {
    const bounded = (count: number): Count => ({ count, isAtLeast: count >= upTo });
    return { ...known, running: bounded(running), waiting: bounded(waiting) };
  });
  return {
    keys: counted,
    next: last === undefined ? null : encodePosition([last.queue, last.key]),
  };
}
