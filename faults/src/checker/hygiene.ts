import type { Deed } from "../workloads/workload.ts";
import { eventsOf, type Evidence, type Violation } from "./evidence.ts";

/** Everything was done in the end, and nothing is left over: no session, lock, timer, pending promise or surprise. */
export function checkHygiene(evidence: Evidence): Violation[] {
  const { final, exits } = evidence;
  const killed = new Set(eventsOf(evidence, "killed").map(({ victim }) => victim));
  const isDrained = eventsOf(evidence, "drained").length > 0;
  return [
    ...(isDrained ? [] : leftIn(final)).map(
      (what) => ({ invariant: "not drained", what }) as const,
    ),
    ...final.leftOver.map((what) => ({ invariant: "left over", what }) as const),
    ...eventsOf(evidence, "unhandled").map(
      ({ message }) => ({ invariant: "unhandled", what: message }) as const,
    ),
    ...exits
      .filter(
        ({ pid, code, signal }) =>
          code !== 0 && !killed.has(pid) && !isOwnDoing(evidence, pid, signal),
      )
      .map(({ role, code, signal }) => ({
        invariant: "exit" as const,
        what: `a ${role} ended with ${code ?? signal ?? "nothing"}`,
      })),
    ...checkPending(evidence),
  ];
}

function leftIn({ jobs }: Evidence["final"]): string[] {
  if (jobs.length === 0) return ["all jobs have ended, but too late"];
  return jobs.map(
    ({ id, n, queue, state }) => `job ${n ?? "?"} (${id}) is still ${state} in "${queue}"`,
  );
}

const deadly: readonly Deed[] = [
  "die before the effect",
  "die after the effect",
  "exhaust the heap",
];

/** Whether a process was killed by a job that does such things, which it had started. */
function isOwnDoing(evidence: Evidence, pid: number, signal: string | null): boolean {
  // A second signal may come when the process is about to end, and takes nothing for itself any more.
  const hasClosed = eventsOf(evidence, "closed").some((event) => event.pid === pid);
  if (hasClosed && (signal === "SIGTERM" || signal === "SIGINT")) return true;
  if (signal !== "SIGKILL" && signal !== "SIGABRT") return false;
  return eventsOf(evidence, "started").some(({ n, ...event }) => {
    const does = evidence.jobs.get(n)?.act.does;
    return event.pid === pid && does !== undefined && deadly.includes(does);
  });
}

/** Each call has been answered, one way or another, unless its process was killed. */
function checkPending(evidence: Evidence): Violation[] {
  const answered = new Set(
    (["acknowledged", "refused", "unknown"] as const)
      .flatMap((kind) => eventsOf(evidence, kind))
      .map(({ n }) => n),
  );
  const killed = new Set(eventsOf(evidence, "killed").map(({ victim }) => victim));
  return eventsOf(evidence, "attempted")
    .filter(({ n, pid }) => !answered.has(n) && !killed.has(pid))
    .map(({ n }) => ({ invariant: "pending", what: `the enqueue of job ${n} was never answered` }));
}
