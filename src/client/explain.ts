import { formatDuration, roughDuration } from "../core/duration.ts";
import type { JobReference } from "../core/job.ts";
import { replayId } from "../core/uuid.ts";
import type { Database } from "../db/database.ts";
import { findFinished, findQueues, type NamedJob } from "../store/commands.ts";
import {
  countBefore,
  readCircumstances,
  readPlaces,
  type ExplainedJob,
  type HoldingWorker,
  type JobCircumstances,
  type LineKind,
} from "../store/explanation.ts";
import type { HistoryEntry } from "../store/history.ts";
import { describeJobs, jobKey, type JobDescription } from "../store/new-jobs.ts";
import type { Store } from "../store/store.ts";
import type { FinishedReason, JobExplanation, JobReason } from "./explanation.ts";
import {
  behind,
  busyWorkers,
  closedLimit,
  firstLine,
  heldKey,
  missingWorkers,
  pauses,
  quoted,
  schedule,
} from "./reasons.ts";

// More says nothing that helps, and costs.
const countUpTo = 1_000;

/** Says why a job does not run; undefined when there is no such job. */
export async function explainJob(
  store: Store<Database>,
  named: NamedJob,
): Promise<JobExplanation | undefined> {
  const queues = named.queue === null ? await findQueues(store, named.id) : [named.queue];
  for (const queue of queues) {
    const found = await readCircumstances(store, { queue, id: named.id });
    if (found !== undefined) return explanationOf(found.job, await liveReasons(store, found));
  }
  const [ended] = await findFinished(store, [named]);
  if (ended === undefined) return undefined;
  const replay = { queue: ended.queue, id: replayId(ended) };
  const replayed = (await describeJobs(store, [replay])).get(jobKey(replay));
  return explanationOf({ ...ended, state: "finished" }, [finished(ended, replayed)]);
}

function explanationOf(
  { queue, id, task, state }: JobReference & Pick<JobExplanation, "task" | "state">,
  reasons: readonly JobReason[],
): JobExplanation {
  return { queue, id, task, state, reasons, text: reasons.map(({ text }) => text).join(" ") };
}

async function liveReasons(
  store: Store<Database>,
  found: JobCircumstances,
): Promise<readonly JobReason[]> {
  const { job } = found;
  if (job.state === "running") return runningReasons(job);
  const obstacles = [...pauses(job), ...missingWorkers(found)];
  if (job.state === "scheduled") {
    const time = schedule(found);
    return time.kind === "due" ? [...obstacles, time] : [time, ...obstacles];
  }
  obstacles.push(...heldKey(found), ...closedLimit(found));
  const line = lineOf(job);
  const count = await countBefore(store, job, { kind: line, limit: countUpTo });
  const reasons = [...obstacles, ...behind(line, count, countUpTo)];
  if (obstacles.length === 0) reasons.push(...busyWorkers(await readPlaces(store, job)));
  return reasons.length === 0 ? [next] : reasons;
}

const next: JobReason = {
  kind: "next",
  text: "Nothing is in its way: a worker takes it at its next look.",
};

function lineOf({ state, rateLimitKey }: ExplainedJob): LineKind {
  if (state === "blocked") return "concurrencyKey";
  return rateLimitKey === null ? "queue" : "rateLimit";
}

function runningReasons(job: ExplainedJob): JobReason[] {
  const { worker, nowMs, attempt, cancelReason } = job;
  if (worker === undefined) return [next];
  const sinceMs = job.claimedAtMs ?? nowMs;
  const heartbeatAgeMs =
    worker.heartbeatAtMs === null ? null : Math.max(0, nowMs - worker.heartbeatAtMs);
  const { leaseMs } = worker;
  const isSilent = heartbeatAgeMs === null || leaseMs === null || heartbeatAgeMs > leaseMs;
  const isAlive = !isSilent && !worker.hasEnded;
  const claimed = `${nameOf(worker)} claimed it ${roughDuration(nowMs - sinceMs)} ago, as attempt ${attempt}`;
  const running: JobReason = {
    kind: "running",
    text: `${claimed}${isAlive ? aliveText(heartbeatAgeMs) : goneText(worker, heartbeatAgeMs)}`,
    workerId: worker.id,
    workerName: worker.name,
    host: worker.host,
    since: new Date(sinceMs),
    attempt,
    heartbeatAgeMs,
    leaseMs,
    isAlive,
  };
  if (cancelReason === null) return [running];
  const text = `It has been cancelled (${cancelReason}), and ends when its handler has returned.`;
  return [running, { kind: "cancelling", text, reason: cancelReason }];
}

function nameOf({ id, name, host }: HoldingWorker): string {
  if (name === null) return `A worker of which nothing is known any more, ${id},`;
  const place = host === null || host === "" || host === name ? "" : ` on ${host}`;
  return `Worker ${quoted(name)}${place}`;
}

function aliveText(heartbeatAgeMs: number): string {
  return `, and runs it or is about to; its last heartbeat came ${roughDuration(heartbeatAgeMs)} ago.`;
}

function goneText({ hasEnded, leaseMs }: HoldingWorker, heartbeatAgeMs: number | null): string {
  const rescue =
    "any living worker gives the job to others; where none lives, `pawl.maintenance.resetLockedJobs()` does.";
  if (hasEnded) return `, and has ended: ${rescue}`;
  if (heartbeatAgeMs === null || leaseMs === null) return `: ${rescue}`;
  const silence = `has been silent for ${roughDuration(heartbeatAgeMs)}, longer than its lease of ${formatDuration(leaseMs)}`;
  return `, and ${silence}: ${rescue}`;
}

function finished(ended: HistoryEntry, replayed: JobDescription | undefined): FinishedReason {
  const { outcome, finishedAt, attempt } = ended;
  const error = errorOf(ended.error);
  const replay =
    replayed === undefined
      ? null
      : { queue: replayed.queue, id: replayed.id, state: replayed.state };
  const what = endTexts[outcome] ?? `It ended as ${outcome}`;
  const why = error === null ? "" : `: ${error}`;
  const again =
    replay === null ? "" : ` It was enqueued anew as job ${replay.id}, which is ${replay.state}.`;
  const text = `${what} at ${finishedAt.toISOString()}, with attempt ${attempt}${why}.${again}`;
  return { kind: "finished", text, outcome, error, finishedAt, attempt, replay };
}

const endTexts: Readonly<Partial<Record<HistoryEntry["outcome"], string>>> = {
  succeeded: "It succeeded",
  failed: "It failed for good",
  cancelled: "It was cancelled",
  crashed: "It failed for good when its worker crashed",
};

function errorOf(record: unknown): string | null {
  if (typeof record !== "object" || record === null) return null;
  const { name, message } = record as { readonly name?: unknown; readonly message?: unknown }; // an ErrorRecord
  const line = firstLine(typeof message === "string" ? message : null);
  if (line === null) return typeof name === "string" ? name : null;
  return typeof name === "string" ? `${name}: ${line}` : line;
}
