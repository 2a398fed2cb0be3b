import { eventsOf, type Evidence, type Violation } from "./evidence.ts";

/** In the words of Jepsen's `total-queue` (jepsen.checker): every job is told by what is known of its enqueue and its end. */
export interface Totals {
  readonly attempted: number;
  readonly acknowledged: number;
  /** Acknowledged, and ended. */
  readonly ok: number;
  /** Nobody had asked for them, or it was taken back. */
  readonly unexpected: readonly string[];
  /** Acknowledged, and neither ended nor there. */
  readonly lost: readonly string[];
  /** Enqueued once, and there as two jobs. */
  readonly duplicated: readonly string[];
  /** Whether they were enqueued was not known; they were. */
  readonly recovered: number;
}

/** Counts what became of every enqueue. */
export function totalsOf(evidence: Evidence): Totals {
  const { attempts, jobs } = evidence.final;
  const ended = new Set(attempts.filter(({ final }) => final).map(({ id }) => id));
  const left = new Set(jobs.map(({ id }) => id));
  const attempted = new Set(eventsOf(evidence, "attempted").map(({ n }) => n));
  const refused = new Set(eventsOf(evidence, "refused").map(({ n }) => n));
  const unknown = new Set(eventsOf(evidence, "unknown").map(({ n }) => n));
  const acknowledged = eventsOf(evidence, "acknowledged");
  const ids = idsOfNumbers(evidence);
  const isThere = (n: number): boolean => (ids.get(n)?.size ?? 0) > 0;
  return {
    attempted: attempted.size,
    acknowledged: acknowledged.length,
    ok: acknowledged.filter(({ id }) => ended.has(id)).length,
    unexpected: [...ids.keys()]
      .filter((n) => !attempted.has(n) || refused.has(n))
      .map(
        (n) => `job ${n}: ${attempted.has(n) ? "its enqueue was taken back" : "never enqueued"}`,
      ),
    lost: acknowledged
      .filter(({ id }) => !ended.has(id) && !left.has(id))
      .map(({ n, id }) => `job ${n} (${id}): acknowledged, and nowhere`),
    duplicated: [...ids]
      .filter(([n, found]) => found.size > 1 && !isUnique(evidence, n))
      .map(([n, found]) => `job ${n}: ${[...found].join(" and ")}`),
    recovered: [...unknown].filter(isThere).length,
  };
}

/** Nothing is lost, nothing is there that was not asked for, and nothing twice. */
export function checkLosses(evidence: Evidence): Violation[] {
  const { acknowledged, lost, unexpected, duplicated } = totalsOf(evidence);
  const isEmpty = acknowledged === 0;
  return [
    ...(isEmpty
      ? [{ invariant: "nothing shown", what: "no enqueue was acknowledged" } as const]
      : []),
    ...lost.map((what) => ({ invariant: "lost", what }) as const),
    ...unexpected.map((what) => ({ invariant: "unexpected", what }) as const),
    ...duplicated.map((what) => ({ invariant: "enqueued twice", what }) as const),
  ];
}

/** Where jobs meet by a unique key, one may take the place of another, and a lost reply may leave two (documented). */
function isUnique({ jobs }: Evidence, n: number): boolean {
  return jobs.get(n)?.options.unique !== undefined;
}

function idsOfNumbers({ events, final }: Evidence): Map<number, Set<string>> {
  const ids = new Map<number, Set<string>>();
  const note = (n: number | null, id: string): void => {
    if (n !== null) ids.set(n, (ids.get(n) ?? new Set()).add(id));
  };
  for (const { n, id } of [...final.jobs, ...final.attempts]) note(n, id);
  for (const event of events) if (event.kind === "started") note(event.n, event.id);
  return ids;
}
