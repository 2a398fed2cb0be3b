import type { Attempt } from "../evidence/final-state.ts";
import { eventsOf, groupBy, type Evidence, type Violation } from "./evidence.ts";

const byHandlers: readonly string[] = ["succeeded", "failed", "snoozed"];
// Of the two clocks, read one after the other.
const slackMs = 20;

/**
 * Each attempt that a worker settled was, in the same transaction, the claim that the job's row had, and its own handler had
 * ended: a settle of a claim that was lost would have found another there.
 */
export function checkSettles(evidence: Evidence): Violation[] {
  const { final, clockOffsetMs } = evidence;
  const changes = groupBy(final.changes, ({ id }) => id);
  const isTheClaim = ({ workerId, claimNumber, attempt, xid, id }: Attempt): boolean =>
    (changes.get(id) ?? []).some(
      ({ before, ...change }) =>
        before !== null &&
        (change.xid === xid || change.innerXid === xid) &&
        before.workerId === workerId &&
        // A rescue takes all of a worker's claims.
        (claimNumber === null || before.claimNumber === claimNumber) &&
        before.attempt === attempt,
    );
  const ends = groupBy(eventsOf(evidence, "ended"), ({ id, attempt }) => `${id} ${attempt}`);
  const hasEnded = ({ id, attempt, outcome, finishedAtMs }: Attempt): boolean =>
    !byHandlers.includes(outcome) ||
    (ends.get(`${id} ${attempt}`) ?? []).some(
      ({ at }) => at + clockOffsetMs <= finishedAtMs + slackMs,
    );
  const settled = final.attempts.filter(({ claimNumber }) => claimNumber !== null);
  const taken = final.attempts.filter(({ workerId }) => workerId !== null);
  return [
    ...taken
      .filter((attempt) => !isTheClaim(attempt))
      .map((attempt) => `${told(attempt)}, which did not have it`),
    ...settled
      .filter((attempt) => !hasEnded(attempt))
      .map((attempt) => `${told(attempt)}, whose handler had not ended`),
  ].map((what) => ({ invariant: "stale settle", what }));
}

function told({ id, attempt, outcome, workerId, claimNumber }: Attempt): string {
  const claim = `claim ${claimNumber ?? "(any)"} of worker ${workerId ?? ""}`;
  return `attempt ${attempt} of job ${id} was settled as ${outcome} by ${claim}`;
}
