import type { ErrorRecord } from "../core/error-record.ts";
import type { JobInfo } from "../core/job.ts";
import { jobKey } from "../store/new-jobs.ts";
import type { Settlement } from "../store/settles.ts";
import type { SettledEvent } from "./worker-events.ts";
import type { Worker } from "./worker.ts";

/** What became of one attempt to work; null when a look found no job. */
export type Ack = (SettledEvent & { readonly error?: unknown }) | null;

/** An attempt whose handler has failed. */
export interface FailedAttempt {
  readonly worker: Worker;
  readonly job: JobInfo;
  /** What the handler threw, or the timeout, or why the payload was refused. */
  readonly error: unknown;
}

/** What a worker tells its owner, who may act on it. */
export interface WorkerHooks {
  readonly onFailed?: ((attempt: FailedAttempt) => unknown) | undefined;
  readonly onSettled?:
    ((settled: { readonly worker: Worker; readonly ack: Ack }) => unknown) | undefined;
}

export interface HooksOptions extends WorkerHooks {
  readonly worker: Worker;
  /** Told when a hook threw or rejected; the worker goes on. */
  readonly onError: (error: unknown) => void;
  /** Told when an attempt's hooks have returned. */
  readonly onReturned: () => void;
}

const longestMessage = 1_000;

/** Calls the hooks of a worker: of one job in the order of its attempts, and `onFailed` before `onSettled`. */
export class Hooks {
  readonly #options: HooksOptions;
  readonly #lastOf = new Map<string, Promise<void>>();
  #pending = 0;

  constructor(options: HooksOptions) {
    this.#options = options;
  }

  /** Whether there are any, so that attempts are to wait for them. */
  get areGiven(): boolean {
    return this.#options.onFailed !== undefined || this.#options.onSettled !== undefined;
  }

  /** How many places are held, also by attempts that have ended and are not written yet: the next may not be wanted. */
  placesHeld(unsettled: number): number {
    return this.areGiven ? this.#pending + unsettled : 0;
  }

  /** Resolves when all hooks called so far have returned. */
  async idle(): Promise<void> {
    await Promise.all(this.#lastOf.values());
  }

  /** A look found no job. */
  nothingFound(): void {
    if (this.#options.onSettled !== undefined) void this.#settled(null);
  }

  /** An attempt was settled. What was never started was no attempt. */
  settled(settlement: Settlement): void {
    if (!this.areGiven || (settlement.outcome === "released" && settlement.runMs === null)) return;
    const key = jobKey(settlement.job);
    this.#pending += 1;
    const done = this.#afterOthers(key, settlement).then(() => {
      this.#pending -= 1;
      if (this.#lastOf.get(key) === done) this.#lastOf.delete(key);
      this.#options.onReturned();
    });
    this.#lastOf.set(key, done);
  }

  async #afterOthers(key: string, settlement: Settlement): Promise<void> {
    await this.#lastOf.get(key);
    const { job, outcome, runMs, then } = settlement;
    const ack = { job, outcome, final: then === "gone", runMs };
    if (outcome !== "failed") {
      await this.#settled(ack);
      return;
    }
    const error = errorOf(settlement);
    const { worker, onFailed } = this.#options;
    if (onFailed !== undefined) await this.#safely(() => onFailed({ worker, job, error }));
    await this.#settled({ ...ack, error });
  }

  async #settled(ack: Ack): Promise<void> {
    const { worker, onSettled } = this.#options;
    if (onSettled !== undefined) await this.#safely(() => onSettled({ worker, ack }));
  }

  async #safely(call: () => unknown): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

/** One line about a failed attempt, without the payload. */
export function describeFailure(settlement: Settlement): string {
  const { job, then } = settlement;
  const { name, message } = JSON.parse(settlement.error ?? "{}") as ErrorRecord; // as decision.ts makes it
  const what = `${name}: ${message}`.replace(/\s+/g, " ").slice(0, longestMessage);
  const next = then === "gone" ? "for good" : "and will be tried again";
  return `attempt ${job.attempt} of job ${job.id} of the task "${job.task}" failed ${next}: ${what}`;
}

// Only this process has what was thrown; a record is left of what another try of the same settle had written.
function errorOf({ thrown, error }: Settlement): unknown {
  if (thrown !== undefined) return thrown.error;
  return error === null ? null : (JSON.parse(error) as unknown);
}
