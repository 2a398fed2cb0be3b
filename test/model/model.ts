import type { OutcomeName } from "pawl";
import { budget, rules, workers, type QueueName, type TaskName, type WorkerName } from "./rules.ts";

/** A live job as the model has it; times are milliseconds since the epoch. */
export interface ModelJob {
  readonly id: string;
  readonly queue: QueueName;
  task: TaskName;
  n: number;
  isRunning: boolean;
  /** Undefined where it depends on whether somebody had made a due job ready before. */
  runAt: number | undefined;
  /** Due later when it was last written: a claim or somebody's look makes it ready. */
  mayBeScheduled: boolean;
  claims: number;
  failures: number;
  maxAttempts: number;
  priority: number;
  uniqueKey: string | null;
  isUniqueUntilClaimed: boolean;
  flags: readonly string[];
  correlationId: string | null;
  cancelReason: string | null;
  partialResults: unknown;
  readonly replayOf: string | null;
  /** Its place by enqueue; undefined from when it has been moved by anything but a claim. */
  order: number | undefined;
}

/** A claim that was handed out, and has not been given back. */
export interface Held {
  readonly worker: WorkerName;
  readonly queue: QueueName;
  readonly id: string;
  readonly task: TaskName;
  readonly attempt: number;
}

/** A settled attempt. */
export interface ModelAttempt {
  readonly attempt: number;
  readonly outcome: OutcomeName;
  readonly final: boolean;
}

/** A job that has ended. */
export interface EndedJob extends Pick<
  ModelJob,
  "id" | "queue" | "task" | "n" | "correlationId" | "replayOf"
> {
  readonly outcome: OutcomeName;
  readonly endedAt: number;
}

/** What an enqueue says. */
export interface Given {
  readonly queue: QueueName;
  readonly task: TaskName;
  readonly n: number;
  readonly delayMs: number;
  readonly priority: number;
  readonly maxAttempts: number | undefined;
  readonly unique: { readonly key: string; readonly mode: "keep" | "replace" } | undefined;
  readonly flags: readonly string[];
  readonly correlationId: string | null;
}

/** What Pawl should do, in memory: the promises of its documentation without a database. */
export class Model {
  readonly live = new Map<string, ModelJob>();
  readonly ended = new Map<string, EndedJob>();
  readonly attempts = new Map<string, ModelAttempt[]>();
  readonly pausedQueues = new Set<string>();
  readonly pausedTasks = new Set<string>();
  held: Held[] = [];
  now: number;
  #orders = 0;
  /** The starts in the open window of the rate limit, and when it ends. */
  #window = { endsAt: -Infinity, started: 0, givenBack: 0 };

  constructor(now: number) {
    this.now = now;
  }

  /** Whether a job of this id is there, or has been. */
  knows(id: string): boolean {
    return this.live.has(id) || this.ended.has(id);
  }

  /** The live job that has the unique key. */
  occupantOf(queue: QueueName, key: string): ModelJob | undefined {
    return [...this.live.values()].find(
      (job) =>
        job.queue === queue &&
        job.uniqueKey === key &&
        !(job.isRunning && job.isUniqueUntilClaimed),
    );
  }

  create(id: string, given: Given, replayOf: string | null = null): void {
    this.live.set(id, {
      ...{ id, replayOf, isRunning: false, claims: 0, failures: 0 },
      ...{ cancelReason: null, partialResults: null },
      queue: given.queue,
      order: (this.#orders += 1),
      ...this.#said(given),
    });
  }

  replace(job: ModelJob, given: Given): void {
    Object.assign(job, { ...this.#said(given), partialResults: null, order: undefined });
  }

  #said(
    given: Given,
  ): Omit<
    ModelJob,
    | "id"
    | "queue"
    | "replayOf"
    | "isRunning"
    | "claims"
    | "failures"
    | "cancelReason"
    | "partialResults"
    | "order"
  > {
    const { task, n, priority, flags, correlationId } = given;
    return {
      ...{ task, n, priority, flags, correlationId },
      runAt: this.now + given.delayMs,
      mayBeScheduled: given.delayMs > 0,
      maxAttempts: given.maxAttempts ?? rules[task].maxAttempts,
      uniqueKey: given.unique?.key ?? null,
      isUniqueUntilClaimed: given.unique?.mode === "replace",
    };
  }

  /** Whether a claim by this worker may take the job, as far as its own state goes. */
  isClaimable(job: ModelJob, worker: WorkerName, forbidden: readonly string[]): boolean {
    const role: { queues?: readonly string[]; tasks?: readonly string[] } = workers[worker];
    return (
      !job.isRunning &&
      (job.runAt ?? this.now) <= this.now &&
      !this.pausedQueues.has(job.queue) &&
      !this.pausedTasks.has(job.task) &&
      (role.queues?.includes(job.queue) ?? true) &&
      (role.tasks?.includes(job.task) ?? true) &&
      !job.flags.some((flag) => forbidden.includes(flag))
    );
  }

  /** Whether jobs of its task wait in a line. */
  hasLine({ task }: Pick<ModelJob, "task">): boolean {
    return rules[task].limit < Infinity;
  }

  /** Whether one more of the task's jobs may run in the queue. */
  hasFreeLane({ queue, task }: Pick<ModelJob, "queue" | "task">): boolean {
    const taken = this.held.filter((held) => held.queue === queue && held.task === task);
    return taken.length < rules[task].limit;
  }

  /** Whether a job of the rate limit may start; what was given back may or may not count. */
  hasBudget(giveBack: "counts" | "is free"): boolean {
    if (this.now >= this.#window.endsAt) return true;
    const { started, givenBack } = this.#window;
    return started - (giveBack === "is free" ? givenBack : 0) < budget.capacity;
  }

  claim(job: ModelJob, worker: WorkerName): void {
    job.isRunning = true;
    job.claims += 1;
    const { queue, id, task } = job;
    this.held.push({ worker, queue, id, task, attempt: job.claims });
    if (!rules[task].isRateLimited) return;
    if (this.now >= this.#window.endsAt) {
      this.#window = { endsAt: this.now + budget.intervalMs, started: 0, givenBack: 0 };
    }
    this.#window.started += 1;
  }

  /** The running job of a claim; undefined when it was taken from whoever claimed it. */
  runningOf({ id, attempt }: Held): ModelJob | undefined {
    const job = this.live.get(id);
    return job?.isRunning === true && job.claims === attempt ? job : undefined;
  }

  /** Whoever had the job says something of it, and lets go. */
  letGo(held: Held): void {
    this.held = this.held.filter((other) => other !== held);
  }

  end(job: ModelJob, outcome: OutcomeName): void {
    const attempt = job.claims + (job.isRunning ? 0 : 1);
    this.live.delete(job.id);
    this.ended.set(job.id, { ...job, outcome, endedAt: this.now });
    this.#note(job, { attempt, outcome, final: true });
  }

  /** What follows a failure, or a partial success. */
  fail(job: ModelJob, outcome: "failed" | "partial"): void {
    const failures = job.failures + 1;
    if (failures >= job.maxAttempts) {
      this.end(job, outcome);
      return;
    }
    const { delaysMs } = rules[job.task];
    const delayMs = delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 0;
    this.#putBack(job, outcome, () => {
      job.failures = failures;
      job.runAt = this.now + delayMs;
      job.mayBeScheduled = delayMs > 0;
      job.order = undefined;
    });
  }

  /** Back to where it stood. */
  release(job: ModelJob): void {
    if (rules[job.task].isRateLimited) this.#window.givenBack += 1;
    this.#putBack(job, "released", () => {
      job.runAt = undefined;
      job.mayBeScheduled = false;
      job.order = undefined;
    });
  }

  #putBack(job: ModelJob, outcome: OutcomeName, change: () => void): void {
    if (job.cancelReason !== null) {
      this.end(job, "cancelled");
      return;
    }
    const isTaken =
      job.uniqueKey !== null &&
      job.isUniqueUntilClaimed &&
      this.occupantOf(job.queue, job.uniqueKey) !== undefined;
    if (isTaken) {
      this.end(job, outcome === "failed" ? "failed" : "cancelled");
      return;
    }
    this.#note(job, { attempt: job.claims, outcome, final: false });
    job.isRunning = false;
    change();
  }

  #note({ id }: ModelJob, attempt: ModelAttempt): void {
    this.attempts.set(id, [...(this.attempts.get(id) ?? []), attempt]);
  }
}
