import type { Random } from "../core/clock.ts";
import type { ForbiddenFlags } from "../core/claim-options.ts";
import type { Instrumentation } from "../core/instrumentation.ts";
import type { JobInfo } from "../core/job.ts";
import type { Serializer } from "../core/serializer.ts";
import type { HandlerEnqueue, TaskHandler } from "../core/task.ts";
import { startTimer } from "../core/wait.ts";
import type { Database, Transaction } from "../db/database.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import {
  claimJobs,
  claimLimitedJobs,
  findReadyQueues,
  takeArrivals,
  wholeIndex,
  type Claim,
} from "../store/claims.ts";
import { readControls } from "../store/controls.ts";
import {
  isMissingPartition,
  makeHistoryPartitions,
  partitionDaysAhead,
} from "../store/partitions.ts";
import {
  claimAgain,
  historyPolicyOf,
  sealTransaction,
  settleJobs,
  type SettleContext,
  type Settlement,
} from "../store/settles.ts";
import { inTransaction, storeOn, type Store } from "../store/store.ts";
import { promoteDueJobs } from "../store/upkeep.ts";
import { decideReturned, decideThrown, type Attempt } from "./decision.ts";
import { Execution } from "./execution.ts";
import { FlagFilter } from "./flag-filter.ts";
import { callHandler, endObserved } from "./handler-call.ts";
import { timedOut } from "./runner.ts";

/** What `workOnce` did: `error` is there when the job's attempt failed, and is what its handler threw. */
export interface WorkOnceResult {
  readonly job: JobInfo;
  readonly error?: unknown;
}

export interface WorkOnceOptions {
  /** In the order in which they are looked at; undefined: any queue. */
  readonly queues: readonly string[] | undefined;
  readonly handlers: ReadonlyMap<string, TaskHandler>;
  readonly forbiddenFlags: ForbiddenFlags;
  /** Names the claim, as a worker's id does; it is seen by others only while its transaction commits. */
  readonly workerId: string;
  readonly serializer: Serializer;
  readonly random: Random;
  readonly enqueueFor: (job: ClaimedJob, tx: unknown) => HandlerEnqueue;
  readonly instrumentation: Instrumentation | undefined;
}

const claimNumber = 1;
const abortGraceMs = 5_000;
const batch = 1_000;

/**
 * Runs one job in one transaction, which holds its row from the claim to the settle: when the process dies, the job is
 * there again at once. Resolves with null when there is none. A failed handler's writes are rolled back to a savepoint and
 * its failure is recorded in the same transaction; when the handler has broken that, in a second one.
 */
export async function workOnce(
  store: Store<Database>,
  options: WorkOnceOptions,
): Promise<WorkOnceResult | null> {
  await makeReady(store, options);
  const tx = await store.db.begin();
  const work = new Work(storeOn(store, tx), options);
  let execution: Execution | undefined;
  try {
    const job = await work.claim();
    if (job === undefined) {
      await tx.commit();
      return null;
    }
    execution = new Execution(job, work.handlerOf(job).task);
    return resultOf(execution, await work.run(execution));
  } catch (error) {
    await tx.rollback();
    if (execution === undefined) throw error;
    if (isMissingPartition(error)) {
      endObserved(execution, undefined);
      // Nothing of the attempt is left, so it is made anew.
      const { retentionMs } = historyPolicyOf(execution.task);
      await makeHistoryPartitions(store, retentionMs, partitionDaysAhead);
      return workOnce(store, options);
    }
    const settlement = await recordApart(store, options, work.failed(execution, error));
    return resultOf(execution, settlement);
  }
}

function resultOf(execution: Execution, settlement: Settlement): WorkOnceResult {
  endObserved(execution, settlement);
  const { job, thrown } = settlement;
  return thrown === undefined ? { job } : { job, error: thrown.error };
}

// There may be no worker to do it: the history has room, jobs fall due, and those with a concurrency key are admitted.
async function makeReady(store: Store, { queues, handlers }: WorkOnceOptions): Promise<void> {
  const retentions = new Set([...handlers.values()].map(({ task }) => task.historyRetentionMs));
  for (const retentionMs of retentions) {
    await makeHistoryPartitions(store, retentionMs, partitionDaysAhead);
  }
  await promoteDueJobs(store, { queues, lookBackMs: null, limit: batch });
  const { waiting } = await findReadyQueues(store, [], {
    queues,
    paused: new Set(),
    arrivalsSince: 0,
  });
  for (const { queue, arrived } of waiting) {
    if (arrived) await takeArrivals(store, queue, { since: 0, limit: batch });
  }
}

/** The transaction of one attempt. */
class Work {
  readonly #store: Store<Transaction>;
  readonly #options: WorkOnceOptions;
  #xid = "";

  constructor(store: Store<Transaction>, options: WorkOnceOptions) {
    this.#store = store;
    this.#options = options;
  }

  handlerOf(job: ClaimedJob): TaskHandler {
    const handler = this.#options.handlers.get(job.task);
    if (handler !== undefined) return handler;
    throw new RangeError(`expected a job of a task with a handler, got one of "${job.task}"`);
  }

  /**
   * The first job of the first queue that has one. With a rate limit it keeps the limit's row locked until its transaction
   * ends, so that no other job of that key starts.
   */
  async claim(): Promise<ClaimedJob | undefined> {
    const { queues: wanted, forbiddenFlags, handlers, workerId } = this.#options;
    const filter = new FlagFilter(forbiddenFlags);
    await filter.refresh();
    const paused = await readControls(this.#store, workerId);
    const found = await findReadyQueues(this.#store, [], {
      queues: wanted,
      paused: new Set(paused.queues),
      arrivalsSince: 0,
    });
    const limited = found.waiting.filter(({ limitedMs }) => (limitedMs ?? Infinity) <= 0);
    const ready = new Set([...found.queues, ...limited.map(({ queue }) => queue)]);
    const claim = {
      workerId,
      claimNumber,
      limit: 1,
      tasks: [...handlers.keys()].filter((task) => !paused.tasks.includes(task)),
      exceptTasks: null,
      forbiddenFlags: filter.current,
      isSettledWithin: true,
    };
    for (const queue of wanted?.filter((name) => ready.has(name)) ?? ready) {
      if (paused.queues.includes(queue)) continue;
      const job = await this.#claimFrom({ ...claim, queue });
      if (job !== undefined) return job;
    }
    return undefined;
  }

  async #claimFrom(claim: Claim): Promise<ClaimedJob | undefined> {
    const { jobs, header } = await claimJobs(this.#store, {
      ...claim,
      follow: 0,
      ranges: [wholeIndex],
      // The keys' rows would be locked for as long as the handler runs.
      arrivalsSince: null,
    });
    this.#xid = header.xid ?? "";
    if (jobs.length > 0 || (header.limited ?? Infinity) > 0) return jobs[0];
    const limited = await claimLimitedJobs(this.#store, claim);
    this.#xid = limited.xid ?? "";
    return limited.jobs[0];
  }

  /** Runs the handler and commits what became of it. */
  async run(execution: Execution): Promise<Settlement> {
    const { db, sql } = this.#store;
    await db.query(sql("transactions/savepoint"));
    let settlement: Settlement;
    try {
      const value = await this.#call(execution);
      if (db.misuse !== undefined) throw db.misuse;
      settlement = decideReturned(this.#ended(execution), value);
      await sealTransaction(this.#store, { xid: this.#xid });
    } catch (error) {
      await db.query(sql("transactions/rollback-to-savepoint")).catch(() => {
        throw error;
      });
      settlement = this.failed(execution, error);
    }
    await settle(this.#store, this.#options, settlement);
    await db.commit();
    return settlement;
  }

  failed(execution: Execution, error: unknown): Settlement {
    return decideThrown(this.#ended(execution), error);
  }

  async #call(execution: Execution): Promise<unknown> {
    const { job, task } = execution;
    const { serializer, enqueueFor, instrumentation } = this.#options;
    const handler = this.handlerOf(job);
    const tx = task.transactional ? this.#store.db.handle : undefined;
    const cancels = [
      startTimer(task.timeoutMs, () => {
        execution.abort(timedOut(execution), performance.now());
        // A job with a concurrency key keeps its lane until its handler has returned.
        if (job.lane !== undefined) return;
        cancels.push(startTimer(abortGraceMs, () => execution.abandon()));
      }),
    ];
    try {
      const call = { handler, tx, serializer, enqueueFor, instrumentation };
      const running = callHandler(execution, call);
      const value = await execution.outcomeOf(running);
      if (execution.abortReason !== undefined) throw execution.abortReason;
      return value;
    } finally {
      for (const cancel of cancels) cancel();
      this.#store.db.revoke();
    }
  }

  #ended(execution: Execution): Attempt {
    const runMs = execution.runMs(performance.now()) ?? null;
    return { job: execution.job, task: execution.task, runMs, random: this.#options.random };
  }
}

// The transaction is gone. Unless somebody has claimed the job since, its attempt is recorded as failed.
async function recordApart(
  store: Store<Database>,
  options: WorkOnceOptions,
  settlement: Settlement,
): Promise<Settlement> {
  await inTransaction(store, async (apart) => {
    if (await claimAgain(apart, options.workerId, settlement.job)) {
      await settle(apart, options, settlement);
    }
  });
  return settlement;
}

async function settle(
  store: Store,
  { workerId, handlers }: WorkOnceOptions,
  settlement: Settlement,
): Promise<void> {
  const context: SettleContext = {
    workerId,
    historyOf: ({ task }) => historyPolicyOf(handlers.get(task)?.task),
    isAdmitting: true,
  };
  await settleJobs(store, context, [settlement]);
}
