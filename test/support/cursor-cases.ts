import { ClaimedJob } from "#pawl/store/claimed-job";
import type { ClaimHeader } from "#pawl/store/claims";

/** The time of a place. */
export function second(place: number): string {
  return `2026-01-01 00:00:${String(place).padStart(2, "0")}.000000+00`;
}

/** A job at `priority@place`: place 5 is job 5, which fell due in second 5. */
export function jobAt(position: string, last?: unknown): ClaimedJob {
  const [priority, place] = position.split("@").map(Number);
  const run_at = second(place ?? 0);
  return new ClaimedJob("default", 1, {
    id: idOf(typeof last === "string" ? last : String(place)),
    task: "task",
    attempt: 1,
    failures: 0,
    max_attempts: 25,
    crashes: 0,
    priority: priority ?? 0,
    run_at,
    created_at: run_at,
    correlation_id: null,
    last_error: null,
    partial_results: null,
    payload: "null",
    keys: null,
  });
}

/** An id that ends so. */
export function idOf(last: string): string {
  return `018f2d3c-0000-7000-8000-${last.padStart(12, "0")}`;
}

/** What a claim says of itself. */
export function header(given: Partial<ClaimHeader> = {}): ClaimHeader {
  return {
    found: 0,
    begun: second(0),
    snapshot: "10:10:",
    xid: "10",
    left: null,
    rewinds: null,
    priorities: null,
    unknown: false,
    arrivals: false,
    horizon: null,
    limited: null,
    ...given,
  };
}
