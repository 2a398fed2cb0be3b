import { CancelledError } from "../core/errors.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Claimer } from "./claimer.ts";
import { Controls } from "./controls.ts";
import { cancelled } from "./decision.ts";
import type { Runner } from "./runner.ts";
import type { SessionContext } from "./session-context.ts";
import type { Settler } from "./settler.ts";
import type { Starter } from "./starter.ts";
import type { WorkerQueue } from "./worker-queue.ts";

/** The parts of a session that commands reach. */
export interface ControlledParts {
  readonly queue: WorkerQueue;
  readonly starter: Starter;
  readonly runner: Runner;
  readonly settler: Settler;
  readonly claimer: Claimer;
  /** Gives back jobs that have not started. */
  readonly release: (jobs: readonly ClaimedJob[]) => void;
  readonly lose: (jobs: readonly ClaimedJob[]) => void;
  readonly onError: (error: unknown) => void;
}

/** Makes a session do what people ask for by hand. */
export function controlsOf(
  workerId: string,
  { control, random }: SessionContext,
  parts: ControlledParts,
): Controls {
  const { queue, starter, runner, claimer } = parts;
  const controls: Controls = new Controls(control, {
    workerId,
    claims: () => ({ sent: claimer.claimNumber, ended: claimer.endedClaimNumber }),
    inHand: () => [...queue.buffered, ...starter.waiting, ...runner.unreturned],
    returned: (job) => runner.returned(job),
    onPauses: (pauses) => {
      claimer.setPaused(pauses);
      parts.release(takeOut(parts, controls.pausedAmong([...queue.buffered, ...starter.waiting])));
      queue.wake();
    },
    onLost: (jobs) => {
      const lost = new Set(jobs);
      takeOut(parts, (job) => lost.has(job));
      parts.lose(jobs);
      queue.wake();
    },
    onCancelled: (job, reason) => {
      cancelOne(parts, job, new CancelledError(reason));
    },
    onError: parts.onError,
    random,
  });
  return controls;
}

function cancelOne(parts: ControlledParts, job: ClaimedJob, reason: CancelledError): void {
  const [waiting] = takeOut(parts, (other) => other === job);
  if (waiting === undefined) parts.runner.abort(reason, new Set([job]));
  else parts.settler.add(cancelled({ job, runMs: null }, reason));
}

// Takes out jobs that have not started, wherever they wait.
function takeOut(
  { queue, starter }: ControlledParts,
  isTaken: (job: ClaimedJob) => boolean,
): ClaimedJob[] {
  return [...queue.takeOut(isTaken), ...starter.takeAll(isTaken)];
}
