import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import {
  findTouched,
  heedNotices,
  readControls,
  releaseHolds,
  type ControlState,
} from "../store/controls.ts";
import type { Store } from "../store/store.ts";

/** What must not start, on any worker. */
export interface Pauses {
  readonly queues: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
}

export interface ControlsOptions {
  readonly workerId: string;
  /** The number of the newest claim sent, and of the newest of which the reply has come, or never will. */
  readonly claims: () => { readonly sent: number; readonly ended: number };
  /** The jobs that wait in the buffer, and those whose handlers have not returned. */
  readonly inHand: () => readonly ClaimedJob[];
  /** Resolves when the handler of a job has returned; at once when none runs. */
  readonly returned: (job: ClaimedJob) => Promise<void>;
  /** Told when something was paused or resumed. */
  readonly onPauses: (pauses: Pauses) => void;
  /** Told of jobs that a command has taken away. */
  readonly onLost: (jobs: readonly ClaimedJob[]) => void;
  /** Told of jobs that are to be cancelled: again and again, until they are no longer in hand. */
  readonly onCancelled: (job: ClaimedJob, reason: string) => void;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const lookEveryMs = 500;
// Enqueues notify as well, so a notification is no reason to look more often than this.
const shortestPauseMs = 100;
const maxBackoffMs = 2_000;

/**
 * How a worker hears of what people do by hand: it looks twice a second, and soon after a notification, at what is paused
 * and whether a command has left it a notice. Only then it asks which of its jobs were touched.
 */
export class Controls {
  readonly #store: Store;
  readonly #options: ControlsOptions;
  readonly #loop: Loop;
  // The newest claim sent when each notice was first seen: it may be about a job whose claim's reply is still to come.
  readonly #seen = new Map<string, number>();
  #lookedAt = -Infinity;
  #returned: ClaimedJob[] = [];
  /** What is paused, as of the last look. */
  pauses: Pauses = { queues: new Set(), tasks: new Set() };

  constructor(store: Store, options: ControlsOptions) {
    this.#store = store;
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: options.onError,
      random: options.random,
      maxBackoffMs,
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** There may be something to hear of. */
  wake(): void {
    this.#loop.wake();
  }

  /** Tells which of these jobs must not start: nor may others in the lane of such a one pass it. */
  pausedAmong(jobs: readonly ClaimedJob[]): (job: ClaimedJob) => boolean {
    const { queues, tasks } = this.pauses;
    const isPaused = ({ queue, task }: ClaimedJob): boolean => queues.has(queue) || tasks.has(task);
    const lanes = new Set(jobs.filter(isPaused).map(({ lane }) => lane));
    return (job) => isPaused(job) || (job.lane !== undefined && lanes.has(job.lane));
  }

  /** Looks once; a worker does before its first claim. */
  async look(): Promise<void> {
    this.#lookedAt = performance.now();
    const state = await readControls(this.#store, this.#options.workerId);
    this.#notePauses(state);
    if (state.notices.length > 0) await this.#heed(state.notices);
  }

  /** Frees the concurrency lanes of jobs that were taken away, when their handlers have returned. */
  freeWhenReturned(jobs: readonly ClaimedJob[]): void {
    for (const job of jobs) {
      void this.#options.returned(job).then(() => {
        this.#returned.push(job);
        this.#loop.wake();
      });
    }
  }

  async #pass(): Promise<number> {
    await this.#free();
    const earlyByMs = this.#lookedAt + shortestPauseMs - performance.now();
    if (earlyByMs > 0) return earlyByMs;
    await this.look();
    return lookEveryMs;
  }

  async #free(): Promise<void> {
    const jobs = [...this.#returned];
    if (jobs.length === 0) return;
    await releaseHolds(this.#store, this.#options.workerId, jobs);
    this.#returned = this.#returned.slice(jobs.length);
  }

  #notePauses({ queues, tasks }: ControlState): void {
    const { pauses } = this;
    if (holdsExactly(pauses.queues, queues) && holdsExactly(pauses.tasks, tasks)) return;
    this.pauses = { queues: new Set(queues), tasks: new Set(tasks) };
    this.#options.onPauses(this.pauses);
  }

  async #heed(notices: readonly string[]): Promise<void> {
    const { claims, inHand, onCancelled, onLost, workerId } = this.#options;
    const { sent, ended } = claims();
    for (const notice of notices) {
      if (!this.#seen.has(notice)) this.#seen.set(notice, sent);
    }
    const heeded = notices.filter((notice) => (this.#seen.get(notice) ?? 0) <= ended);
    const touched = await findTouched(this.#store, workerId, inHand());
    // One that has been settled meanwhile has gone by its own settle.
    const still = new Set(inHand());
    const lost: ClaimedJob[] = [];
    for (const { job, cancelReason } of touched) {
      if (!still.has(job)) continue;
      if (cancelReason === undefined) lost.push(job);
      else onCancelled(job, cancelReason);
    }
    if (lost.length > 0) onLost(lost);
    if (heeded.length > 0) await heedNotices(this.#store, heeded);
    for (const notice of heeded) this.#seen.delete(notice);
  }
}

function holdsExactly(set: ReadonlySet<string>, values: readonly string[]): boolean {
  return set.size === values.length && values.every((value) => set.has(value));
}
