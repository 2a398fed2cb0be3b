import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Runner } from "./runner.ts";
import type { Settler } from "./settler.ts";
import type { WorkerQueue } from "./worker-queue.ts";

export interface StarterOptions {
  readonly queue: WorkerQueue;
  readonly runner: Runner;
  readonly settler: Settler;
  readonly concurrency: number;
  /** How many handlers of the worker's former sessions still run. */
  readonly busyElsewhere: () => number;
  /** Gives back jobs that have not started. */
  readonly release: (jobs: readonly ClaimedJob[]) => void;
}

// With so many outcomes unwritten, the database is behind: starting more would only lengthen the queue.
const maxUnsettled = 5_000;
// A job seen in this many crashes of a worker runs alone, so that the next crash tells whether it is to blame.
const crashesToRunAlone = 2;

/** Starts buffered jobs in order, as places fall free. */
export class Starter {
  readonly #options: StarterOptions;
  #isStopped = false;
  #isWaitingForSettler = false;
  #isAlone = false;

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /** How many jobs could start now; none while a job is to run alone. */
  get freeSlots(): number {
    return this.#isToRunAlone(this.#options.queue.peek()) ? -1 : this.#places;
  }

  stop(): void {
    this.#isStopped = true;
  }

  startReady(): void {
    const { queue, runner, settler } = this.#options;
    if (this.#isAlone && runner.runningCount === 0) {
      this.#isAlone = false;
      queue.wake();
    }
    while (!this.#isStopped && this.#places > 0 && settler.pending < maxUnsettled) {
      const job = queue.peek();
      if (job === undefined || !this.#mayStart(job)) return;
      queue.shift();
      runner.start(job);
    }
  }

  // The rescue of a crashed worker blames the first jobs in claim order that have no outcome. So before a suspected job
  // starts, every outcome is written: then it is among the first if it is to blame.
  #mayStart(job: ClaimedJob): boolean {
    if (job.crashes === 0) return true;
    const { queue, runner, settler } = this.#options;
    const isToRunAlone = this.#isToRunAlone(job);
    if (isToRunAlone && runner.runningCount > 0) return false;
    if (isToRunAlone && queue.depth > 1) {
      const [first, ...others] = queue.takeAll();
      this.#options.release(others);
      if (first !== undefined) queue.putBack(first);
    }
    if (settler.pending > 0) {
      this.#waitForSettler();
      return false;
    }
    if (isToRunAlone) this.#isAlone = true;
    return true;
  }

  get #places(): number {
    const { concurrency, runner, busyElsewhere } = this.#options;
    return this.#isAlone ? -1 : concurrency - runner.runningCount - busyElsewhere();
  }

  #isToRunAlone(job: ClaimedJob | undefined): boolean {
    return job !== undefined && job.crashes >= crashesToRunAlone;
  }

  #waitForSettler(): void {
    if (this.#isWaitingForSettler) return;
    this.#isWaitingForSettler = true;
    void this.#options.settler.drained().then(() => {
      this.#isWaitingForSettler = false;
      this.startReady();
    });
  }
}
