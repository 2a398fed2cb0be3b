import { LeaseLostError, ShutdownError } from "../core/errors.ts";
import type { Database, Transaction } from "../db/database.ts";
import { classify } from "../db/sqlstate.ts";
import {
  beginHeld,
  commitSettled,
  type Hold,
  type SettleContext,
  type Settlement,
} from "../store/settles.ts";
import { storeOn, type Store } from "../store/store.ts";
import {
  isMissingPartition,
  makeHistoryPartitions,
  partitionDaysAhead,
} from "../store/partitions.ts";
import { endSession } from "../store/workers.ts";
import type { Execution } from "./execution.ts";
import type { Slots } from "./slots.ts";

const longestTimeoutMs = 2 ** 31 - 1;

export interface TransactionRunOptions extends SettleContext {
  readonly leaseMs: number;
  /** Bounds the connections that handlers hold at once. */
  readonly slots: Slots;
  /** Pawl's own connections, for what must not wait for a handler's. */
  readonly control: Store;
  readonly onError: (error: unknown) => void;
}

/** What the handler and the decision about its outcome look like from here. */
export interface TransactionalWork {
  run(tx: object): Promise<unknown>;
  decide(value: unknown): Settlement;
}

/** The transaction was gone or broken before the attempt could be settled in it. */
export class TransactionLost {
  readonly cause: unknown;
  /** Whether the handler had started, so that the attempt counts. */
  readonly hasStarted: boolean;

  constructor(cause: unknown, hasStarted: boolean) {
    this.cause = cause;
    this.hasStarted = hasStarted;
  }
}

/**
 * Runs a handler in a transaction that holds its job's row, and settles the job in it: the handler's writes and the job's
 * completion commit together or not at all. Resolves with the settlement that was committed, or with why there is none:
 * then nothing of the transaction is left, and the attempt is to be settled outside it.
 */
export async function runInTransaction(
  store: Store<Database>,
  execution: Execution,
  work: TransactionalWork,
  options: TransactionRunOptions,
): Promise<Settlement | TransactionLost> {
  const free = await options.slots.take();
  try {
    if (execution.abortReason !== undefined)
      return new TransactionLost(execution.abortReason, false);
    const begun = await begin(store, execution, options);
    if (begun instanceof TransactionLost) return begun;
    return await inTransaction(
      storeOn(store, begun.tx),
      { execution, hold: begun.hold },
      work,
      options,
    );
  } finally {
    free();
  }
}

async function begin(
  store: Store<Database>,
  { job }: Execution,
  options: TransactionRunOptions,
): Promise<{ tx: Transaction; hold: Hold | undefined } | TransactionLost> {
  try {
    // A session left idle ends by itself, a while after the lease would have.
    return await beginHeld(store, options, { job, idleTimeoutMs: options.leaseMs * 2 });
  } catch (error) {
    return new TransactionLost(error, false);
  }
}

async function inTransaction(
  store: Store<Transaction>,
  { execution, hold }: { readonly execution: Execution; readonly hold: Hold | undefined },
  work: TransactionalWork,
  options: TransactionRunOptions,
): Promise<Settlement | TransactionLost> {
  const tx = store.db;
  let hasStarted = false;
  try {
    if (execution.abortReason !== undefined) throw execution.abortReason;
    if (hold === undefined) throw leaseLost(execution);
    hasStarted = true;
    const value = await runHandler(store, work, options);
    return await settleAndCommit(
      store,
      { execution, hold, settlement: work.decide(value) },
      options,
    );
  } catch (error) {
    const isCut = execution.abortReason !== undefined || classify(error) === "reconnect";
    if (isCut) tx.destroy();
    await tx.rollback();
    if (error instanceof MissingPartition) await makePartitions(execution, options);
    if (isCut && hold !== undefined) await endDeadSession(hold, options);
    return new TransactionLost(error, hasStarted && !(error instanceof MissingPartition));
  }
}

async function runHandler(
  store: Store<Transaction>,
  work: TransactionalWork,
  options: TransactionRunOptions,
): Promise<unknown> {
  const tx = store.db;
  let isPinging = false;
  const warm = setInterval(() => {
    if (isPinging) return;
    isPinging = true;
    // It waits behind the handler's own query, however long that takes. An aborted transaction refuses the ping, and
    // stays warm all the same.
    tx.query(store.sql("transactions/ping"), [], { timeoutMs: longestTimeoutMs })
      .catch(() => undefined)
      .finally(() => {
        isPinging = false;
      });
  }, options.leaseMs / 3);
  try {
    const run = (): Promise<unknown> => work.run(tx.handle);
    const value = await (tx.enter === undefined ? run() : tx.enter(run));
    if (tx.misuse !== undefined) throw tx.misuse;
    return value;
  } finally {
    clearInterval(warm);
    tx.revoke();
  }
}

async function settleAndCommit(
  store: Store<Transaction>,
  attempt: { execution: Execution; hold: Hold; settlement: Settlement },
  options: TransactionRunOptions,
): Promise<Settlement> {
  const { execution, settlement } = attempt;
  // A handler that finished in spite of the shutdown has done its work.
  const reason = execution.abortReason;
  if (reason !== undefined && !(reason instanceof ShutdownError)) throw reason;
  const isCommitted = await commitSettled(store, options, attempt).catch((error: unknown) => {
    throw isMissingPartition(error) ? new MissingPartition(error) : error;
  });
  if (!isCommitted) throw leaseLost(execution);
  return settlement;
}

/** The history had no partition for the attempt: it gets one, and the job runs again as if it had not begun. */
class MissingPartition extends Error {
  constructor(cause: unknown) {
    super("the history had no partition for this attempt", { cause });
  }
}

// After the transaction: where there is one session, it is free now.
async function makePartitions({ job }: Execution, options: TransactionRunOptions): Promise<void> {
  const { retentionMs } = options.historyOf(job);
  try {
    await makeHistoryPartitions(options.control, retentionMs, partitionDaysAhead);
  } catch (error) {
    options.onError(error);
  }
}

// The server may not have noticed that the connection is dead, and would keep the row locked.
async function endDeadSession(hold: Hold, options: TransactionRunOptions): Promise<void> {
  try {
    await endSession(options.control, options.workerId, hold.pid);
  } catch (error) {
    options.onError(error);
  }
}

function leaseLost({ job }: Execution): LeaseLostError {
  return new LeaseLostError(
    `expected this worker to hold job ${job.id}, but its lease was lost; what the handler did was rolled back`,
    [job],
  );
}
