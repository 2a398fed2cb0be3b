import { randomUUID } from "node:crypto";
import type { Store } from "#pawl/store/store";
import { claimJobs } from "#pawl/store/claims";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import type { Settlement } from "#pawl/store/settles";
import { Cursors } from "#pawl/worker/cursors";

/** Claims as one worker does, without being one: each claim has the next number. */
export class HandClaimer {
  readonly workerId = randomUUID();
  readonly #store: Store;
  claimNumber = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async claim({ queue = "default", limit = 1_000, tasks = ["task"] } = {}): Promise<ClaimedJob[]> {
    this.claimNumber += 1;
    const { workerId, claimNumber } = this;
    const ranges = new Cursors().ranges();
    const { jobs } = await claimJobs(this.#store, {
      queue,
      workerId,
      claimNumber,
      limit,
      tasks,
      ranges,
    });
    return jobs;
  }

  /** Claims exactly one job. */
  async claimOne(options: { queue?: string; tasks?: string[] } = {}): Promise<ClaimedJob> {
    const [job] = await this.claim({ ...options, limit: 1 });
    if (job === undefined) throw new Error("expected a job to be ready");
    return job;
  }
}

/** The outcome of an attempt that went well and took 5 ms. */
export function succeeded(job: ClaimedJob): Settlement {
  return { job, runMs: 5, outcome: "succeeded", error: null, output: null, then: "gone" };
}

/** The outcome of an attempt that failed and is repeated after a while. */
export function failed(job: ClaimedJob, delayMs: number): Settlement {
  const error = JSON.stringify({ message: "no luck" });
  return { job, runMs: 5, outcome: "failed", error, output: null, then: { delayMs, counted: true } };
}

/** The outcome of a job that goes back to where it stood. */
export function released(job: ClaimedJob): Settlement {
  const then = { delayMs: null, counted: false };
  return { job, runMs: null, outcome: "released", error: null, output: null, then };
}
