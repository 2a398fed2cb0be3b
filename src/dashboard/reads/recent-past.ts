import type { OutcomeName } from "../../core/states.ts";
import {
  readRecentAttempts,
  type EndedInterval,
  type MeasuredQueue,
  type RecentAttempts,
} from "../../store/dashboard-queues.ts";
import type { Store } from "../../store/store.ts";
import type { Database } from "../../db/database.ts";
import type { Percentiles, Sample } from "../api.ts";

/** The length of the intervals of every series. */
export const intervalMs = 5_000;

const windowMs = 15 * 60_000;
const upTo = 4_000;
// Of a moment, a rate says nothing, unless much has happened in it.
const leastCoveredMs = 1_000;
const leastEnded = 1_000;
// Somebody who looks away for longer sees a new line begin.
const longestGap = 12;
const lastMinute = 60_000 / intervalMs;

interface KnownInterval extends EndedInterval {
  /** How much of the interval was looked at. */
  readonly coveredMs: number;
}

/** How many attempts ended in a queue, and how many of them failed. */
export interface Endings {
  readonly ended: number;
  readonly failed: number;
}

/** What is remembered of the last minutes, as far as somebody was looking: the database is asked for what is new. */
export class RecentPast {
  readonly #intervals = new Map<number, KnownInterval>();
  readonly #depths = new Map<string, number[]>();
  #depthsAt: number | undefined;
  #nowMs: number | null = null;

  /** Reads what has ended since the last time; of many thousands, the newest. Resolves with the database's time. */
  async readOn(store: Store<Database>): Promise<number> {
    // What commits late stands in an interval that was read already.
    const sinceMs = this.#nowMs === null ? null : startOf(this.#nowMs) - intervalMs;
    const read = await readRecentAttempts(store, { sinceMs, intervalMs, upTo, windowMs });
    this.#absorb(read);
    return read.nowMs;
  }

  /** The intervals of which something is known, oldest first. */
  series(): Sample[] {
    return this.#known()
      .filter((each) => each.coveredMs >= leastCoveredMs || endedIn(each) >= leastEnded)
      .map(toSample);
  }

  /** How the attempts of the last minute have ended, by queue. */
  endings(): ReadonlyMap<string, Endings> {
    const oldest = startOf(this.#nowMs ?? 0) - lastMinute * intervalMs;
    const endings = new Map<string, Endings>();
    for (const { counts } of this.#known().filter(({ atMs }) => atMs >= oldest)) {
      for (const [queue, outcome, count] of counts) {
        const { ended, failed } = endings.get(queue) ?? { ended: 0, failed: 0 };
        const isFailure = outcome === "failed" || outcome === "crashed";
        endings.set(queue, { ended: ended + count, failed: failed + (isFailure ? count : 0) });
      }
    }
    return endings;
  }

  /** In which attempts have ended. */
  queues(): ReadonlySet<string> {
    const intervals = [...this.#intervals.values()];
    return new Set(intervals.flatMap(({ counts }) => counts.map(([queue]) => queue)));
  }

  /** Remembers how deep the queues are: one point for each interval. */
  noteDepths(nowMs: number, queues: readonly MeasuredQueue[]): void {
    const at = startOf(nowMs);
    const missed = this.#depthsAt === undefined ? Infinity : (at - this.#depthsAt) / intervalMs;
    const names = new Set(queues.map(({ name }) => name));
    for (const name of this.#depths.keys()) {
      if (missed > longestGap || missed < 0 || !names.has(name)) this.#depths.delete(name);
    }
    for (const { name, counts } of queues) {
      this.#depths.set(name, appended(this.#depths.get(name) ?? [], counts.ready, missed));
    }
    this.#depthsAt = at;
  }

  depths(queue: string): readonly number[] {
    return this.#depths.get(queue) ?? [];
  }

  #absorb({ nowMs, fromMs, intervals }: RecentAttempts): void {
    this.#nowMs = nowMs;
    const read = new Map(intervals.map((interval) => [interval.atMs, interval]));
    for (let atMs = startOf(fromMs); atMs <= nowMs; atMs += intervalMs) {
      const coveredMs = Math.min(atMs + intervalMs, nowMs) - Math.max(atMs, fromMs);
      if (coveredMs < (this.#intervals.get(atMs)?.coveredMs ?? 0)) continue;
      const interval = read.get(atMs) ?? { atMs, counts: [], waitMs: null, runMs: null };
      this.#intervals.set(atMs, { ...interval, coveredMs });
    }
    for (const atMs of this.#intervals.keys()) {
      if (atMs <= nowMs - windowMs || atMs > nowMs) this.#intervals.delete(atMs);
    }
  }

  #known(): KnownInterval[] {
    return [...this.#intervals.values()].sort((left, right) => left.atMs - right.atMs);
  }
}

function endedIn({ counts }: EndedInterval): number {
  return counts.reduce((sum, [, , count]) => sum + count, 0);
}

function startOf(milliseconds: number): number {
  return Math.floor(milliseconds / intervalMs) * intervalMs;
}

// Within an interval the newest depth counts; for those in between, the one before.
function appended(depths: readonly number[], depth: number, missed: number): number[] {
  const before = depths.at(-1);
  if (before === undefined || missed > longestGap) return [depth];
  if (missed < 1) return [...depths.slice(0, -1), depth];
  const between = Array.from({ length: missed - 1 }, () => before);
  return [...depths, ...between, depth].slice(-windowMs / intervalMs);
}

function toSample({ atMs, counts, waitMs, runMs, coveredMs }: KnownInterval): Sample {
  const perSecond: Partial<Record<OutcomeName, number>> = {};
  for (const [, outcome, count] of counts) {
    perSecond[outcome] = (perSecond[outcome] ?? 0) + (count * 1_000) / coveredMs;
  }
  return {
    at: new Date(atMs).toISOString(),
    perSecond,
    waitMs: percentilesOf(waitMs),
    runMs: percentilesOf(runMs),
  };
}

function percentilesOf(pair: readonly [number, number] | null): Percentiles | null {
  return pair === null ? null : { p50: pair[0], p95: pair[1] };
}
