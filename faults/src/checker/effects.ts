import { groupBy, type Evidence, type Violation } from "./evidence.ts";

/**
 * A transactional job that succeeded has left exactly one row, and one that did not has left none. Any other that succeeded has
 * left one at least.
 */
export function checkEffects(evidence: Evidence): Violation[] {
  const { final, jobs } = evidence;
  const effects = groupBy(final.effects, ({ id }) => id);
  const ended = new Map(final.attempts.filter((row) => row.final).map((row) => [row.id, row]));
  const violations: Violation[] = [];
  for (const [id, { n, outcome }] of ended) {
    const count = effects.get(id)?.length ?? 0;
    const job = n === null ? undefined : jobs.get(n);
    if (job === undefined) continue;
    const what = `job ${n ?? "?"} (${id}) ${outcome}, with ${count} effects`;
    const hasSucceeded = outcome === "succeeded";
    if (hasSucceeded && count === 0) violations.push({ invariant: "missing effect", what });
    if (job.isTransactional && count > (hasSucceeded ? 1 : 0)) {
      violations.push({ invariant: "duplicated effect", what });
    }
  }
  for (const [id, { length }] of effects) {
    const isTransactional = effects.get(id)?.some(({ n }) => jobs.get(n)?.isTransactional) ?? false;
    if (isTransactional && !ended.has(id)) {
      const what = `job ${id} has not ended, with ${length} effects`;
      violations.push({ invariant: "duplicated effect", what });
    }
  }
  return violations;
}
