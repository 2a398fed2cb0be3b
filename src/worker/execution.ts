import type { AttemptObserver } from "../core/instrumentation.ts";
import type { AnyTask, HandlerContext, HandlerEnqueue } from "../core/task.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";

/** One running attempt. */
export class Execution {
  readonly job: ClaimedJob;
  readonly task: AnyTask;
  #startedAt: number | undefined;
  #controller: AbortController | undefined;
  #abandon: ((reason: Error) => void) | undefined;
  #abortedAt: number | undefined;
  #reason: Error | undefined;
  #handler: Promise<unknown> | undefined;
  #onEnded: (() => void) | undefined;
  /** Whether the handler has returned or thrown. */
  hasReturned = false;
  /** Who watches this attempt, once its handler has started. */
  observer: AttemptObserver | undefined;

  constructor(job: ClaimedJob, task: AnyTask) {
    this.job = job;
    this.task = task;
  }

  /** The handler starts now: before that, a transactional one may have waited for a connection. */
  begin(now: number): void {
    this.#startedAt = now;
  }

  /** For how long the handler has been running; undefined when it has not started. */
  runMs(now: number): number | undefined {
    return this.#startedAt === undefined ? undefined : now - this.#startedAt;
  }

  // Most handlers never look at their signal, and making one costs more than a small job.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why the signal was aborted; undefined while it was not. */
  get abortReason(): Error | undefined {
    return this.#reason;
  }

  /** When the signal was aborted, by the monotonic clock. */
  get abortedAt(): number | undefined {
    return this.#abortedAt;
  }

  /** Aborts the signal, once; the first reason stands. */
  abort(reason: Error, now: number): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#abortedAt = now;
    this.#controller?.abort(reason);
  }

  /** Ends the wait for a handler that ignores its signal. */
  abandon(): void {
    if (this.#reason !== undefined) this.#abandon?.(this.#reason);
  }

  /** The handler's outcome, or a rejection when it was abandoned before. */
  outcomeOf(running: Promise<unknown>): Promise<unknown> {
    this.#handler = running;
    return new Promise((resolve, reject) => {
      this.#abandon = reject;
      running.then(
        (value) => {
          this.hasReturned = true;
          resolve(value);
        },
        (error: unknown) => {
          this.hasReturned = true;
          // Whatever it threw is what the attempt failed with.
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
          reject(error);
        },
      );
    });
  }

  /** The attempt is over, though a handler that was abandoned may still run. */
  end(): void {
    this.#onEnded?.();
  }

  /** Resolves when the attempt is over and its handler has returned, even if it was abandoned. */
  async returned(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onEnded = resolve;
    });
    await this.#handler?.catch(() => undefined);
  }
}

/** What a handler is given. What few handlers use is made when they do. */
export class Context implements HandlerContext<unknown, unknown> {
  readonly payload: unknown;
  readonly job: ClaimedJob;
  readonly tx: unknown;
  readonly #execution: Execution;
  readonly #enqueueFor: (job: ClaimedJob, tx: unknown) => HandlerEnqueue;

  constructor(
    execution: Execution,
    given: {
      payload: unknown;
      tx: unknown;
      enqueueFor: (job: ClaimedJob, tx: unknown) => HandlerEnqueue;
    },
  ) {
    this.payload = given.payload;
    this.job = execution.job;
    this.tx = given.tx;
    this.#execution = execution;
    this.#enqueueFor = given.enqueueFor;
  }

  get signal(): AbortSignal {
    return this.#execution.signal;
  }

  get enqueue(): HandlerEnqueue {
    return this.#enqueueFor(this.job, this.tx);
  }
}
