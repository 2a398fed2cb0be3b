import { randomUUID } from "node:crypto";
import type { Store } from "#pawl/store/store";
import { rescueJobs } from "#pawl/store/upkeep";
import { registerWorker } from "#pawl/store/workers";
import { claimJobs } from "#pawl/store/claims";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import { settleJobs, type HistoryPolicy, type Settlement } from "#pawl/store/settles";
import { Cursors } from "#pawl/worker/cursors";

/** How long history is kept by default, for which a fresh schema has its partitions. */
export const retentionMs = 30 * 86_400_000;

/** Claims and settles as one worker does, without being one: each claim has the next number. */
export class HandClaimer {
  readonly workerId: string;
  readonly #store: Store;
  readonly #cursors: Cursors | undefined;
  readonly #claims: { last: number };

  /** With cursors each claim goes on where the last one has ended; without them it begins at the front. */
  constructor(store: Store, cursors?: Cursors, same?: HandClaimer) {
    this.workerId = same?.workerId ?? randomUUID();
    this.#claims = same === undefined ? { last: 0 } : same.#claims;
    this.#store = store;
    this.#cursors = cursors;
  }

  get claimNumber(): number {
    return this.#claims.last;
  }

  async claim({ queue = "default", limit = 1_000, tasks = ["task"] } = {}): Promise<ClaimedJob[]> {
    this.#claims.last += 1;
    const { workerId, claimNumber } = this;
    const ranges = (this.#cursors ?? new Cursors()).ranges();
    const { jobs, ready, header } = await claimJobs(this.#store, {
      queue,
      workerId,
      claimNumber,
      limit,
      tasks,
      ranges,
      exceptTasks: null,
      forbiddenFlags: null,
      follow: 0,
      arrivalsSince: 0,
      isSettledWithin: false,
    });
    this.#cursors?.advance(ready, header, ready.length >= limit);
    return jobs;
  }

  /** The same worker on another connection. */
  on(store: Store): HandClaimer {
    return new HandClaimer(store, this.#cursors, this);
  }

  /** Claims exactly one job. */
  async claimOne(options: { queue?: string; tasks?: string[] } = {}): Promise<ClaimedJob> {
    const [job] = await this.claim({ ...options, limit: 1 });
    if (job === undefined) throw new Error("expected a job to be ready");
    return job;
  }

  /** What others do when this worker has gone while it ran so many of its jobs: they take them all away. */
  async loseAll({ running = 1, quarantineAfter = 4 } = {}): Promise<void> {
    await this.register(running);
    await this.rescue(quarantineAfter);
  }

  /** Makes the worker known, with a lease that is over at once. */
  async register(running = 1): Promise<void> {
    await registerWorker(this.#store, {
      id: this.workerId,
      name: "by hand",
      host: "here",
      pid: process.pid,
      machine: null,
      processStart: null,
      version: "0",
      queues: undefined,
      tasks: ["task"],
      concurrency: running,
      leaseMs: 0,
      transactionSlots: 1,
      transactional: [],
      forbiddenFlags: null,
    });
  }

  /** One look of a rescuer at this worker. */
  async rescue(quarantineAfter = 4): Promise<void> {
    const { workerId } = this;
    await rescueJobs(this.#store, { workerId, quarantineAfter, isGone: false });
  }

  /** Settles attempts that all go the same way; resolves with how many were written. */
  settle(settlements: readonly Settlement[]): Promise<number> {
    const { workerId } = this;
    const inOrder = [...settlements].sort((a, b) => (a.job.id < b.job.id ? -1 : 1));
    const historyOf = (): HistoryPolicy => ({ keep: "all", retentionMs });
    return settleJobs(this.#store, { workerId, historyOf, isAdmitting: true }, inOrder);
  }
}

/** The outcome of an attempt that went well and took 5 ms. */
export function succeeded(job: ClaimedJob): Settlement {
  return { job, runMs: 5, outcome: "succeeded", error: null, output: null, then: "gone" };
}

/** The outcome of an attempt that failed and is repeated after a while. */
export function failed(job: ClaimedJob, delayMs: number): Settlement {
  const error = JSON.stringify({ message: "no luck" });
  return {
    job,
    runMs: 5,
    outcome: "failed",
    error,
    output: null,
    then: { delayMs, counted: true },
  };
}

/** The outcome of a job that goes back to where it stood. */
export function released(job: ClaimedJob): Settlement {
  const then = { delayMs: null, counted: false };
  return { job, runMs: null, outcome: "released", error: null, output: null, then };
}
