import type { ClaimedJob } from "../store/claimed-job.ts";
import { claimJobs, findReadyQueues } from "../store/claims.ts";
import type { Store } from "../store/store.ts";
import { Cursors } from "./cursors.ts";

// The safety net against what no other rule foresees (a clock that steps back): a scan from the beginning now and then.
const fullScanEveryMs = 30_000;
const fullScanShare = 0.05;
const maxKnownQueues = 5_000;

export interface ClaimerOptions {
  readonly workerId: string;
  /** In the order in which they are drained; undefined: any queue, in turn. */
  readonly queues: readonly string[] | undefined;
  readonly tasks: readonly string[];
  /** Told of queues that hold jobs of tasks this worker does not know. */
  readonly onUnknownTasks: (queue: string) => void;
}

/** Claims jobs for one worker, in the order of its queues. One call at a time. */
export class Claimer {
  readonly #store: Store;
  readonly #options: ClaimerOptions;
  readonly #cursors = new Map<string, Cursors>();
  /** The number of the newest claim sent. */
  claimNumber = 0;
  #fullScanAt = performance.now();
  #fullScanMs = 0;
  #paused: ReadonlySet<string> = new Set();
  // What may be claimed: what the worker serves, without what is paused.
  #queues: readonly string[] | undefined;
  #tasks: readonly string[];

  constructor(store: Store, options: ClaimerOptions) {
    this.#store = store;
    this.#options = options;
    this.#queues = options.queues;
    this.#tasks = options.tasks;
  }

  /** Leaves queues and tasks out from the next claim on; what waits of others is looked for from the beginning. */
  setPaused(paused: {
    readonly queues: ReadonlySet<string>;
    readonly tasks: ReadonlySet<string>;
  }): void {
    this.#paused = paused.queues;
    this.#queues = this.#options.queues?.filter((queue) => !paused.queues.has(queue));
    this.#tasks = this.#options.tasks.filter((task) => !paused.tasks.has(task));
    // New ones, because a claim under way still advances the old.
    this.#cursors.clear();
  }

  /** Up to `limit` jobs, in the order in which they are to start. Fewer means that no more were ready. */
  async claim(limit: number): Promise<ClaimedJob[]> {
    if (this.#tasks.length === 0) return [];
    const queues = await this.#readyQueues();
    const isFullScan = this.#beginFullScan();
    const startedAt = performance.now();
    const jobs: ClaimedJob[] = [];
    for (const queue of queues) {
      if (jobs.length >= limit) break;
      try {
        jobs.push(...(await this.#claimFrom(queue, limit - jobs.length)));
      } catch (error) {
        if (jobs.length === 0) throw error;
        // What has been claimed is to be run; the next look meets the error.
        break;
      }
    }
    if (isFullScan) this.#fullScanMs = performance.now() - startedAt;
    return jobs;
  }

  async #claimFrom(queue: string, limit: number): Promise<ClaimedJob[]> {
    const cursors = this.#cursorsOf(queue);
    this.claimNumber += 1;
    const { jobs, header } = await claimJobs(this.#store, {
      queue,
      workerId: this.#options.workerId,
      claimNumber: this.claimNumber,
      limit,
      tasks: this.#tasks,
      ranges: cursors.ranges(),
    });
    cursors.advance(jobs, header, jobs.length >= limit);
    if (header.priorities !== null) this.#options.onUnknownTasks(queue);
    return jobs;
  }

  // With one queue there is nothing to find out. With more, one statement says which of them have work.
  async #readyQueues(): Promise<readonly string[]> {
    const queues = this.#queues;
    if (queues !== undefined && queues.length <= 1) return queues;
    let found = await this.#look();
    // Cursors that go back, because an older transaction has ended, may have something to find: one look says which.
    if (this.#observe(found.snapshot)) found = await this.#look();
    const ready = new Set(found.queues);
    for (const [queue, cursors] of this.#cursors) {
      if (!ready.has(queue)) cursors.returnToExamined();
    }
    if (queues !== undefined) return queues.filter((queue) => ready.has(queue));
    return this.#inTurn([...ready]);
  }

  #look(): Promise<{ queues: string[]; snapshot: string }> {
    const known = [...this.#cursors]
      .filter(([queue]) => !this.#paused.has(queue))
      .map(([queue, cursors]) => ({
        queue,
        rewinds: cursors.rewinds,
        ranges: cursors.ranges(),
      }));
    return findReadyQueues(this.#store, known, this.#queues, this.#paused);
  }

  #observe(snapshot: string): boolean {
    let hasGoneBack = false;
    for (const cursors of this.#cursors.values()) {
      if (cursors.observe(snapshot)) hasGoneBack = true;
    }
    return hasGoneBack;
  }

  // The queue that was served longest ago comes first: claiming moves it to the end of the map.
  #inTurn(ready: string[]): string[] {
    const places = new Map([...this.#cursors.keys()].map((queue, place) => [queue, place]));
    return ready.sort((a, b) => (places.get(a) ?? -1) - (places.get(b) ?? -1));
  }

  #cursorsOf(queue: string): Cursors {
    const cursors = this.#cursors.get(queue) ?? new Cursors();
    this.#cursors.delete(queue);
    this.#cursors.set(queue, cursors);
    for (const oldest of this.#cursors.keys()) {
      if (this.#cursors.size <= maxKnownQueues) break;
      this.#cursors.delete(oldest);
    }
    return cursors;
  }

  /** The server may have crashed, and forgotten claims: their jobs are ready again, behind the cursors. */
  restart(): void {
    for (const cursors of this.#cursors.values()) cursors.restart();
  }

  #beginFullScan(): boolean {
    const now = performance.now();
    const pauseMs = Math.max(fullScanEveryMs, this.#fullScanMs / fullScanShare);
    if (now - this.#fullScanAt < pauseMs) return false;
    this.#fullScanAt = now;
    this.restart();
    return true;
  }
}
