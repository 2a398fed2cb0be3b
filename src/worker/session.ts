import { LeaseLostError } from "../core/errors.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import { jobKey } from "../store/new-jobs.ts";
import { historyPolicyOf, type SettleContext, type Settlement } from "../store/settles.ts";
import { endWorker, registerWorker } from "../store/workers.ts";
import type { Controls } from "./controls.ts";
import { released } from "./decision.ts";
import { FlagFilter } from "./flag-filter.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Intake } from "./intake.ts";
import { Reconciler } from "./reconciler.ts";
import { registrationOf } from "./registration.ts";
import { Runner } from "./runner.ts";
import {
  withoutMissingPartitions,
  type SessionContext,
  type SessionEvents,
} from "./session-context.ts";
import { controlsOf } from "./session-controls.ts";
import { Settler } from "./settler.ts";
import { Starter } from "./starter.ts";
import { announceTasks } from "./task-announcement.ts";
import type { Upkeep } from "./upkeep.ts";
import type { WorkerQueue } from "./worker-queue.ts";

/** Everything that lives under one worker id: it is new for each start, and after a lost lease. */
export class Session {
  readonly id: string;
  readonly #context: SessionContext;
  readonly #events: SessionEvents;
  readonly #held = new Map<string, ClaimedJob>();
  readonly #settler: Settler;
  readonly #heartbeat: Heartbeat;
  readonly #controls: Controls;
  readonly #intake: Intake;
  readonly #reconciler: Reconciler;
  readonly #flagFilter: FlagFilter;
  readonly #upkeep: Upkeep;
  readonly runner: Runner;
  readonly starter: Starter;
  #isLost = false;
  #isStopping = false;
  /** When outcomes were last written, by the monotonic clock. */
  lastSettleAt: number | undefined;

  constructor(id: string, context: SessionContext, events: SessionEvents) {
    this.id = id;
    this.#context = context;
    this.#events = context.pace.hasOwnClock ? withoutMissingPartitions(events) : events;
    this.#upkeep = context.makeUpkeep(this.#events.onError);
    this.#flagFilter = new FlagFilter(context.options.forbiddenFlags);
    this.#settler = this.#makeSettler();
    this.runner = this.#makeRunner();
    this.#intake = this.#makeIntake();
    this.starter = new Starter({
      queue: this.queue,
      runner: this.runner,
      settler: this.#settler,
      concurrency: context.options.concurrency,
      flagFilter: this.#flagFilter,
      busyElsewhere: () => events.busyElsewhere(this.#settler.pending),
      isLeaseKept: () => this.#heartbeat.isLeaseKept,
      release: (jobs) => {
        this.#release(jobs);
      },
    });
    this.#heartbeat = this.#makeHeartbeat();
    this.#controls = this.#makeControls();
    this.#reconciler = this.#makeReconciler();
  }

  /** The jobs that wait to start. */
  get queue(): WorkerQueue {
    return this.#intake.queue;
  }

  /** Makes the worker known; rejects when the database cannot be reached or its schema is not there. */
  async register(): Promise<void> {
    const { control, options } = this.#context;
    const { current } = this.#flagFilter;
    await registerWorker(control, registrationOf(this.id, this.#context, current));
    await announceTasks(control, options.handlers);
    // So that nothing starts that is paused.
    await this.#controls.look();
  }

  /** Begins to claim; the worker is known. */
  start(): void {
    this.#heartbeat.start();
    this.#upkeep.start();
    this.#reconciler.start();
    this.#controls.start();
    // Until the heartbeat's thread beats, a handler that blocks the event loop would stop the heartbeat.
    void this.#heartbeat.placed.then(() => {
      if (!this.#isStopping) this.#intake.start();
    });
  }

  /** Starts no more jobs, and gives back those that wait to. */
  stopStarting(): void {
    this.#release(this.starter.stop());
    this.runner.stopWaiting();
  }

  /** Claims no more and gives back what has not started. */
  async stopClaiming(): Promise<void> {
    this.#isStopping = true;
    this.stopStarting();
    this.#release(await this.#intake.stop());
  }

  /** Ends the session: writes what is to be written, within `withinMs`, and leaves. */
  async end(withinMs: number): Promise<void> {
    const giveUp = setTimeout(() => {
      this.#settler.abandon();
    }, withinMs);
    await this.#settler.drained();
    clearTimeout(giveUp);
    // What comes later is for the rescue.
    this.#settler.abandon();
    const parts = [this.#controls, this.#reconciler, this.#upkeep, this.#heartbeat];
    await Promise.all(parts.map((part) => part.stop()));
    await endWorker(this.#context.control, this.id).catch(this.#events.onError);
  }

  /** The lease is lost: handlers are told, and what they say no longer counts. */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.queue.takeAll();
    this.starter.stop();
    // A handler may still run for a job that has been claimed again since.
    this.#loseJobs([...new Set([...this.#held.values(), ...this.runner.running])]);
    this.#events.onEnded();
  }

  get health(): {
    heartbeat: "thread" | "event loop";
    lastBeatAt: number | undefined;
    lastClaimAt: number | undefined;
    pausedQueues: readonly string[];
    unsettled: number;
  } {
    return {
      heartbeat: this.#heartbeat.place,
      lastBeatAt: this.#heartbeat.lastBeatAt,
      lastClaimAt: this.queue.lastClaimAt,
      pausedQueues: [...this.#controls.pauses.queues],
      unsettled: this.#settler.pending,
    };
  }

  // Something may have been paused while the claim was under way.
  #withoutPaused(jobs: ClaimedJob[]): ClaimedJob[] {
    if (this.#isLost) return [];
    const isPaused = this.#controls.pausedAmong(jobs);
    const paused = jobs.filter(isPaused);
    if (paused.length === 0) return jobs;
    this.#release(paused);
    return jobs.filter((job) => !isPaused(job));
  }

  #release(jobs: readonly ClaimedJob[]): void {
    for (const job of jobs) this.#settler.add(released(job, null));
  }

  #noteSettled(settlements: readonly Settlement[]): void {
    this.lastSettleAt = performance.now();
    for (const { job, then } of settlements) {
      this.#letGo(job);
      // What waited for its lane may be ready now.
      if (job.lane !== undefined) this.queue.wake();
      if (then !== "gone" && then.delayMs !== null) this.#intake.expect(then.delayMs);
    }
    this.#events.onSettled(settlements);
    this.starter.startReady();
  }

  // The same job may have been claimed again before the reply to its settle came.
  #letGo(job: ClaimedJob): void {
    const key = jobKey(job);
    if (this.#held.get(key) === job) this.#held.delete(key);
  }

  #loseJobs(jobs: readonly ClaimedJob[]): void {
    if (jobs.length === 0) return;
    const error = new LeaseLostError(
      `expected this worker to hold ${jobs.length === 1 ? "a job" : `${jobs.length} jobs`} that others have taken over; ` +
        "what it had to say about them changed nothing",
      jobs.map(({ queue, id, attempt }) => ({ queue, id, attempt })),
    );
    for (const job of jobs) this.#letGo(job);
    this.runner.abort(error, new Set(jobs));
    // The rescue of a worker that has been ended frees the lanes of its jobs.
    if (!this.#isLost) this.#controls.freeWhenReturned(jobs);
    this.#events.onLeaseLost(error);
  }

  #makeIntake(): Intake {
    return new Intake(this.#context, {
      workerId: this.id,
      flagFilter: this.#flagFilter,
      starter: () => this.starter,
      onClaimed: (jobs) => {
        for (const job of jobs) this.#held.set(jobKey(job), job);
      },
      admit: (jobs) => this.#withoutPaused(jobs),
      release: (jobs) => {
        this.#release(jobs);
      },
      onNothingFound: this.#events.onNothingFound,
      onUnknownTasks: (queue) => {
        this.#upkeep.noticeUnknownTasks(queue);
      },
      onWoken: () => {
        this.#controls.wake();
      },
      onClaimFailed: () => {
        this.#reconciler.wake();
      },
      onError: this.#events.onError,
    });
  }

  #makeSettler(): Settler {
    const { control, random } = this.#context;
    return new Settler(control, {
      ...this.#settleContext,
      random,
      onSettled: (settlements) => {
        this.#noteSettled(settlements);
      },
      // With hooks, an attempt holds its place until its outcome is written; and a job seen in a crash waits for all of them.
      onWritten: () => {
        this.starter.startReady();
      },
      onLost: (jobs) => {
        this.#loseJobs(jobs);
      },
      onError: this.#events.onError,
    });
  }

  #makeRunner(): Runner {
    const { store, control, options, serializer, random, enqueueFor, instrumentation } =
      this.#context;
    return new Runner(store, this.#settler, {
      handlers: options.handlers,
      serializer,
      random,
      enqueueFor,
      instrumentation,
      transactions: {
        ...this.#settleContext,
        leaseMs: options.leaseMs,
        slots: this.#context.slots,
        control,
        onError: this.#events.onError,
      },
      beginAgainMs: this.#context.pace.beginAgainMs,
      onStarting: (timeoutMs) => {
        this.#heartbeat.allowSilence(timeoutMs);
      },
      onEnded: (job, settlement) => {
        this.queue.noteFinished();
        this.starter.noteEnded(job, settlement);
        this.starter.startReady();
        this.#events.onHandlerEnded();
      },
    });
  }

  #makeHeartbeat(): Heartbeat {
    const { control, schema, options, pace, random } = this.#context;
    return new Heartbeat(control, {
      workerId: this.id,
      schema,
      leaseMs: options.leaseMs,
      everyMs: pace.heartbeatMs,
      allowedSilenceMs: () => this.runner.longestTimeoutMs,
      onLost: () => {
        this.lose();
      },
      onError: this.#events.onError,
      random,
    });
  }

  #makeControls(): Controls {
    return controlsOf(this.id, this.#context, {
      queue: this.queue,
      starter: this.starter,
      runner: this.runner,
      settler: this.#settler,
      claimer: this.#intake.claimer,
      release: (jobs) => {
        this.#release(jobs);
      },
      lose: (jobs) => {
        this.#loseJobs(jobs);
      },
      onError: this.#events.onError,
    });
  }

  get #settleContext(): SettleContext {
    const { handlers } = this.#context.options;
    return {
      workerId: this.id,
      historyOf: ({ task }) => historyPolicyOf(handlers.get(task)?.task),
      isAdmitting: true,
    };
  }

  #makeReconciler(): Reconciler {
    const { control, options, random } = this.#context;
    return new Reconciler(control, {
      workerId: this.id,
      everyMs: options.leaseMs,
      endedClaimNumber: () => this.#intake.claimer.endedClaimNumber,
      held: () => [...this.#held.values()],
      onError: this.#events.onError,
      random,
    });
  }
}
