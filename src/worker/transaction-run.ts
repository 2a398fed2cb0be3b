import { LeaseLostError, ShutdownError } from "../core/errors.ts";
import type { Database, Transaction } from "../db/database.ts";
import { classify } from "../db/sqlstate.ts";
import {
  beginForHandler,
  commitSettled,
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
 * Runs a handler in a transaction and settles its job in it: the handler's writes and the job's completion commit together
 * or not at all. Resolves with the settlement that was committed, or with why there is none: then nothing of the
 * transaction is left, and the attempt is to be settled outside it.
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
    const begun = await begin(store, options);
    if (begun instanceof TransactionLost) return begun;
    const attempt = { execution, xid: begun.xid };
    return await inTransaction(storeOn(store, begun.tx), attempt, work, options);
  } finally {
    free();
  }
}

async function begin(
  store: Store<Database>,
  options: TransactionRunOptions,
): Promise<{ tx: Transaction; xid: string } | TransactionLost> {
  try {
    // A session left idle ends by itself, a while after the lease would have.
    return await beginForHandler(store, options, options.leaseMs * 2);
  } catch (error) {
    return new TransactionLost(error, false);
  }
}

interface Attempt {
  readonly execution: Execution;
  readonly xid: string;
}

async function inTransaction(
  store: Store<Transaction>,
  attempt: Attempt,
  work: TransactionalWork,
  options: TransactionRunOptions,
): Promise<Settlement | TransactionLost> {
  const { execution, xid } = attempt;
  const tx = store.db;
  let hasStarted = false;
  try {
    if (execution.abortReason !== undefined) throw execution.abortReason;
    hasStarted = true;
    const value = await runHandler(store, work, options);
    return await settleAndCommit(store, attempt, work.decide(value), options);
  } catch (error) {
    const isCut = execution.abortReason !== undefined || classify(error) === "reconnect";
    if (isCut) tx.destroy();
    await tx.rollback();
    if (error instanceof MissingPartition) await makePartitions(execution, options);
    if (isCut) await endDeadSession(xid, options);
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
  { execution, xid }: Attempt,
  settlement: Settlement,
  options: TransactionRunOptions,
): Promise<Settlement> {
  // A handler that finished in spite of the shutdown has done its work.
  const reason = execution.abortReason;
  if (reason !== undefined && !(reason instanceof ShutdownError)) throw reason;
  const isCommitted = await commitSettled(store, options, { xid, settlement }).catch(
    (error: unknown) => {
      throw isMissingPartition(error) ? new MissingPartition(error) : error;
    },
  );
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

// The server may not have noticed that the connection is dead, and would keep what the handler has locked.
async function endDeadSession(xid: string, options: TransactionRunOptions): Promise<void> {
  try {
    await endSession(options.control, options.workerId, xid);
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
