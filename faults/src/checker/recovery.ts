import { eventsOf, type Evidence } from "./evidence.ts";

/** How long after each kill of a worker the last of the jobs that it was running started again, in milliseconds. */
export function recoveriesOf(evidence: Evidence): number[] {
  const started = eventsOf(evidence, "started");
  const ended = eventsOf(evidence, "ended");
  return eventsOf(evidence, "killed").flatMap(({ victim, at }) => {
    const interrupted = started.filter(
      (start) =>
        start.pid === victim &&
        !ended.some((end) => end.id === start.id && end.attempt === start.attempt),
    );
    const again = interrupted.flatMap(
      ({ id, attempt }) =>
        started.find((start) => start.id === id && start.attempt > attempt)?.at ?? [],
    );
    return again.length === 0 ? [] : [Math.max(...again) - at];
  });
}

/** How long after each return of the database the first handler of a job that was waiting then started, in milliseconds. */
export function pickUpsOf(evidence: Evidence): number[] {
  const started = eventsOf(evidence, "started");
  const acknowledged = eventsOf(evidence, "acknowledged");
  return eventsOf(evidence, "restored").flatMap((restored) => {
    const waiting = new Set(acknowledged.filter(({ at }) => at <= restored.at).map(({ id }) => id));
    const first = started.find(({ at, id }) => at > restored.at && waiting.has(id));
    return first === undefined ? [] : [first.at - restored.at];
  });
}
