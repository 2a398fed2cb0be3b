import type { Clock } from "../core/clock.ts";
import type { Overview } from "./api.ts";
import type { ReadOverview } from "./context.ts";

/** How long one overview serves everybody who asks, at least. */
export const overviewMs = 2_000;

// A slow one is made more seldom, so that the database has its time; but people wait for it.
const restsFor = 10;
const longestMs = 5_000;

/**
 * Reads an overview at most once in two seconds, and in five when it takes long, whoever and however many ask; a failure is
 * shared as well.
 */
export function shareOverview(read: ReadOverview, now: Clock): ReadOverview {
  let latest: Promise<Overview> | undefined;
  let isRunning = false;
  let readAt = -Infinity;
  let tookMs = 0;
  return () => {
    const ageMs = now() - readAt;
    // Clocks go back, too.
    const isFresh =
      ageMs >= 0 && ageMs < Math.max(overviewMs, Math.min(tookMs * restsFor, longestMs));
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
