import { maxBatchSize } from "../core/claim-options.ts";
import { ownClockLookMs, type Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import { ownIdentity } from "../lifecycle/process-identity.ts";
import type { Database } from "../db/database.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import { readControls } from "../store/controls.ts";
import { jobKey } from "../store/new-jobs.ts";
import type { SettleContext } from "../store/settles.ts";
import type { Store } from "../store/store.ts";
import { findLostJobs, promoteDueJobs } from "../store/upkeep.ts";
import { endWorker, registerWorker } from "../store/workers.ts";
import { Claimer } from "./claimer.ts";
import { released } from "./decision.ts";
import { FlagFilter } from "./flag-filter.ts";
import { Heartbeat } from "./heartbeat.ts";
import { writeSettlements } from "./manual-settles.ts";
import { Reconciler } from "./reconciler.ts";
import type { Upkeep } from "./upkeep.ts";

/** Who claims by hand, and what. */
export interface ManualRole {
  readonly name: string;
  /** Undefined: any. */
  readonly queues: readonly string[] | undefined;
  /** Undefined: any. */
  readonly tasks: readonly string[] | undefined;
}

export interface ManualWorkerOptions extends ManualRole {
  readonly id: string;
  readonly schema: string;
  readonly version: string;
  readonly historyOf: SettleContext["historyOf"];
  readonly random: Random;
  /** Whether a clock of the caller's decides about jobs: it may stand still and jump. */
  readonly hasOwnClock: boolean;
  readonly makeUpkeep: (leaseMs: number, onError: (error: unknown) => void) => Upkeep;
  /** Told when it begins to end; claims are for another one from here on. */
  readonly onEnding: (ended: Promise<void>) => void;
  readonly onError: (error: unknown) => void;
}

const leaseMs = 10_000;
const beatsPerLease = 3;
const checkEveryMs = 2_500;
// Whoever claims now and then keeps one worker.
const idleMs = 10_000;
// Nobody knows how long work by hand blocks the event loop; a process that has died stops its heartbeat at once.
const allowedSilenceMs = 3_600_000;
const promoteAtMost = 500;
const releaseForMs = 3_000;

/**
 * What stands in the database for those who claim by hand under a name, from the first claim until it has held no job for a
 * while. Its jobs count as running as soon as they are claimed.
 */
export class ManualWorker {
  readonly id: string;
  readonly options: ManualWorkerOptions;
  readonly #control: Store<Database>;
  readonly #held = new Map<string, ClaimedJob>();
  readonly #claimer: Claimer;
  readonly #heartbeat: Heartbeat;
  readonly #reconciler: Reconciler;
  readonly #upkeep: Upkeep;
  readonly #check: Loop;
  #claiming: Promise<unknown> = Promise.resolve();
  #claimsUnderWay = 0;
  #forbiddenFlags: readonly string[] = [];
  // By queue, when a job with a rate limit may start, by the monotonic clock.
  readonly #limitedAt = new Map<string, number>();
  #usedAt = performance.now();
  #paused = "[[],[]]";
  #ended: Promise<void> | undefined;

  constructor(control: Store<Database>, options: ManualWorkerOptions) {
    const { id, onError, random } = options;
    this.id = id;
    this.options = options;
    this.#control = control;
    this.#upkeep = options.makeUpkeep(leaseMs, onError);
    this.#claimer = new Claimer(control, {
      workerId: id,
      queues: options.queues,
      tasks: options.tasks ?? null,
      flagFilter: new FlagFilter(() => this.#forbiddenFlags),
      onClaimed: (jobs) => {
        for (const job of jobs) this.#held.set(jobKey(job), job);
      },
      onLimited: (queue, inMs) => {
        this.#expectLimited(queue, inMs);
      },
      // What other tasks there are is for others to handle, or to miss.
      onUnknownTasks: () => undefined,
      onAdmitted: () => undefined,
      onError,
    });
    this.#heartbeat = new Heartbeat(control, {
      workerId: id,
      schema: options.schema,
      leaseMs,
      everyMs: options.hasOwnClock ? ownClockLookMs : leaseMs / beatsPerLease,
      allowedSilenceMs: () => allowedSilenceMs,
      onLost: () => {
        this.#lose();
      },
      onError,
      random,
    });
    this.#reconciler = new Reconciler(control, {
      workerId: id,
      everyMs: leaseMs,
      endedClaimNumber: () => this.#claimer.endedClaimNumber,
      held: () => [...this.#held.values()],
      onError,
      random,
    });
    this.#check = new Loop({
      pass: () => this.#checkHeld(),
      onError,
      random,
      maxBackoffMs: checkEveryMs,
    });
  }

  /** Whether it claims no more: it was idle, closed, or ended by others. */
  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** Makes the worker known and keeps its lease from here on. */
  async start(): Promise<void> {
    const { id, name, queues, tasks, version } = this.options;
    await registerWorker(this.#control, {
      ...{ id, name, queues, tasks, version, leaseMs },
      ...ownIdentity(),
      // Each of its jobs may have been started.
      concurrency: maxBatchSize,
      transactionSlots: 1,
      transactional: [],
      // Each claim says its own.
      forbiddenFlags: null,
    });
    this.#heartbeat.start();
    this.#reconciler.start();
    this.#upkeep.start();
    this.#check.start();
  }

  /** Up to `limit` jobs, which are held from here on; calls wait for one another. */
  async claim(limit: number, forbiddenFlags: readonly string[]): Promise<ClaimedJob[]> {
    this.#claimsUnderWay += 1;
    const claimed = this.#claiming.then(() => {
      this.#forbiddenFlags = forbiddenFlags;
      return this.#claim(limit);
    });
    this.#claiming = claimed.catch(() => undefined);
    try {
      return await claimed;
    } finally {
      this.#claimsUnderWay -= 1;
      this.#usedAt = performance.now();
    }
  }

  /** Whether it has not settled or lost this claim, as far as it knows. */
  holds(job: ClaimedJob): boolean {
    return this.#held.get(jobKey(job)) === job;
  }

  /** These jobs have been settled, or were lost. */
  letGo(jobs: readonly ClaimedJob[]): void {
    if (jobs.length > 0) this.#usedAt = performance.now();
    for (const job of jobs) {
      if (this.holds(job)) this.#held.delete(jobKey(job));
    }
  }

  /** Gives back what is held, and ends. */
  end(): Promise<void> {
    if (this.#ended === undefined) {
      this.#ended = this.#end();
      this.options.onEnding(this.#ended);
    }
    return this.#ended;
  }

  // What may start now comes first, so that no backlog of other jobs keeps it waiting.
  async #claim(limit: number): Promise<ClaimedJob[]> {
    const jobs: ClaimedJob[] = [];
    await this.#heedPauses();
    // Where time stands still, new jobs do not come behind the cursors.
    if (this.options.hasOwnClock) this.#claimer.restart();
    const claims = [
      (left: number) => this.#claimLimited(left),
      (left: number) => this.#claimer.claim(left),
      (left: number) => this.#claimLimited(left),
      async (left: number) => ((await this.#promoteDue()) ? this.#claimer.claim(left) : []),
      (left: number) => this.#claimLimited(left),
    ];
    for (const claim of claims) {
      if (jobs.length >= limit || this.isOver) break;
      try {
        jobs.push(...(await claim(limit - jobs.length)));
      } catch (error) {
        this.#claimer.restart();
        this.#reconciler.wake();
        if (jobs.length === 0) throw error;
        // What has been claimed is to be handed out; the next claim meets the error.
        break;
      }
    }
    return jobs;
  }

  async #heedPauses(): Promise<void> {
    const { queues, tasks } = await readControls(this.#control, this.id);
    const paused = JSON.stringify([queues, tasks]);
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#claimer.setPaused({ queues: new Set(queues), tasks: new Set(tasks) });
  }

  async #claimLimited(limit: number): Promise<ClaimedJob[]> {
    const jobs: ClaimedJob[] = [];
    for (const [queue, dueAt] of [...this.#limitedAt]) {
      if (dueAt > performance.now() || jobs.length >= limit) continue;
      this.#limitedAt.delete(queue);
      const claimed = await this.#claimer
        .claimLimited(queue, limit - jobs.length)
        .catch((error: unknown) => {
          this.#expectLimited(queue, 0);
          if (jobs.length === 0) throw error;
          // What has been claimed is to be handed out; the next claim meets the error.
          return { jobs: [], limitedMs: null };
        });
      jobs.push(...claimed.jobs);
      if (claimed.limitedMs !== null) this.#expectLimited(queue, claimed.limitedMs);
    }
    return jobs;
  }

  #expectLimited(queue: string, inMs: number): void {
    const dueAt = performance.now() + Math.max(0, inMs);
    this.#limitedAt.set(queue, Math.min(this.#limitedAt.get(queue) ?? Infinity, dueAt));
  }

  // No worker of `pawl.worker` need be there to make due jobs ready.
  async #promoteDue(): Promise<boolean> {
    const { queues } = this.options;
    const due = { queues, lookBackMs: null, limit: promoteAtMost };
    const { promoted } = await promoteDueJobs(this.#control, due);
    return promoted > 0;
  }

  // A job is gone when the transaction in which its caller settled it has committed, or when others have taken it.
  async #checkHeld(): Promise<number> {
    const held = [...this.#held.values()];
    if (held.length > 0) {
      this.letGo(await findLostJobs(this.#control, this.id, held));
    }
    const isIdle = this.#held.size === 0 && this.#claimsUnderWay === 0;
    if (isIdle && performance.now() - this.#usedAt >= idleMs) void this.end();
    return checkEveryMs;
  }

  #lose(): void {
    this.#held.clear();
    void this.end();
  }

  async #end(): Promise<void> {
    const { onError } = this.options;
    await this.#claiming;
    await this.#claimer.stop();
    await this.#releaseHeld().catch(onError);
    await Promise.all([this.#reconciler.stop(), this.#upkeep.stop(), this.#heartbeat.stop()]);
    await endWorker(this.#control, this.id).catch(onError);
    await this.#check.stop();
  }

  async #releaseHeld(): Promise<void> {
    const settlements = [...this.#held.values()].map((job) => released(job, null));
    this.#held.clear();
    const { historyOf, random } = this.options;
    const context = { workerId: this.id, historyOf, isAdmitting: true };
    await writeSettlements(this.#control, context, settlements, { forMs: releaseForMs, random });
  }
}
