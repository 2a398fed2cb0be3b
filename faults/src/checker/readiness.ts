import type { Event } from "../evidence/event.ts";
import { eventsOf, type Evidence, type Violation } from "./evidence.ts";

/** In an outage that lasts, a worker that lives says that it is not ready; and afterwards that it is, by itself. */
export function checkReadiness(evidence: Evidence): Violation[] {
  const { events, leaseMs } = evidence;
  const ready = eventsOf(evidence, "ready");
  const healedAt = eventsOf(evidence, "healed")[0]?.at ?? Infinity;
  const violations: Violation[] = [];
  for (const pid of new Set(ready.map((event) => event.pid))) {
    const own = ready.filter((event) => event.pid === pid);
    const isAt = (at: number): boolean =>
      isReadyIn(
        own.filter((event) => event.at <= at),
        pid,
      );
    for (const outage of eventsOf(evidence, "outage")) {
      const end = eventsOf(evidence, "restored").find(({ at }) => at > outage.at)?.at ?? healedAt;
      const lasted = end - outage.at;
      const saw = own.some(({ at, isReady }) => !isReady && at > outage.at && at <= end);
      const mustSee = lasted > 2 * leaseMs && isAt(outage.at) && lives(events, pid, end);
      if (mustSee && !saw) {
        const what = `worker ${pid} said that it was ready throughout an outage of ${Math.round(lasted)} ms`;
        violations.push({ invariant: "readiness", what });
      }
    }
    const rest = eventsOf(evidence, "at rest")[0]?.at;
    if (rest !== undefined && lives(events, pid, rest) && !isAt(rest)) {
      violations.push({ invariant: "readiness", what: `worker ${pid} was not ready again` });
    }
  }
  return violations;
}

/** A worker that was taken for dead, and lives, learns of it and works on under another id. */
export function checkZombies(evidence: Evidence): Violation[] {
  return eventsOf(evidence, "at rest")
    .flatMap(({ zombies }) => zombies)
    .map((pid) => ({
      invariant: "zombie",
      what: `worker ${pid} lives on under an id that has ended`,
    }));
}

/** Whether the worker of this process said last that it is ready. */
export function isReadyIn(events: readonly Event[], pid: number): boolean {
  const said = events.filter((event) => event.kind === "ready" && event.pid === pid);
  const last = said.at(-1);
  return last?.kind === "ready" && last.isReady;
}

/** Whether it was heard after that time. */
function lives(events: Evidence["events"], pid: number, at: number): boolean {
  return events.some((event) => event.pid === pid && event.at > at);
}
