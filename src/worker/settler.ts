import type { Random } from "../core/clock.ts";
import { recordError } from "../core/error-record.ts";
import { backoff, wait, type Backoff } from "../core/wait.ts";
import { classify } from "../db/sqlstate.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import { jobKey } from "../store/new-jobs.ts";
import {
  isMissingPartition,
  makeHistoryPartitions,
  partitionDaysAhead,
} from "../store/partitions.ts";
import {
  claimKey,
  findSettled,
  settleJobs,
  type SettleContext,
  type Settlement,
} from "../store/settles.ts";
import type { Store } from "../store/store.ts";

export interface SettlerOptions extends SettleContext {
  readonly random: Random;
  /** Told when settlements have been written. */
  readonly onSettled: (settlements: readonly Settlement[]) => void;
  /** Told when fewer outcomes are unwritten than before. */
  readonly onWritten: () => void;
  /** Told of jobs whose claim was lost: what they had to say changed nothing. */
  readonly onLost: (jobs: readonly ClaimedJob[]) => void;
  /** Told of every failed try; it is tried again. */
  readonly onError: (error: unknown) => void;
}

const maxBatch = 1_024;
const maxFlushes = 2;
const maxBackoffMs = 1_000;

/**
 * Writes the outcomes of attempts in batches. While one flush is under way the next one collects, so batches grow with
 * the load and a lone outcome goes at once. A failed flush is tried again, split when one row is to blame; outcomes are
 * never dropped while the worker lives.
 */
export class Settler {
  readonly #store: Store;
  readonly #options: SettlerOptions;
  readonly #stopping = new AbortController();
  #waiting: Settlement[] = [];
  #flushes = 0;
  #pending = 0;
  #isScheduled = false;
  #drained: (() => void)[] = [];

  constructor(store: Store, options: SettlerOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** How many outcomes are not written yet. */
  get pending(): number {
    return this.#pending;
  }

  add(settlement: Settlement): void {
    // It may have to wait for the transaction in which its successor is being enqueued.
    if (settlement.then !== "gone" && settlement.job.isUniqueUntilClaimed) {
      this.addApart(settlement);
      return;
    }
    this.#pending += 1;
    this.#waiting.push(settlement);
    this.#schedule();
  }

  /** An outcome that may have to wait, for a row that a dead transaction locks: it must not hold up the others. */
  addApart(settlement: Settlement): void {
    this.#pending += 1;
    void this.#writeApart(settlement).finally(() => {
      this.#written(1);
    });
  }

  /** An outcome that was written elsewhere: in its handler's own transaction. */
  reportSettled(settlement: Settlement): void {
    this.#options.onSettled([settlement]);
  }

  /** Resolves when every outcome so far has been written. */
  drained(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
    });
  }

  /** Gives up on what cannot be written: their jobs run again when the worker has been rescued. */
  abandon(): void {
    this.#stopping.abort();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#flushes >= maxFlushes) return;
    this.#isScheduled = true;
    // Outcomes of the same turn of the event loop go together.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#flushes < maxFlushes) {
      const batch = this.#waiting.splice(0, maxBatch);
      this.#flushes += 1;
      void this.#writeBatch(batch).finally(() => {
        this.#flushes -= 1;
        this.#written(batch.length);
        if (this.#waiting.length > 0) this.#flush();
      });
    }
  }

  #written(count: number): void {
    this.#pending -= count;
    if (this.#pending === 0) for (const resolve of this.#drained.splice(0)) resolve();
    this.#options.onWritten();
  }

  async #writeBatch(batch: readonly Settlement[]): Promise<void> {
    for (const group of groupByStatement(batch)) await this.#write(group);
  }

  async #write(group: readonly Settlement[]): Promise<void> {
    const refusal = await this.#trying(group);
    const [first, second] = group;
    if (refusal === undefined || first === undefined) return;
    if (second === undefined) {
      this.addApart(first);
      return;
    }
    const half = group.length >> 1;
    await this.#write(group.slice(0, half));
    await this.#write(group.slice(half));
  }

  async #writeApart(settlement: Settlement): Promise<void> {
    let refused = await this.#trying([settlement]);
    const pause = this.#backoff();
    while (refused !== undefined && !this.#stopping.signal.aborted) {
      const shortened = shorten(settlement, refused);
      await wait(pause.next(), this.#stopping.signal);
      refused = await this.#trying([shortened]);
    }
  }

  // Tries until it is done, or refused: then it is of no use to try the same again, and the refusal is returned.
  async #trying(group: readonly Settlement[]): Promise<Error | undefined> {
    const pause = this.#backoff();
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#settle(group);
        return undefined;
      } catch (error) {
        this.#options.onError(error);
        if (isMissingPartition(error)) await this.#makePartitions(group);
        else if (isRefusal(error)) return error as Error; // the database's, so it is one
        await wait(pause.next(), this.#stopping.signal);
      }
    }
    return undefined;
  }

  #backoff(): Backoff {
    return backoff({ initialMs: 20, maxMs: maxBackoffMs, random: this.#options.random });
  }

  async #settle(group: readonly Settlement[]): Promise<void> {
    const { workerId } = this.#options;
    const settled = await settleJobs(this.#store, this.#options, group);
    if (settled === group.length) {
      this.#options.onSettled(group);
      return;
    }
    // Either an earlier try was committed and its reply lost, which the history shows, or the claim was lost.
    const jobs = group.map(({ job }) => job);
    const recorded = await findSettled(this.#store, workerId, jobs);
    this.#options.onSettled(
      group.flatMap((settlement) => {
        const written = recorded.get(claimKey(settlement.job));
        if (written === undefined) return [];
        // A commit whose reply was lost looked like a failure.
        const then = written.final ? "gone" : settlement.then;
        return [{ ...settlement, outcome: written.outcome, then }];
      }),
    );
    const lost = jobs.filter((job) => !recorded.has(claimKey(job)));
    if (lost.length > 0) this.#options.onLost(lost);
  }

  async #makePartitions(group: readonly Settlement[]): Promise<void> {
    const retentions = group.map(({ job }) => this.#options.historyOf(job).retentionMs);
    try {
      for (const retentionMs of new Set(retentions)) {
        await makeHistoryPartitions(this.#store, retentionMs, partitionDaysAhead);
      }
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

// An error of the server's that nothing is known of may be about one row too: a trigger of the user's, for one.
function isRefusal(error: unknown): boolean {
  return ["reject", "unknown"].includes(classify(error));
}

// The row itself is refused: what the handler had to say is left out, what became of the job is not.
function shorten(settlement: Settlement, refusal: Error): Settlement {
  if (classify(refusal) !== "reject") return settlement;
  return { ...settlement, output: null, error: JSON.stringify(recordError(refusal)) };
}

// One statement names one queue, goes one way and names each job once. Ids in order are the one lock order.
function groupByStatement(batch: readonly Settlement[]): Settlement[][] {
  const groups = new Map<string, Settlement[]>();
  const places = new Map<string, number>();
  for (const settlement of batch) {
    const { job, then } = settlement;
    const place = places.get(jobKey(job)) ?? 0;
    places.set(jobKey(job), place + 1);
    const key = `${place} ${then === "gone" ? "finish" : "return"} ${job.queue}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [settlement]);
    else group.push(settlement);
  }
  for (const group of groups.values()) group.sort((a, b) => (a.job.id < b.job.id ? -1 : 1));
  return [...groups.values()];
}
