import type { ClaimedJob } from "../store/claimed-job.ts";
import { Claimer } from "./claimer.ts";
import { DueJobs } from "./due-jobs.ts";
import type { FlagFilter } from "./flag-filter.ts";
import { LimitedJobs } from "./limited-jobs.ts";
import type { SessionContext } from "./session-context.ts";
import type { Starter } from "./starter.ts";
import { WakeUps } from "./wake-ups.ts";
import { WorkerQueue } from "./worker-queue.ts";

export interface IntakeOptions {
  readonly workerId: string;
  readonly flagFilter: FlagFilter;
  /** What starts the jobs; it is made with the queue of this. */
  readonly starter: () => Starter;
  /** Given every job as soon as its claim is known. */
  readonly onClaimed: (jobs: readonly ClaimedJob[]) => void;
  /** Those of the jobs that may start now; the others are given back. */
  readonly admit: (jobs: ClaimedJob[]) => ClaimedJob[];
  /** Gives back jobs that have not started. */
  readonly release: (jobs: readonly ClaimedJob[]) => void;
  /** Told when a look found nothing and nothing waits. */
  readonly onNothingFound: () => void;
  readonly onUnknownTasks: (queue: string) => void;
  /** Told of a wake-up: there may be news of other kinds as well. */
  readonly onWoken: () => void;
  /** Told when a claim has failed: it may have been carried out. */
  readonly onClaimFailed: () => void;
  readonly onError: (error: unknown) => void;
}

// Above a rate like this, looking often is cheaper for everybody than being woken.
const wakeUpsUpToJobsPerSecond = 300;

/** How jobs come to a session: it makes due ones ready, is woken, looks, claims and buffers. */
export class Intake {
  readonly queue: WorkerQueue;
  readonly claimer: Claimer;
  readonly #context: SessionContext;
  readonly #options: IntakeOptions;
  readonly #wakeUps: WakeUps;
  readonly #dueJobs: DueJobs;
  readonly #limitedJobs: LimitedJobs;
  #claimMs = 1;

  constructor(context: SessionContext, options: IntakeOptions) {
    this.#context = context;
    this.#options = options;
    this.claimer = this.#makeClaimer();
    this.queue = this.#makeQueue();
    this.#limitedJobs = this.#makeLimitedJobs();
    this.#dueJobs = this.#makeDueJobs();
    this.#wakeUps = this.#makeWakeUps();
  }

  start(): void {
    this.#dueJobs.start();
    this.#wakeUps.start();
    this.#limitedJobs.start();
    this.queue.start();
  }

  /** Resolves with what was buffered when the claims under way have ended. */
  async stop(): Promise<ClaimedJob[]> {
    const stopped = [this.#limitedJobs.stop(), this.#wakeUps.stop(), this.#dueJobs.stop()];
    const [buffered] = await Promise.all([this.queue.stop(), ...stopped]);
    await this.claimer.stop();
    return buffered;
  }

  /** A job has gone back, to run again after this long. */
  expect(delayMs: number): void {
    if (delayMs === 0) this.queue.wake();
    else this.#dueJobs.expect(delayMs);
  }

  #wakeOthers(): void {
    this.#dueJobs.wake();
    this.#options.onWoken();
  }

  async #claim(limit: number): Promise<ClaimedJob[]> {
    const askedAt = performance.now();
    // Where time stands still, new jobs do not come behind the cursors.
    if (this.#context.pace.hasOwnClock) this.claimer.restart();
    const jobs = await this.claimer.claim(limit, this.#options.starter().follow(this.#claimMs));
    this.#claimMs = (this.#claimMs + performance.now() - askedAt) / 2;
    const isNothing = jobs.length === 0 && this.queue.depth === 0 && !this.claimer.isAdmitting;
    if (isNothing) this.#options.onNothingFound();
    return this.#options.admit(jobs);
  }

  #makeClaimer(): Claimer {
    const { control, options } = this.#context;
    return new Claimer(control, {
      workerId: this.#options.workerId,
      queues: options.queues,
      tasks: [...options.handlers.keys()],
      flagFilter: this.#options.flagFilter,
      onClaimed: this.#options.onClaimed,
      onLimited: (queue, inMs) => {
        this.#limitedJobs.expect(queue, inMs);
      },
      onUnknownTasks: this.#options.onUnknownTasks,
      onAdmitted: () => {
        this.queue.wake();
      },
      onError: this.#options.onError,
    });
  }

  #makeQueue(): WorkerQueue {
    const { pace, random } = this.#context;
    const { workerId, starter, release, onClaimFailed, onError } = this.#options;
    return new WorkerQueue({
      workerId,
      claim: (limit) => this.#claim(limit),
      freeSlots: () => starter().freeSlots,
      longestPauseMs: () =>
        this.#wakeUps.areOn ? pace.longestPauseMs : pace.pauseWithoutWakeUpsMs,
      isWoken: () => this.#wakeUps.areOn,
      release,
      onJobs: () => {
        starter().startReady();
      },
      onError: (error) => {
        this.claimer.restart();
        onClaimFailed();
        onError(error);
      },
      random,
    });
  }

  #makeLimitedJobs(): LimitedJobs {
    const { options, pace, random } = this.#context;
    const { starter, admit, onError } = this.#options;
    return new LimitedJobs({
      reserve: () => starter().reserve(options.concurrency),
      claim: (queue, limit) => this.claimer.claimLimited(queue, limit),
      start: (places, jobs) => {
        starter().startReserved(places, admit([...jobs]));
      },
      longestPauseMs: pace.limitedJobsMs,
      onError,
      random,
    });
  }

  #makeDueJobs(): DueJobs {
    const { control, options, pace, random } = this.#context;
    return new DueJobs(control, {
      queues: options.queues,
      longestPauseMs: pace.longestPauseMs,
      lookAtAllEveryMs: pace.allDueJobsMs,
      onPromoted: () => {
        this.queue.wake();
      },
      onError: this.#options.onError,
      random,
    });
  }

  #makeWakeUps(): WakeUps {
    const { control, schema, random } = this.#context;
    return new WakeUps(control, {
      workerId: this.#options.workerId,
      channel: schema,
      isWaiting: () =>
        this.queue.isExhausted && this.queue.jobsPerSecond < wakeUpsUpToJobsPerSecond,
      onWake: (isOnlyReady) => {
        this.queue.wake();
        if (!isOnlyReady) this.#wakeOthers();
      },
      onWishChanged: () => {
        this.queue.lookOften();
        this.#wakeOthers();
      },
      onLost: () => {
        this.claimer.restart();
      },
      onError: this.#options.onError,
      random,
    });
  }
}
