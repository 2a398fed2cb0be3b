import { eventsOf, type Evidence, type Violation } from "./evidence.ts";

/** A job is claimed only while nobody has it, by a token that it never had, as a new attempt; and no more than was asked for. */
export function checkMoves(evidence: Evidence): Violation[] {
  const violations: Violation[] = [];
  const tokens = new Set<string>();
  for (const { id, before, after } of evidence.final.changes) {
    if (before === null || after === null) continue;
    const isClaim = after.workerId !== null && after.workerId !== before.workerId;
    if (!isClaim) continue;
    if (before.workerId !== null) {
      violations.push({
        invariant: "illegal move",
        what: `job ${id} was claimed while another worker had it`,
      });
    }
    const token = `${after.workerId} ${after.claimNumber} ${id}`;
    if (tokens.has(token)) {
      violations.push({
        invariant: "illegal move",
        what: `job ${id} was claimed twice by one token`,
      });
    }
    tokens.add(token);
    if (after.attempt !== before.attempt + 1) {
      const what = `a claim of job ${id} made attempt ${before.attempt} attempt ${after.attempt}`;
      violations.push({ invariant: "illegal move", what });
    }
  }
  for (const { count, atMost } of eventsOf(evidence, "claimed")) {
    if (count <= atMost) continue;
    violations.push({ invariant: "claimed too many", what: `${count} of at most ${atMost}` });
  }
  return violations;
}

/** No attempt of a worker that ended when it was told to, and was never stopped otherwise, passes for a crash. */
export function checkDeaths(evidence: Evidence): Violation[] {
  const struck = new Set(
    (["killed", "frozen"] as const)
      .flatMap((kind) => eventsOf(evidence, kind))
      .map(({ victim }) => victim),
  );
  const told = new Set(eventsOf(evidence, "told to stop").map(({ victim }) => victim));
  const lost = new Set(eventsOf(evidence, "lease lost").map(({ pid }) => pid));
  const graceful = new Set(
    evidence.exits
      .filter(({ pid, code }) => code === 0 && told.has(pid) && !struck.has(pid) && !lost.has(pid))
      .map(({ pid }) => pid),
  );
  const workerIds = new Set(
    eventsOf(evidence, "session")
      .filter(({ pid }) => graceful.has(pid))
      .map(({ workerId }) => workerId),
  );
  return evidence.final.attempts
    .filter(
      ({ outcome, workerId }) =>
        outcome === "crashed" && workerId !== null && workerIds.has(workerId),
    )
    .map(({ id, attempt }) => ({
      invariant: "false death",
      what: `attempt ${attempt} of job ${id} passes for a crash of a worker that was told to stop`,
    }));
}
