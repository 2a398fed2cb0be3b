import { rateLimits } from "../workloads/limits.ts";
import { eventsOf, type Evidence, type Violation } from "./evidence.ts";

// Of two clocks, read one after the other.
const slackMs = 20;

/**
 * In every window, what starts weighs no more than the capacity. The windows of a fixed limit are those that the database has
 * opened; of a sliding one, any span is one.
 */
export function checkRateLimits(evidence: Evidence): Violation[] {
  const { final, jobs, clockOffsetMs } = evidence;
  const starts = eventsOf(evidence, "started").flatMap(({ n, at }) => {
    const asked = jobs.get(n)?.options.rateLimit;
    return asked?.key === undefined
      ? []
      : [{ key: asked.key, atMs: at + clockOffsetMs, weight: asked.weight ?? 1 }];
  });
  return Object.values(rateLimits).flatMap((limit) => {
    const own = starts.filter(({ key }) => key === limit.key);
    const opened = final.windows.filter(({ key }) => key === limit.key);
    const windows =
      limit.mode === "fixed"
        ? opened.map(({ startedAtMs }) => startedAtMs)
        : own.map(({ atMs }) => atMs);
    return windows.flatMap((from) => {
      const until = from + limit.interval - slackMs;
      const within = own.filter(({ atMs }) => atMs >= from && atMs < until);
      const weight = within.reduce((sum, start) => sum + start.weight, 0);
      if (weight <= limit.capacity) return [];
      const what = `${weight} of "${limit.key}" started in a window, and ${limit.capacity} may`;
      return [{ invariant: "rate limit", what } as const];
    });
  });
}
