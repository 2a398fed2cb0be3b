import type { Random } from "../core/clock.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import { AdaptiveRefetching } from "./adaptive-refetching.ts";
import { LocalQueue } from "./local-queue.ts";

export interface WorkerQueueOptions {
  readonly workerId: string;
  readonly claim: (limit: number) => Promise<ClaimedJob[]>;
  /** How many jobs could start now. */
  readonly freeSlots: () => number;
  /** The longest pause between two looks for jobs. */
  readonly longestPauseMs: () => number;
  /** Whether enqueues wake this worker, so that it need not look often. */
  readonly isWoken: () => boolean;
  /** Gives back jobs that have waited here for too long. */
  readonly release: (jobs: readonly ClaimedJob[]) => void;
  readonly onJobs: () => void;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

/** The local queue of a worker, which starts jobs itself instead of waiting for them. */
export class WorkerQueue extends LocalQueue<ClaimedJob> {
  readonly #refetching: AdaptiveRefetching<ClaimedJob>;
  readonly #onJobs: () => void;

  constructor(options: WorkerQueueOptions) {
    const refetching = new AdaptiveRefetching<ClaimedJob>(options);
    const source = {
      claim: (_workerId: string, { batchSize }: { batchSize: number }) => options.claim(batchSize),
      release: (_workerId: string, jobs: readonly ClaimedJob[]) => {
        options.release(jobs);
      },
    };
    super({ jobs: source }, options.workerId, refetching);
    this.#refetching = refetching;
    this.#onJobs = options.onJobs;
    this.on("error", options.onError);
  }

  /** Whether the last look found fewer jobs than it asked for. */
  get isExhausted(): boolean {
    return this.#refetching.isExhausted;
  }

  /** How many jobs finish in a second, by the last measurement. */
  get jobsPerSecond(): number {
    return this.#refetching.jobsPerSecond;
  }

  /** When a look for jobs last ended well, by the monotonic clock. */
  get lastClaimAt(): number | undefined {
    return this.#refetching.lookedAt;
  }

  /** The job that is next, left in its place. */
  peek(): ClaimedJob | undefined {
    return this.buffer.peek();
  }

  shift(): ClaimedJob | undefined {
    const job = this.buffer.shift();
    if (job !== undefined) this.#refetching.takenAt = performance.now();
    return job;
  }

  /** The jobs that wait here, in order. */
  get buffered(): readonly ClaimedJob[] {
    return this.buffer.jobs;
  }

  /** Takes out the jobs that are not to start here. */
  takeOut(isTaken: (job: ClaimedJob) => boolean): ClaimedJob[] {
    const jobs = this.buffer.removeAll();
    this.buffer.push(
      jobs.filter((job) => !isTaken(job)),
      performance.now(),
    );
    return jobs.filter(isTaken);
  }

  /** Empties the buffer. */
  takeAll(): ClaimedJob[] {
    return this.buffer.removeAll();
  }

  /** Looks now, and often for a while. */
  lookOften(): void {
    this.#refetching.lookOften();
    this.wake();
  }

  /** A job has ended: claims more when the buffer is low and there may be more. */
  noteFinished(): void {
    if (this.#refetching.noteFinished(this.depth)) this.wake();
  }

  protected override deliver(): void {
    this.#onJobs();
  }
}
