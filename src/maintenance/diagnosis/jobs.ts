import { roughDuration } from "../../core/duration.ts";
import type { StuckJobs, UnservedJobs } from "../../store/diagnosis.ts";
import { counted, failure, ok, type DiagnosisFinding } from "./finding.ts";

// As many as the statement looks at.
const countedUpTo = 100;

/** Whether workers that are gone still hold jobs. */
export function judgeStuckJobs(stuck: readonly StuckJobs[]): DiagnosisFinding[] {
  if (stuck.length === 0) return [ok("stuckJobs", "No job is held by a worker that is gone.")];
  return stuck.map((worker) =>
    failure(
      "stuckJobs",
      `${counted(worker.jobs, "job")} ${worker.jobs === 1 ? "is" : "are"} held by ${describeWorker(worker)}, ` +
        `the first for ${roughDuration(worker.heldMs)}, and nobody has rescued ${worker.jobs === 1 ? "it" : "them"}.`,
      "Start a worker, of any queue: it rescues them. Or call `await pawl.maintenance.resetLockedJobs()`.",
    ),
  );
}

function describeWorker({ workerId, name, host, fate, goneMs }: StuckJobs): string {
  if (fate === "unknown") return `the worker ${workerId}, of which nothing is known any more`;
  const place = host === null || host === "" ? "" : ` on ${host}`;
  const time = roughDuration(goneMs ?? 0);
  const gone = fate === "ended" ? `which ended ${time} ago` : `which has been silent for ${time}`;
  return `the worker "${name ?? workerId}"${place}, ${gone}`;
}

/** Whether jobs wait that no living worker takes. */
export function judgeUnservedJobs(unserved: readonly UnservedJobs[]): DiagnosisFinding[] {
  if (unserved.length === 0) {
    return [
      ok(
        "unservedJobs",
        "For every job that waits there is a living worker, as far as was looked.",
      ),
    ];
  }
  return unserved.map(({ queue, task, jobs, waitedMs, isQueueServed }) => {
    const atLeast = jobs >= countedUpTo ? "At least " : "";
    const lacking = isQueueServed
      ? "no living worker of the queue has a handler for the task"
      : "no living worker serves the queue";
    return failure(
      "unservedJobs",
      `${atLeast}${counted(jobs, "job")} of the task "${task}" in the queue "${queue}" ${jobs === 1 ? "waits" : "wait"}, ` +
        `for up to ${roughDuration(waitedMs)}: ${lacking}.`,
      `Start a worker that serves the queue "${queue}" and handles the task "${task}".`,
    );
  });
}
