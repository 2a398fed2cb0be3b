import type { Clock } from "../core/clock.ts";
import type { Overview } from "./api.ts";
import type { ReadOverview } from "./context.ts";

/** How long one overview serves everybody who asks. */
export const overviewMs = 2_000;

/** Reads an overview at most once in two seconds, whoever and however many ask; a failure is shared as well. */
export function shareOverview(read: ReadOverview, now: Clock): ReadOverview {
  let latest: Promise<Overview> | undefined;
  let isRunning = false;
  let readAt = -Infinity;
  return () => {
    const ageMs = now() - readAt;
    // Clocks go back, too.
    const isFresh = ageMs >= 0 && ageMs < overviewMs;
    if (latest !== undefined && (isRunning || isFresh)) return latest;
    isRunning = true;
    readAt = now();
    latest = read().finally(() => {
      isRunning = false;
    });
    return latest;
  };
}
