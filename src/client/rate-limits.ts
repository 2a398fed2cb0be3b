import { parseDuration, type Duration } from "../core/duration.ts";
import { RateLimitError } from "../core/errors.ts";
import type { RateLimitMode } from "../core/key-options.ts";
import { checkKeys, integerBetween, invalidOption, oneOf, shortText } from "../core/options.ts";
import type { Database } from "../db/database.ts";
import {
  listRateLimits,
  refillRateLimits,
  registerRateLimit,
  removeRateLimit,
  type RateLimitRow,
} from "../store/rate-limits.ts";
import { storeOn, type Store } from "../store/store.ts";

/** What `pawl.rateLimits.register` takes. */
export interface RateLimitRegistration {
  /** How much weight may start in an interval. */
  readonly capacity: number;
  /** How long an interval is: `"1 minute"`. */
  readonly interval: Duration;
  /** Default `"fixed"`. */
  readonly mode?: RateLimitMode;
  /** The caller's open transaction: the change counts when it commits. */
  readonly db?: object;
}

/** A rate limit, and what counts against it now. */
export interface RateLimit {
  readonly key: string;
  readonly capacity: number;
  readonly intervalMs: number;
  readonly mode: RateLimitMode;
  /** The weight that has started in the window, or in the last interval. */
  readonly used: number;
  /** When the window ends; null when none is open, or the limit is sliding. */
  readonly windowEndsAt: Date | null;
  /** Until when a handler holds the key back; null when none does. */
  readonly heldUntil: Date | null;
}

const highestCapacity = 2_147_483_647;
const modes = ["fixed", "sliding"] as const;

/** The rate limits: each is for all queues and all workers together. */
export class RateLimits {
  readonly #store: Store<Database>;

  constructor(store: Store<Database>) {
    this.#store = store;
  }

  /**
   * Makes a rate limit, or changes it: what was used still counts, and waiting jobs see the change at once. Throws
   * `OptionError`, `TransactionError` and `DatabaseError`.
   */
  async register(key: string, options: RateLimitRegistration): Promise<void> {
    const limit = checkLimit(key, options);
    const { db } = options;
    const store = db === undefined ? this.#store : storeOn(this.#store, this.#store.db.join(db));
    await registerRateLimit(store, limit);
  }

  /** Empties fixed windows that have passed, and resolves with how many; a claim does the same for its own key. */
  refill(): Promise<number> {
    return refillRateLimits(this.#store);
  }

  /** All rate limits, by key. */
  async list(): Promise<RateLimit[]> {
    const rows = await listRateLimits(this.#store);
    return rows.map(toRateLimit);
  }

  /** One rate limit; undefined when there is none. Throws `OptionError`. */
  async get(key: string): Promise<RateLimit | undefined> {
    const [row] = await listRateLimits(this.#store, shortText("key", key));
    return row && toRateLimit(row);
  }

  /**
   * Removes a rate limit; false when there is none. Throws `RateLimitError` while a live job needs it, and `OptionError`.
   */
  async remove(key: string): Promise<boolean> {
    const outcome = await removeRateLimit(this.#store, shortText("key", key));
    if (outcome !== "needed") return outcome === "removed";
    throw new RateLimitError(
      "PAWL_RATE_LIMIT_IN_USE",
      `expected no live job with the rate limit "${key}", got some; ` +
        "let them end or cancel them first, or register another capacity",
      key,
    );
  }
}

function checkLimit(
  key: string,
  options: RateLimitRegistration,
): Parameters<typeof registerRateLimit>[1] {
  checkKeys("rateLimits.register", options, ["capacity", "interval", "mode", "db"]);
  const intervalMs = parseDuration(options.interval, "interval");
  if (intervalMs === 0) throw invalidOption("interval", "a duration above zero", options.interval);
  return {
    key: shortText("key", key),
    capacity: integerBetween("capacity", options.capacity, 1, highestCapacity),
    intervalMs,
    isSliding: oneOf("mode", options.mode ?? "fixed", modes) === "sliding",
  };
}

function toRateLimit(row: RateLimitRow): RateLimit {
  return {
    key: row.key,
    capacity: row.capacity,
    intervalMs: row.interval_ms,
    mode: row.is_sliding ? "sliding" : "fixed",
    used: row.used,
    windowEndsAt: row.window_ends_at_ms === null ? null : new Date(row.window_ends_at_ms),
    heldUntil: row.held_until_ms === null ? null : new Date(row.held_until_ms),
  };
}
