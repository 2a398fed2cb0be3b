import { aloneAfter } from "../core/quarantine.ts";
import { startTimer } from "../core/wait.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Settlement } from "../store/settles.ts";
import type { FlagFilter } from "./flag-filter.ts";
import { Lanes } from "./lanes.ts";
import type { Runner } from "./runner.ts";
import type { Settler } from "./settler.ts";
import type { WorkerQueue } from "./worker-queue.ts";

export interface StarterOptions {
  readonly queue: WorkerQueue;
  readonly runner: Runner;
  readonly settler: Settler;
  readonly concurrency: number;
  readonly flagFilter: FlagFilter;
  /** How many handlers of the worker's former sessions still run. */
  readonly busyElsewhere: () => number;
  /** Whether nobody can have taken this worker's jobs away. */
  readonly isLeaseKept: () => boolean;
  /** Gives back jobs that have not started. */
  readonly release: (jobs: readonly ClaimedJob[]) => void;
}

// With so many outcomes unwritten, the database is behind: starting more would only lengthen the queue.
const maxUnsettled = 5_000;
const lookAtLeaseEveryMs = 50;

/** Starts claimed jobs in order, as places fall free, and those of one lane one after another. */
export class Starter {
  readonly #options: StarterOptions;
  readonly #lanes = new Lanes();
  // They have their lane, or were claimed to start at once: they come before what is buffered.
  #next: ClaimedJob[] = [];
  readonly #reservations: ((places: number) => void)[] = [];
  #reserved = 0;
  #isStopped = false;
  #isWaitingForLease = false;
  #isAlone = false;

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /** How many jobs could start now; none while a job is to run alone. */
  get freeSlots(): number {
    return this.#isToRunAlone(this.#first) ? -1 : this.#places - this.#next.length;
  }

  /** How many jobs a claim may bring along in the lanes that it gets. */
  follow(claimMs: number): number {
    return this.#lanes.follow(claimMs);
  }

  /** Starts nothing more; what waits here is taken out. */
  stop(): ClaimedJob[] {
    this.#isStopped = true;
    for (const resolve of this.#reservations.splice(0)) resolve(0);
    return this.takeAll();
  }

  /** The jobs that wait here for their lane or a place. */
  get waiting(): readonly ClaimedJob[] {
    return [...this.#lanes.waiting, ...this.#next];
  }

  /** What waits here for its lane or a place, taken out; or what of it `isMeant` names. */
  takeAll(isMeant: (job: ClaimedJob) => boolean = () => true): ClaimedJob[] {
    const parked = this.#lanes.takeAll(isMeant);
    const taken = this.#next.filter(isMeant);
    this.#next = this.#next.filter((job) => !isMeant(job));
    for (const job of taken) this.#leave(job, null);
    return [...parked, ...taken];
  }

  /** Keeps up to `most` places free, for jobs that must start as soon as they are claimed; waits for one at least. */
  async reserve(most: number): Promise<number> {
    if (this.#isStopped) return 0;
    const free = Math.min(most, this.freeSlots);
    if (free > 0) {
      this.#reserved += free;
      return free;
    }
    return new Promise((resolve) => {
      this.#reservations.push(resolve);
    });
  }

  /** Gives reserved places back, and starts these jobs in them. */
  startReserved(places: number, jobs: readonly ClaimedJob[]): void {
    this.#reserved -= places;
    if (this.#isStopped) this.#options.release(jobs);
    else for (const job of jobs) this.#place(job);
    this.startReady();
  }

  startReady(): void {
    const { queue, runner, settler } = this.#options;
    if (this.#isAlone && runner.runningCount === 0) {
      this.#isAlone = false;
      queue.wake();
    }
    this.#giveBackBlocked();
    while (!this.#isStopped && this.#places > 0 && settler.pending < maxUnsettled) {
      if (this.#next.length > 0) {
        if (!this.#startNext()) return;
        continue;
      }
      if (this.#serveReservation()) continue;
      const job = queue.peek();
      if (job === undefined) return;
      if (job.lane !== undefined) {
        queue.shift();
        this.#place(job);
      } else if (this.#isRefused(job)) {
        queue.shift();
        this.#options.release([job]);
      } else {
        // It stays in the buffer until it may start, where a long wait is noticed.
        if (!this.#mayStart(job)) return;
        queue.shift();
        runner.start(job);
      }
    }
  }

  /** A handler has returned: the next job of its lane has its turn. `settlement`: undefined when its claim was lost. */
  noteEnded(job: ClaimedJob, settlement: Settlement | undefined): void {
    const { lane } = job;
    if (lane === undefined) return;
    const isHolding =
      settlement !== undefined && settlement.then !== "gone" && settlement.then.isHolding === true;
    // Nothing may pass a job that holds its lane until it runs again.
    if (isHolding) this.#options.release(this.#takeFollowers(lane));
    this.#leave(job, settlement?.runMs ?? null);
  }

  // False when the first of these cannot start now.
  #startNext(): boolean {
    const [job] = this.#next;
    if (job === undefined) return true;
    if (this.#isRefused(job)) {
      this.#next.shift();
      const followers = job.lane === undefined ? [] : this.#takeFollowers(job.lane);
      this.#leave(job, null);
      this.#options.release([job, ...followers]);
      return true;
    }
    if (!this.#mayStart(job)) return false;
    this.#next.shift();
    this.#options.runner.start(job);
    return true;
  }

  // What waits for the lane of a job: some of it may still be in the buffer.
  #takeFollowers(lane: string): ClaimedJob[] {
    const buffered = this.#options.queue.takeOut((job) => job.lane === lane);
    return [...this.#lanes.takeWaiting(lane), ...buffered];
  }

  #place(job: ClaimedJob): void {
    if (job.lane === undefined || this.#lanes.enter(job, job.lane)) this.#next.push(job);
  }

  #leave(job: ClaimedJob, runMs: number | null): void {
    if (job.lane === undefined) return;
    const next = this.#lanes.leave(job, job.lane, runMs);
    if (next !== undefined) this.#next.push(next);
  }

  #serveReservation(): boolean {
    // A job that is to run alone waits until nothing runs: what comes later must not pass it.
    if (this.#isToRunAlone(this.#options.queue.peek())) return false;
    const resolve = this.#reservations.shift();
    if (resolve === undefined) return false;
    this.#reserved += 1;
    resolve(1);
    return true;
  }

  // Its start would come too late for its rate limit, or its flags have been forbidden since it was claimed.
  #isRefused({ startBy, flags }: ClaimedJob): boolean {
    const isLate = startBy !== undefined && performance.now() >= startBy;
    return isLate || !this.#options.flagFilter.allow(flags);
  }

  // The rescue of a crashed worker blames the first jobs in claim order that have no outcome. So before a suspected job
  // starts, every outcome is written: then it is among the first if it is to blame.
  #mayStart(job: ClaimedJob): boolean {
    if (job.lane !== undefined && !this.#options.isLeaseKept()) {
      this.#waitForLease();
      return false;
    }
    if (job.crashes === 0) return true;
    const isToRunAlone = this.#isToRunAlone(job);
    if (isToRunAlone) {
      this.#giveBackBlocked();
      if (this.#places < this.#options.concurrency) return false;
    }
    // The settler tells when it has written them.
    if (this.#options.settler.pending > 0) return false;
    if (isToRunAlone) this.#isAlone = true;
    return true;
  }

  // Beside a job that runs alone, and behind one that is to, nothing starts here, but other workers may start it at once. What
  // has a rate limit stays: its start has been granted, and would be lost.
  #giveBackBlocked(): void {
    const { queue, release } = this.#options;
    const first = this.#first;
    if (!this.#isAlone && !this.#isToRunAlone(first)) return;
    const isBlocked = (job: ClaimedJob): boolean =>
      (this.#isAlone || job !== first) && job.startBy === undefined;
    // What stays in the buffer is not to seem new.
    const buffered = queue.buffered.some(isBlocked) ? queue.takeOut(isBlocked) : [];
    release([...buffered, ...this.takeAll(isBlocked)]);
  }

  // The job that is next.
  get #first(): ClaimedJob | undefined {
    return this.#next[0] ?? this.#options.queue.peek();
  }

  get #places(): number {
    const { concurrency, runner, busyElsewhere } = this.#options;
    if (this.#isAlone) return -1;
    return concurrency - runner.runningCount - busyElsewhere() - this.#reserved;
  }

  #isToRunAlone(job: ClaimedJob | undefined): boolean {
    return job !== undefined && job.crashes >= aloneAfter;
  }

  // A process that was frozen may wake up after its jobs have been given to others. For a job with a concurrency key that
  // would be one too many.
  #waitForLease(): void {
    if (this.#isWaitingForLease) return;
    this.#isWaitingForLease = true;
    startTimer(lookAtLeaseEveryMs, () => {
      this.#isWaitingForLease = false;
      this.startReady();
    });
  }
}
