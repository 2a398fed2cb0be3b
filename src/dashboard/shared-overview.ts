import type { Clock } from "../core/clock.ts";
import type { Overview } from "./api.ts";
import type { ReadOverview } from "./context.ts";

/** How long one overview serves everybody who asks, at least. */
export const overviewMs = 2_000;

// It takes no more than this share of a connection's time, however slow the database is.
const longestShare = 1 / 25;

/**
 * Reads an overview at most once in two seconds, and seldom enough to leave the database its time, whoever and however many ask;
 * a failure is shared as well.
 */
export function shareOverview(read: ReadOverview, now: Clock): ReadOverview {
  let latest: Promise<Overview> | undefined;
  let isRunning = false;
  let readAt = -Infinity;
  let tookMs = 0;
  return () => {
    const ageMs = now() - readAt;
    // Clocks go back, too.
    const isFresh = ageMs >= 0 && ageMs < Math.max(overviewMs, tookMs / longestShare);
    if (latest !== undefined && (isRunning || isFresh)) return latest;
    isRunning = true;
    readAt = now();
    latest = read().finally(() => {
      isRunning = false;
      tookMs = Math.max(0, now() - readAt);
    });
    return latest;
  };
}
