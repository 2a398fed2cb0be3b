import type { Change } from "../evidence/audit.ts";
import { eventsOf, groupBy, type Evidence, type Violation } from "./evidence.ts";

/** Of a concurrency key no more lanes are taken at once than its limit, at any moment that the database has seen. */
export function checkConcurrency({ final }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const claimed = new Map<string, Map<string, number | null>>();
  for (const { id, before, after } of byTransaction(final.changes)) {
    const key = after?.concurrencyKey ?? before?.concurrencyKey;
    if (key === null || key === undefined) continue;
    const lanes = claimed.get(key) ?? new Map<string, number | null>();
    claimed.set(key, lanes);
    if (after?.workerId == null) lanes.delete(id);
    else lanes.set(id, after.lane);
    const limit = after?.concurrencyLimit ?? before?.concurrencyLimit ?? 1;
    const taken = new Set(lanes.values());
    if (taken.size > limit) {
      const what = `${taken.size} lanes of "${key}" were taken at once, and ${limit} may: ${[...lanes.keys()].join(", ")}`;
      violations.push({ invariant: "concurrency limit", what });
    }
  }
  return violations;
}

/** No more handlers of a key run at once than its limit, but for those of a worker that has lost its lease. */
export function checkOverlaps(evidence: Evidence): Violation[] {
  const { events, jobs } = evidence;
  const struckAt = leasesLostAt(evidence);
  const running = new Map<string, Map<string, number>>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind !== "started" && event.kind !== "ended") continue;
    const concurrency = jobs.get(event.n)?.options.concurrency;
    if (concurrency?.key === undefined) continue;
    const handlers = running.get(concurrency.key) ?? new Map<string, number>();
    running.set(concurrency.key, handlers);
    const name = `${event.pid} ${event.id} ${event.attempt}`;
    if (event.kind === "ended") {
      handlers.delete(name);
      continue;
    }
    handlers.set(name, event.pid);
    const living = [...handlers].filter(([, pid]) => (struckAt.get(pid) ?? Infinity) > event.at);
    if (living.length > (concurrency.limit ?? 1)) {
      const what = `${living.length} handlers of "${concurrency.key}" ran at once: ${living.map(([id]) => id).join(", ")}`;
      violations.push({ invariant: "concurrency limit", what });
    }
  }
  return violations;
}

// From when a process may have lost its lease. One that is stopped or cut off does not know it.
function leasesLostAt(evidence: Evidence): ReadonlyMap<number, number> {
  const lostAt = new Map<number, number>();
  const note = (pid: number, at: number): void => {
    lostAt.set(pid, Math.min(at, lostAt.get(pid) ?? Infinity));
  };
  for (const kind of ["killed", "frozen"] as const) {
    for (const { victim, at } of eventsOf(evidence, kind)) note(victim, at);
  }
  // Its last heartbeat came less than half a lease before, so nobody judges it sooner.
  for (const { victim, at } of eventsOf(evidence, "cut off"))
    note(victim, at + evidence.leaseMs / 2);
  for (const { pid, at } of eventsOf(evidence, "lease lost")) note(pid, at);
  return lostAt;
}

/** Where one runs at a time, jobs get their first turn in the order in which they were enqueued, one call after another. */
export function checkOrder({ final, jobs, events }: Evidence): Violation[] {
  const acknowledged = new Map<string, number>();
  for (const event of events) {
    if (event.kind === "acknowledged" && event.outcome === "created") {
      acknowledged.set(event.id, event.n);
    }
  }
  // Those that are claimed together run in the order of their positions, which the worker sees to: so their starts count.
  const firstStarts = new Map<string, number>();
  for (const event of events) {
    if (event.kind === "started" && !firstStarts.has(event.id)) {
      firstStarts.set(event.id, firstStarts.size);
    }
  }
  const claimedIds = new Set(final.changes.map(({ id }) => id));
  const inOrder = [...firstStarts.keys()].flatMap((id) => {
    const n = acknowledged.get(id);
    const options = n === undefined ? undefined : jobs.get(n)?.options;
    const isSerial = options?.concurrency?.limit === 1 && claimedIds.has(id);
    return n === undefined || !isSerial ? [] : [{ id, n, key: options.concurrency.key }];
  });
  return [...groupBy(inOrder, ({ key }) => key)].flatMap(([key, starts]) =>
    starts.flatMap(({ n }, place) => {
      const before = starts[place - 1];
      return before === undefined || before.n < n
        ? []
        : [
            {
              invariant: "order",
              what: `of "${String(key)}", job ${before.n} came before ${n}`,
            } as const,
          ];
    }),
  );
}

/** The changes in order, those of a transaction as if they became true at once: first what frees a place, last what takes one. */
function byTransaction(changes: readonly Change[]): Change[] {
  const groups = groupBy(changes, ({ xid }) => xid);
  const placeOf = (change: Change): number => {
    const places = (groups.get(change.xid) ?? []).map(({ place }) => place);
    return change.after?.workerId == null ? Math.min(...places) : Math.max(...places);
  };
  return changes
    .map((change) => ({ change, place: placeOf(change) }))
    .sort((a, b) => a.place - b.place)
    .map(({ change }) => change);
}
