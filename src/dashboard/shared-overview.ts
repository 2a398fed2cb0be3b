import type { Clock } from "../core/clock.ts";
import type { Overview } from "./api.ts";

/** For how long one overview serves everybody who asks, in milliseconds. */
export const overviewMs = 2_000;

/** Reads an overview at most once in two seconds, whoever and however many ask; a failure is shared as well. */
export function shareOverview(
  read: () => Promise<Overview>,
  now: Clock,
): () => Promise<Overview> {
  let latest: Promise<Overview> | undefined;
  let isRunning = false;
  let readAtMs = 0;
  return () => {
    const ageMs = now() - readAtMs;
    // Clocks go back, too.
    const isFresh = ageMs >= 0 && ageMs < overviewMs;
    if (latest !== undefined && (isRunning || isFresh)) return latest;
    isRunning = true;
    readAtMs = now();
    latest = read().finally(() => {
      isRunning = false;
    });
    return latest;
  };
}
