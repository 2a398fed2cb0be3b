import { EventEmitter } from "node:events";
import { parseDuration, type Duration } from "../core/duration.ts";
import { PawlError, ShutdownError, WorkerError } from "../core/errors.ts";
import { checkKeys } from "../core/options.ts";
import { aborted, backoff, startTimer, wait, within } from "../core/wait.ts";
import { classify } from "../db/sqlstate.ts";
import type { Settlement } from "../store/settles.ts";
import { describeFailure, Hooks } from "./hooks.ts";
import type { SessionContext } from "./session-context.ts";
import { Session } from "./session.ts";
import type { SettledEvent, WorkerEvents } from "./worker-events.ts";

/** Where a worker is in its life. */
export type WorkerState = "new" | "running" | "stopping" | "terminated";

/** How a worker is doing. */
export interface WorkerHealth {
  readonly state: WorkerState;
  /** Whether it runs, looks for jobs and keeps its lease; turns false in an outage and true again by itself. */
  readonly isReady: boolean;
  /** New for each start; undefined before. */
  readonly workerId: string | undefined;
  /** Where the heartbeat runs: in a thread of its own, or in the event loop where a thread cannot connect. */
  readonly heartbeat: "thread" | "event loop";
  readonly lastClaimAt: Date | null;
  readonly lastSettleAt: Date | null;
  readonly lastBeatAt: Date | null;
  readonly running: number;
  readonly buffered: number;
  /** The queues that are paused, whether this worker serves them or not. */
  readonly pausedQueues: readonly string[];
  /** Outcomes that are not written yet. */
  readonly unsettled: number;
}

// After the signals have been aborted, handlers get this long to return.
const abortGraceMs = 1_000;
const writeOutcomesWithinMs = 10_000;
const maxBackoffMs = 1_000;

/** Claims jobs and runs their handlers. Made by `pawl.worker`. */
export class Worker extends EventEmitter<WorkerEvents> {
  /** Resolves when the worker has ended. */
  readonly finished: Promise<void>;
  readonly #context: SessionContext & { readonly newId: () => string };
  readonly #assertSchema: () => Promise<void>;
  readonly #hurry = new AbortController();
  readonly #stopping = new AbortController();
  readonly #former = new Set<Session>();
  readonly #hooks: Hooks;
  #state: WorkerState = "new";
  #session: Session | undefined;
  #beginning: Promise<void> = Promise.resolve();
  #opening: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #finish: () => void = () => undefined;
  readonly #deadlines: (() => void)[] = [];

  constructor(
    context: SessionContext & { readonly newId: () => string },
    assertSchema: () => Promise<void>,
  ) {
    super();
    this.#context = context;
    this.#assertSchema = assertSchema;
    this.#hooks = new Hooks({
      ...context.options.hooks,
      worker: this,
      onError: (error) => {
        this.#report(error);
      },
      onReturned: () => {
        this.#noteFreePlace();
      },
    });
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get state(): WorkerState {
    return this.#state;
  }

  /**
   * Starts to claim jobs. When the database cannot be reached, it resolves all the same and goes on trying. Throws
   * `SchemaError` when the schema is missing or of another version, and `WorkerError` when it was started before.
   */
  async start(): Promise<void> {
    if (this.#state !== "new") {
      throw new WorkerError(
        "PAWL_WORKER_STATE",
        `expected a new worker, got one that is ${this.#state}; a worker starts once, make another with pawl.worker(…)`,
      );
    }
    this.#state = "running";
    const begun = this.#begin();
    this.#beginning = begun.catch(() => undefined);
    await begun;
  }

  /**
   * Ends the worker: it claims no more and gives back what has not started; running handlers get the grace period (the
   * worker's `shutdownGrace` unless given), then their signals abort and what is unfinished goes back to `ready`. A second
   * call with a shorter grace hurries the first. Resolves when the worker has ended.
   */
  stop(options: { readonly grace?: Duration } = {}): Promise<void> {
    checkKeys("stop", options, ["grace"]);
    const graceMs =
      options.grace === undefined
        ? this.#context.options.shutdownGraceMs
        : parseDuration(options.grace, "grace");
    if (this.#state !== "terminated") {
      this.#deadlines.push(startTimer(graceMs, () => this.#hurry.abort()));
    }
    this.#stopped ??= this.#stop().then(() => this.finished);
    return this.#stopped;
  }

  health(): WorkerHealth {
    const session = this.#session;
    const health = session?.health;
    const now = performance.now();
    const { leaseMs, pollIntervalMs } = this.#context.options;
    const isFresh = (at: number | undefined, withinMs: number): boolean =>
      at !== undefined && now - at <= withinMs;
    return {
      state: this.#state,
      isReady:
        this.#state === "running" &&
        isFresh(health?.lastBeatAt, leaseMs) &&
        isFresh(health?.lastClaimAt, Math.max(leaseMs, pollIntervalMs * 3)),
      workerId: session?.id,
      heartbeat: health?.heartbeat ?? "event loop",
      lastClaimAt: toDate(health?.lastClaimAt),
      lastSettleAt: toDate(session?.lastSettleAt),
      lastBeatAt: toDate(health?.lastBeatAt),
      running: this.#runningCount(),
      buffered: session?.queue.depth ?? 0,
      pausedQueues: health?.pausedQueues ?? [],
      unsettled: health?.unsettled ?? 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #begin(): Promise<void> {
    try {
      await this.#assertSchema();
      await this.#openSession();
    } catch (error) {
      if (!isPassing(error)) {
        this.#terminate();
        throw error;
      }
      this.#report(error);
      this.#opening = this.#keepOpening();
    }
  }

  async #openSession(): Promise<void> {
    const session = new Session(this.#context.newId(), this.#context, {
      onSettled: (settlements) => {
        this.#emitSettled(settlements);
      },
      onNothingFound: () => {
        this.#hooks.nothingFound();
      },
      onLeaseLost: (error) => {
        this.#safely(() => this.emit("leaseLost", error));
        if (this.#hooks.areGiven) this.#noteFreePlace();
      },
      onEnded: () => {
        this.#replace(session);
      },
      onError: (error) => {
        this.#report(error);
      },
      onHandlerEnded: () => {
        if (this.#session !== session) this.#session?.starter.startReady();
      },
      busyElsewhere: (unsettled) => this.#formerCount() + this.#hooks.placesHeld(unsettled),
    });
    await session.register();
    this.#session = session;
    if (this.#stopping.signal.aborted) return;
    session.start();
    this.#safely(() => this.emit("started", { workerId: session.id }));
  }

  async #keepOpening(): Promise<void> {
    const pause = backoff({ initialMs: 50, maxMs: maxBackoffMs, random: this.#context.random });
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#assertSchema();
        await this.#openSession();
        return;
      } catch (error) {
        this.#report(error);
        // To stay up and do nothing would be worse than to end.
        if (!isPassing(error)) void this.stop({ grace: 0 });
        await wait(pause.next(), this.#stopping.signal);
      }
    }
  }

  // Others have ended the session. Its handlers have been told; the worker goes on under a new id.
  #replace(session: Session): void {
    if (this.#state !== "running" || this.#session !== session) return;
    this.#session = undefined;
    this.#former.add(session);
    this.#opening = Promise.all([this.#retire(session), this.#keepOpening()]).then(() => undefined);
  }

  async #retire(session: Session): Promise<void> {
    await session.stopClaiming();
    await session.end(0);
    void session.runner.idle().then(() => {
      this.#former.delete(session);
      this.#session?.queue.wake();
    });
  }

  async #stop(): Promise<void> {
    if (this.#state === "new") this.#terminate();
    if (this.#state === "terminated") return;
    this.#state = "stopping";
    this.#stopping.abort();
    this.#session?.stopStarting();
    // A server that never answers must not hold up the end.
    await within(abortGraceMs, Promise.all([this.#beginning, this.#opening]));
    const session = this.#session;
    const sessions = [...this.#former, ...(session === undefined ? [] : [session])];
    const idle = Promise.all([
      session?.stopClaiming(),
      ...sessions.map(({ runner }) => runner.idle()),
    ]);
    await Promise.race([idle, aborted(this.#hurry.signal)]);
    for (const { runner } of sessions) runner.abort(shutdownError());
    await within(abortGraceMs, idle);
    for (const { runner } of sessions) runner.abandonAborted();
    await within(abortGraceMs, idle);
    await session?.end(writeOutcomesWithinMs);
    await within(abortGraceMs, this.#hooks.idle());
    this.#terminate();
  }

  #terminate(): void {
    this.#state = "terminated";
    for (const cancel of this.#deadlines) cancel();
    void this.#context.control.db
      .close()
      .catch((error: unknown) => {
        this.#report(error);
      })
      .finally(() => {
        this.#finish();
        this.#safely(() => this.emit("stopped"));
      });
  }

  #runningCount(): number {
    return (this.#session?.runner.runningCount ?? 0) + this.#formerCount();
  }

  #formerCount(): number {
    let count = 0;
    for (const { runner } of this.#former) count += runner.runningCount;
    return count;
  }

  #emitSettled(settlements: readonly Settlement[]): void {
    const hasListeners = this.listenerCount("settled") > 0;
    for (const settlement of settlements) {
      const { job, outcome, then, runMs } = settlement;
      const event = { job, outcome, final: then === "gone", runMs };
      if (hasListeners) this.#safely(() => this.emit("settled", event));
      if (outcome === "failed") this.#emitFailed(settlement, event);
      this.#hooks.settled(settlement);
    }
  }

  #emitFailed(settlement: Settlement, event: SettledEvent): void {
    if (this.listenerCount("failed") > 0) {
      const error: unknown = settlement.error === null ? null : JSON.parse(settlement.error);
      this.#safely(() => this.emit("failed", { ...event, error }));
    } else if (this.#context.options.hooks.onFailed === undefined) {
      this.#print(describeFailure(settlement));
    }
  }

  // The outcome may not be counted as written before this turn of the event loop is over.
  #noteFreePlace(): void {
    setImmediate(() => {
      this.#session?.starter.startReady();
      this.#session?.queue.wake();
    });
  }

  // A listener that throws must not take the worker's bookkeeping with it.
  #safely(emit: () => unknown): void {
    try {
      emit();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (this.listenerCount("error") === 0) {
      this.#print(error);
      return;
    }
    try {
      this.emit("error", error);
    } catch (thrown) {
      this.#print(thrown);
    }
  }

  #print(error: unknown): void {
    const code = error instanceof PawlError ? ` ${error.code}` : "";
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`pawl worker "${this.#context.options.name}":${code} ${message}\n`);
  }
}

// Whether waiting may help: a missing schema or a wrong password will not mend itself.
function isPassing(error: unknown): boolean {
  return ["retry", "reconnect", "resources"].includes(classify(error));
}

function shutdownError(): ShutdownError {
  return new ShutdownError(
    "the worker is stopping and its grace period is over; the job goes back to the queue",
  );
}

// Ages are measured by the monotonic clock; a date is only for people.
function toDate(at: number | undefined): Date | null {
  return at === undefined ? null : new Date(performance.timeOrigin + at);
}
