import { CancelledError } from "../core/errors.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Claimer } from "./claimer.ts";
import { Controls } from "./controls.ts";
import { cancelled } from "./decision.ts";
import type { LocalQueue } from "./local-queue.ts";
import type { Runner } from "./runner.ts";
import type { SessionContext } from "./session-context.ts";
import type { Settler } from "./settler.ts";

/** The parts of a session that commands reach. */
export interface ControlledParts {
  readonly queue: LocalQueue;
  readonly runner: Runner;
  readonly settler: Settler;
  readonly claimer: Claimer;
  readonly endedClaimNumber: () => number;
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
  const { queue, runner, claimer } = parts;
  const controls: Controls = new Controls(control, {
    workerId,
    claims: () => ({ sent: claimer.claimNumber, ended: parts.endedClaimNumber() }),
    inHand: () => [...queue.buffered, ...runner.unreturned],
    returned: (job) => runner.returned(job),
    onPauses: (pauses) => {
      claimer.setPaused(pauses);
      parts.release(queue.takeOut((job) => controls.isPaused(job)));
      queue.wake();
    },
    onLost: (jobs) => {
      const lost = new Set(jobs);
      queue.takeOut((job) => lost.has(job));
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

function cancelOne(
  { queue, runner, settler }: ControlledParts,
  job: ClaimedJob,
  reason: CancelledError,
): void {
  const [buffered] = queue.takeOut((other) => other === job);
  if (buffered === undefined) runner.abort(reason, new Set([job]));
  else settler.add(cancelled({ job, runMs: null }, reason));
}
