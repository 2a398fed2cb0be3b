import type { Random } from "../core/clock.ts";
import { CancelledError, JobTimeoutError, LeaseLostError, ShutdownError } from "../core/errors.ts";
import { formatDuration } from "../core/duration.ts";
import type { Instrumentation } from "../core/instrumentation.ts";
import type { Serializer } from "../core/serializer.ts";
import type { HandlerEnqueue, TaskHandler } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Settlement } from "../store/settles.ts";
import type { Store } from "../store/store.ts";
import { cancelled, decideReturned, decideThrown, released, type Attempt } from "./decision.ts";
import { Execution } from "./execution.ts";
import { callHandler, endObserved } from "./handler-call.ts";
import type { Settler } from "./settler.ts";
import {
  runInTransaction,
  TransactionLost,
  type TransactionRunOptions,
} from "./transaction-run.ts";

export interface RunnerOptions {
  readonly handlers: ReadonlyMap<string, TaskHandler>;
  readonly serializer: Serializer;
  readonly random: Random;
  readonly enqueueFor: (job: ClaimedJob, tx: unknown) => HandlerEnqueue;
  readonly instrumentation: Instrumentation | undefined;
  readonly transactions: TransactionRunOptions;
  /** How long a job goes back for when its transaction could not even begin; null: to where it stood. */
  readonly beginAgainMs: number | null;
  /** Told before a handler starts: it may block the event loop for as long as its timeout. */
  readonly onStarting: (timeoutMs: number) => void;
  /** Told when a handler has ended, so that the next job can start; `settlement`: undefined when its claim was lost. */
  readonly onEnded: (job: ClaimedJob, settlement: Settlement | undefined) => void;
}

// How long a handler may take to heed its aborted signal before it is given up.
const abortGraceMs = 5_000;
const sweepMs = 25;

/** Runs handlers and hands their outcomes to the settler. */
export class Runner {
  readonly #store: Store<Database>;
  readonly #settler: Settler;
  readonly #options: RunnerOptions;
  readonly #running = new Set<Execution>();
  #sweep: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];

  constructor(store: Store<Database>, settler: Settler, options: RunnerOptions) {
    this.#store = store;
    this.#settler = settler;
    this.#options = options;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  get running(): Iterable<ClaimedJob> {
    return [...this.#running].map(({ job }) => job);
  }

  /** The jobs whose handlers have not returned. */
  get unreturned(): ClaimedJob[] {
    return [...this.#running].filter(({ hasReturned }) => !hasReturned).map(({ job }) => job);
  }

  /** Resolves when the handler of this job has returned, even if it was abandoned; at once when it does not run. */
  async returned(job: ClaimedJob): Promise<void> {
    for (const execution of this.#running) {
      if (execution.job === job) await execution.returned();
    }
  }

  /** The longest timeout among the running jobs; 0 when none runs. */
  get longestTimeoutMs(): number {
    let longest = 0;
    for (const { task } of this.#running) longest = Math.max(longest, task.timeoutMs);
    return longest;
  }

  start(job: ClaimedJob): void {
    const handler = this.#options.handlers.get(job.task);
    if (handler === undefined) {
      // Claims name the tasks that this worker handles, so there is always one.
      this.#settler.add(released(job, null));
      return;
    }
    const execution = new Execution(job, handler.task);
    this.#running.add(execution);
    this.#options.onStarting(handler.task.timeoutMs);
    this.#sweep ??= setInterval(() => {
      this.#abortOverdue(performance.now());
    }, sweepMs);
    const ended = handler.task.transactional
      ? this.#runTransactional(execution, handler)
      : this.#runPlain(execution, handler);
    void ended.then((settlement) => {
      this.#end(execution, settlement);
    });
  }

  /** Aborts the signal of every running handler, or of the handlers of these jobs. */
  abort(reason: Error, jobs?: ReadonlySet<ClaimedJob>): void {
    const now = performance.now();
    for (const execution of this.#running) {
      if (jobs === undefined || jobs.has(execution.job)) execution.abort(reason, now);
    }
  }

  /** Keeps from starting what still waits for a connection. */
  stopWaiting(): void {
    const now = performance.now();
    const reason = new ShutdownError("the worker is stopping; the job goes back to the queue");
    for (const execution of this.#running) {
      if (execution.runMs(now) === undefined) execution.abort(reason, now);
    }
  }

  /** Ends the wait for handlers whose signal has been aborted; those that still run are on their own. */
  abandonAborted(): void {
    for (const execution of this.#running) execution.abandon();
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  async #runPlain(execution: Execution, handler: TaskHandler): Promise<Settlement | undefined> {
    let settlement: Settlement | undefined;
    try {
      const value = await execution.outcomeOf(this.#call(execution, handler, undefined));
      settlement = this.#judge(execution, () => decideReturned(this.#ended(execution), value));
    } catch (error) {
      settlement = this.#judge(execution, () => decideThrown(this.#ended(execution), error));
    }
    if (settlement !== undefined) this.#settler.add(settlement);
    return settlement;
  }

  async #runTransactional(
    execution: Execution,
    handler: TaskHandler,
  ): Promise<Settlement | undefined> {
    const work = {
      run: (tx: object) => execution.outcomeOf(this.#call(execution, handler, tx)),
      decide: (value: unknown) => decideReturned(this.#ended(execution), value),
    };
    const result = await runInTransaction(this.#store, execution, work, this.#options.transactions);
    if (!(result instanceof TransactionLost)) {
      this.#settler.reportSettled(result);
      return result;
    }
    if (!result.hasStarted && !(result.cause instanceof LeaseLostError)) {
      if (execution.abortReason === undefined) this.#options.transactions.onError(result.cause);
      const settlement = notBegun(execution, this.#options.beginAgainMs);
      this.#settler.add(settlement);
      return settlement;
    }
    const settlement = this.#judge(execution, () =>
      decideThrown(this.#ended(execution), result.cause),
    );
    if (settlement !== undefined) this.#settler.addApart(settlement);
    return settlement;
  }

  #call(execution: Execution, handler: TaskHandler, tx: object | undefined): Promise<unknown> {
    const { serializer, enqueueFor, instrumentation } = this.#options;
    return callHandler(execution, { handler, tx, serializer, enqueueFor, instrumentation });
  }

  // An aborted attempt is judged by why it was aborted. One whose lease is lost has nothing to say.
  #judge(execution: Execution, decide: () => Settlement): Settlement | undefined {
    const reason = execution.abortReason;
    if (reason instanceof LeaseLostError) return undefined;
    if (reason instanceof JobTimeoutError) return decideThrown(this.#ended(execution), reason);
    const settlement = decide();
    if (reason instanceof CancelledError && settlement.outcome !== "succeeded") {
      return cancelled(settlement, reason);
    }
    if (reason instanceof ShutdownError && settlement.outcome === "failed") {
      return released(execution.job, settlement.runMs);
    }
    return settlement;
  }

  #end(execution: Execution, settlement: Settlement | undefined): void {
    this.#running.delete(execution);
    execution.end();
    endObserved(execution, settlement);
    if (this.#running.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    this.#options.onEnded(execution.job, settlement);
  }

  #abortOverdue(now: number): void {
    for (const execution of this.#running) {
      const isOverdue = (execution.runMs(now) ?? 0) >= execution.task.timeoutMs;
      if (execution.abortReason === undefined && isOverdue) {
        execution.abort(timedOut(execution), now);
      }
      // A job with a concurrency key keeps its lane until its handler has returned, however long that takes.
      const mayBeAbandoned = execution.job.lane === undefined;
      if (mayBeAbandoned && now - (execution.abortedAt ?? now) >= abortGraceMs) execution.abandon();
    }
  }

  #ended(execution: Execution): Attempt {
    const runMs = execution.runMs(performance.now()) ?? null;
    return { job: execution.job, task: execution.task, runMs, random: this.#options.random };
  }
}

// The transaction could not begin, which is not the job's fault: it goes back, and waits a little unless the worker stops.
function notBegun(execution: Execution, beginAgainMs: number | null): Settlement {
  const { job, abortReason } = execution;
  if (abortReason instanceof CancelledError) return cancelled({ job, runMs: null }, abortReason);
  const settlement = released(job, null);
  if (abortReason !== undefined) return settlement;
  return { ...settlement, then: { delayMs: beginAgainMs, counted: false } };
}

/** Why an attempt is aborted that runs too long. */
export function timedOut({ task, job }: Execution): JobTimeoutError {
  const limit = formatDuration(task.timeoutMs);
  return new JobTimeoutError(
    `the handler of job ${job.id} ran longer than the timeout of its task "${task.name}", ${limit}; ` +
      "let it heed its signal, do less at once, or raise `timeout`",
  );
}
