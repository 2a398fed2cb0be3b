import { eventsOf, groupBy, type Evidence, type Violation } from "./evidence.ts";

const counted: readonly string[] = ["failed", "crashed"];

/** Each attempt has one row, the last of a job and no other is final, nothing runs after it, and failures stay in bounds. */
export function checkAttempts(evidence: Evidence): Violation[] {
  const { final, jobs } = evidence;
  const violations: Violation[] = [];
  const add = (what: string): void => {
    violations.push({ invariant: "attempts", what });
  };
  const started = groupBy(eventsOf(evidence, "started"), ({ id }) => id);
  for (const [id, rows] of groupBy(final.attempts, (row) => row.id)) {
    const numbers = rows.map(({ attempt }) => attempt);
    if (new Set(numbers).size < numbers.length) add(`job ${id} has two rows for one attempt`);
    const ends = rows.filter((row) => row.final);
    const [end] = ends;
    if (end === undefined) continue;
    if (ends.length > 1) add(`job ${id} has ended ${ends.length} times`);
    if (Math.max(...numbers) > end.attempt) add(`job ${id} went on after its end`);
    const starts = started.get(id) ?? [];
    if (starts.some(({ attempt }) => attempt > end.attempt)) add(`job ${id} ran after its end`);
    if (end.outcome === "succeeded" && !starts.some(({ attempt }) => attempt === end.attempt)) {
      add(`job ${id} succeeded, and no handler had it`);
    }
    const failures = rows.filter(({ outcome }) => counted.includes(outcome)).length;
    const most = end.n === null ? undefined : (jobs.get(end.n)?.options.maxAttempts ?? 25);
    if (most !== undefined && failures > most) {
      const what = `job ${id} failed ${failures} times, and may ${most} times`;
      violations.push({ invariant: "too many failures", what });
    }
  }
  return violations;
}
