import type { EnqueueResult } from "../client/enqueuer.ts";
import type { Measurement } from "../store/measurements.ts";
import type { SettledEvent } from "../worker/worker-events.ts";
import type { Worker } from "../worker/worker.ts";
import type { Family } from "./exposition.ts";
import { counterFamily, gaugeFamily, secondsFamily } from "./families.ts";

/** What metrics need of a `Pawl`. */
export interface ObservedPawl extends NodeJS.EventEmitter {
  readonly ownWorkers: readonly Worker[];
  measure(): Promise<Measurement>;
}

/** What this process has enqueued and run since it has been watched: counted from the events of a `Pawl` and its workers. */
export class Activity {
  readonly #workers = new Set<Worker>();
  #hadWorkers = false;
  readonly #enqueued = counterFamily({
    name: "pawl_jobs_enqueued_total",
    help: "Enqueues by this process, by what they did.",
  });
  readonly #finished = counterFamily({
    name: "pawl_jobs_finished_total",
    help: "Attempts that ended on workers of this process, by outcome.",
  });
  readonly #durations = secondsFamily({
    name: "pawl_job_duration_seconds",
    help: "How long handlers ran, failed attempts included.",
  });
  readonly #waits = secondsFamily({
    name: "pawl_job_wait_seconds",
    help: "How long jobs could have run before their handler started.",
  });
  readonly #lost = counterFamily({
    name: "pawl_lease_lost_total",
    help: "Jobs that others took over from workers of this process.",
  });
  readonly #busy = gaugeFamily(
    { name: "pawl_worker_busy", help: "Handlers that run in this process." },
    () => [{ labels: {}, value: this.#running() }],
  );

  constructor(pawl: ObservedPawl) {
    pawl.on("enqueued", ({ job: { queue, task }, outcome }: EnqueueResult) => {
      this.#enqueued.add({ queue, task, outcome });
    });
    pawl.on("worker", (worker: Worker) => {
      this.#watch(worker);
    });
    for (const worker of pawl.ownWorkers) this.#watch(worker);
    this.#lost.add({}, 0);
  }

  get families(): readonly Family[] {
    return [this.#enqueued, this.#finished, this.#durations, this.#waits, this.#lost, this.#busy];
  }

  /** The workers that have not ended. */
  get workers(): readonly Worker[] {
    return [...this.#workers];
  }

  /** Whether every worker is ready; a process that has had some and has none left is not. */
  get isReady(): boolean {
    if (this.#workers.size === 0) return !this.#hadWorkers;
    return this.workers.every((worker) => worker.health().isReady);
  }

  #watch(worker: Worker): void {
    this.#workers.add(worker);
    this.#hadWorkers = true;
    worker.on("settled", (event) => {
      this.#note(event);
    });
    worker.on("leaseLost", ({ jobs }) => {
      this.#lost.add({}, jobs.length);
    });
    void worker.finished.then(() => this.#workers.delete(worker));
  }

  #note({ job, outcome, runMs }: SettledEvent): void {
    const { queue, task } = job;
    this.#finished.add({ queue, task, outcome });
    if (runMs === null) return;
    this.#durations.observe({ queue, task }, runMs / 1_000);
    const waitMs = Date.now() - runMs - job.runAt.getTime();
    this.#waits.observe({ queue, task }, Math.max(0, waitMs) / 1_000);
  }

  #running(): number {
    return this.workers.reduce((sum, worker) => sum + worker.health().running, 0);
  }
}
