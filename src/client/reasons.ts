import { roughDuration } from "../core/duration.ts";
import type { JobReference } from "../core/job.ts";
import type {
  ExplainedJob,
  JobCircumstances,
  KeyLanes,
  LineKind,
  TakenLane,
  TakingWorkers,
  WorkerPlaces,
} from "../store/explanation.ts";
import type {
  BehindReason,
  JobReason,
  KeyHolder,
  RateLimitReason,
  ScheduledBecause,
} from "./explanation.ts";

const maxShownHolders = 3;
const maxErrorLength = 300;

/** What is paused of a job. */
export function pauses({ queue, task, isQueuePaused, isTaskPaused }: ExplainedJob): JobReason[] {
  const until = "none of its jobs starts until somebody resumes it.";
  const reasons: JobReason[] = [];
  if (isQueuePaused) {
    const text = `The queue ${quoted(queue)} is paused: ${until}`;
    reasons.push({ kind: "queuePaused", text, queue });
  }
  if (isTaskPaused) {
    const text = `The task ${quoted(task)} is paused: ${until}`;
    reasons.push({ kind: "taskPaused", text, task });
  }
  return reasons;
}

/** Why no living worker takes a job, if none does. */
export function missingWorkers({ job, workers, refusedFlags }: JobCircumstances): JobReason[] {
  const { living, handling, taking } = workers;
  if (handling === 0) {
    const missing = missingOf(workers);
    return [{ kind: "noWorker", text: missingText(missing, job, living), missing, living }];
  }
  if (taking > 0) return [];
  const flags = refusedFlags.map(quoted).join(", ");
  const who = handling === 1 ? "The only living worker" : `Each of the ${handling} living workers`;
  const text = `${who} that could take it refuses a flag of the job: ${flags}.`;
  return [{ kind: "flagsRefused", text, flags: refusedFlags, workers: handling }];
}

function missingOf({ living, serving }: TakingWorkers): "any" | "queue" | "task" {
  if (living === 0) return "any";
  return serving === 0 ? "queue" : "task";
}

function missingText(
  missing: "any" | "queue" | "task",
  { queue, task }: ExplainedJob,
  living: number,
): string {
  switch (missing) {
    case "any":
      return "No worker lives: it waits until one is started.";
    case "queue":
      return `No living worker serves the queue ${quoted(queue)} (${counted(living, "worker")} of other queues).`;
    case "task":
      return (
        `No living worker of the queue ${quoted(queue)} has a handler for the task ${quoted(task)}; ` +
        "the job fails when that has been so for the workers' `unknownTaskGrace`."
      );
  }
}

/** What a scheduled job waits for: its time, or the look of a worker that makes it ready. */
export function schedule({ job, lastAttempt }: JobCircumstances): JobReason {
  const { runAtMs, nowMs, attempt } = job;
  const at = new Date(runAtMs);
  if (runAtMs <= nowMs) {
    const text = `It fell due ${roughDuration(nowMs - runAtMs)} ago: a worker makes it ready at its next look.`;
    return { kind: "due", text, since: at };
  }
  const because = becauseOf(attempt, lastAttempt?.outcome);
  const error = firstLine(lastAttempt?.error ?? null);
  const when = `in ${roughDuration(runAtMs - nowMs)}, at ${at.toISOString()}`;
  const text = `${scheduledText(because, { attempt, error })} ${when}.`;
  return { kind: "scheduled", text, until: at, because, error };
}

function becauseOf(
  attempt: number,
  outcome: NonNullable<JobCircumstances["lastAttempt"]>["outcome"] | undefined,
): ScheduledBecause {
  if (attempt === 0) return "delay";
  switch (outcome) {
    case "failed":
    case "partial":
      return "retry";
    case "snoozed":
      return "snooze";
    case "rate-limited":
      return "rateLimited";
    case "released":
      return "release";
    default:
      return "unknown";
  }
}

function scheduledText(
  because: ScheduledBecause,
  { attempt, error }: { readonly attempt: number; readonly error: string | null },
): string {
  switch (because) {
    case "delay":
      return "Its enqueue, or a command, says that it is to run";
    case "retry":
      return `Attempt ${attempt} did not succeed${error === null ? "" : ` (${error})`}: it runs again`;
    case "snooze":
      return `Attempt ${attempt} was snoozed: it runs again`;
    case "rateLimited":
      return `Attempt ${attempt} was rate-limited: it runs again`;
    case "release":
      return `Attempt ${attempt} could not begin its transaction: it runs again`;
    case "unknown":
      return `Attempt ${attempt} left no history that says why: it runs again`;
  }
}

/** Who has the lanes of a blocked job's concurrency key, when none is free. */
export function heldKey({ job, lanes }: JobCircumstances): JobReason[] {
  const key = job.concurrencyKey;
  if (lanes === undefined || key === null) return [];
  const limit = lanes.limit ?? job.concurrencyLimit;
  if (lanes.taken < limit) return [];
  const holders = lanes.holders.map((lane) => holderOf(lane, job));
  const text =
    `Its concurrency key ${quoted(key)} lets ${counted(limit, "job")} run at a time: ` +
    `${holdersText(holders, lanes, job.nowMs)}.`;
  return [{ kind: "keyHeld", text, key, limit, holders }];
}

function holderOf(lane: TakenLane, { queue }: JobReference): KeyHolder {
  const { id, state, workerId, workerName, claimedAtMs } = lane;
  const since = claimedAtMs === null ? null : new Date(claimedAtMs);
  return { queue, id, state, workerId, workerName, since };
}

function holdersText(holders: readonly KeyHolder[], { taken }: KeyLanes, nowMs: number): string {
  const shown = holders.slice(0, maxShownHolders).map((holder) => holderText(holder, nowMs));
  const more = Math.max(taken, holders.length) - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

function holderText(holder: KeyHolder, nowMs: number): string {
  const { id, state, workerId, workerName, since } = holder;
  const worker = `worker ${quoted(workerName ?? workerId ?? "unknown")}`;
  switch (state) {
    case "running": {
      const time = since === null ? "" : ` for ${roughDuration(nowMs - since.getTime())}`;
      return `job ${id} holds it on ${worker}${time}`;
    }
    case "returning":
      return `job ${id} was taken from ${worker}, where its handler has not returned`;
    case "scheduled":
      return `job ${id} holds it while it waits for its next attempt`;
    default:
      return `job ${id} is about to start with it`;
  }
}

/** Why the rate limit of a ready job lets it not start, if so. */
export function closedLimit({ job, limit }: JobCircumstances): JobReason[] {
  const key = job.rateLimitKey;
  const weight = job.rateLimitWeight;
  if (limit === undefined || key === null) return [];
  const { capacity, heldUntilMs, opensAtMs } = limit;
  const name = `rate limit ${quoted(key)}`;
  if (capacity === null) return limit.isAnnounced ? [] : [unregistered(key, name)];
  if (weight > capacity) {
    const text = `It has the weight ${weight}, and its ${name} the capacity ${capacity}: it fails at a worker's next look.`;
    return [{ kind: "rateLimit", text, key, because: "tooSmall", until: null }];
  }
  if (heldUntilMs !== null && heldUntilMs >= (opensAtMs ?? 0)) {
    const text = `A handler holds its ${name} back ${untilText(heldUntilMs, job.nowMs)}.`;
    return [{ kind: "rateLimit", text, key, because: "held", until: new Date(heldUntilMs) }];
  }
  if (opensAtMs === null) return [];
  const text = `Its ${name} is used up ${untilText(opensAtMs, job.nowMs)}.`;
  return [{ kind: "rateLimit", text, key, because: "empty", until: new Date(opensAtMs) }];
}

function unregistered(key: string, name: string): RateLimitReason {
  const text = `Its ${name} is not registered: nothing of it starts until somebody registers it.`;
  return { kind: "rateLimit", text, key, because: "unregistered", until: null };
}

const lineNames: Readonly<Record<LineKind, string>> = {
  queue: "of its queue",
  concurrencyKey: "in the line of its concurrency key",
  rateLimit: "of its queue in the line of its rate limit",
};

/** That other jobs come first, if any do. `count` goes up to `limit`; null: nobody knows. */
export function behind(line: LineKind, count: number | null, limit: number): BehindReason[] {
  if (count === 0) return [];
  const where = lineNames[line];
  if (count === null) {
    const text = `Other jobs ${where} may come first; they could not be counted in time.`;
    return [{ kind: "behind", text, line, count, isAtLeast: true }];
  }
  const isAtLeast = count >= limit;
  const first = `${counted(count, "job")} ${where} ${count === 1 ? "comes" : "come"} first.`;
  const text = isAtLeast ? `At least ${first}` : first;
  return [{ kind: "behind", text, line, count, isAtLeast }];
}

/** That the workers have no place free. */
export function busyWorkers(found: WorkerPlaces | null): JobReason[] {
  if (found === null || found.held < found.places) return [];
  const { workers, places } = found;
  const who = workers === 1 ? "the worker that takes it" : `the ${workers} workers that take it`;
  const all = places === 1 ? "The only place" : `All ${places} places`;
  const text = `${all} of ${who} ${places === 1 ? "is" : "are"} taken: it starts when one is free.`;
  return [{ kind: "workersBusy", text, workers, places }];
}

/** A name as a sentence shows it. */
export function quoted(name: string): string {
  return JSON.stringify(name);
}

/** The first line of a message; null when there is none. */
export function firstLine(message: string | null): string | null {
  const line = message?.trim().split("\n", 1)[0]?.slice(0, maxErrorLength);
  return line === undefined || line === "" ? null : line;
}

function untilText(ms: number, nowMs: number): string {
  return `until ${new Date(ms).toISOString()}, for ${roughDuration(ms - nowMs)}`;
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
