import {
  checkClaimFilter,
  forbiddenNow,
  maxBatchSize,
  type ClaimFilter,
} from "../core/claim-options.ts";
import type { Random } from "../core/clock.ts";
import { parseDuration, type Duration } from "../core/duration.ts";
import { LeaseLostError } from "../core/errors.ts";
import type {
  ClaimOptions,
  CompleteOptions,
  FailedJob,
  HeldJob,
  ManualClaims,
  ReleaseOptions,
  SettleOptions,
} from "../core/manual-claims.ts";
import { checkKeys, integerBetween, invalidOption, shortText } from "../core/options.ts";
import { partialSuccess, type PartialResults } from "../core/outcome.ts";
import { encodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import type { AnyTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import { releaseHolds } from "../store/controls.ts";
import { makeHistoryPartitions, partitionDaysAhead } from "../store/partitions.ts";
import {
  historyPolicyOf,
  type HistoryPolicy,
  type SettleContext,
  type Settlement,
} from "../store/settles.ts";
import { storeOn, type Store } from "../store/store.ts";
import { decideReturned, decideThrown, released, type Attempt } from "./decision.ts";
import { makeHeldJob } from "./held-job.ts";
import { retentionsOf, writeJoinedSettlements, writeSettlements } from "./manual-settles.ts";
import type { ManualWorker } from "./manual-worker.ts";
import type { ManualWorkers } from "./manual-workers.ts";

export interface ManualClaimerOptions {
  /** The application's connections, for its own transactions. */
  readonly store: Store<Database>;
  readonly serializer: Serializer;
  readonly random: Random;
  /** What is known of a task; when nothing is, a task with the defaults. */
  readonly taskOf: (name: string) => AnyTask;
}

/** A job that was handed out, and by whom. */
interface Holding {
  readonly worker: ManualWorker;
  readonly job: ClaimedJob;
  readonly history: HistoryPolicy;
}

const tryForMs = 15_000;
// Partitions are made for some days ahead.
const partitionsLastMs = 3_600_000;

/** Claims and settles jobs for those who run them by hand. */
export class ManualClaimer implements ManualClaims {
  readonly #workers: ManualWorkers;
  readonly #options: ManualClaimerOptions;
  readonly #holdings = new WeakMap<object, Holding>();
  readonly #partitionsMadeAt = new Map<number, number>();

  constructor(workers: ManualWorkers, options: ManualClaimerOptions) {
    this.#workers = workers;
    this.#options = options;
  }

  async claim(workerId: string, options: ClaimOptions = {}): Promise<HeldJob[]> {
    this.#workers.assertOpen();
    const name = shortText("workerId", workerId);
    const { filter, batchSize, retentionMs } = checkClaimOptions(options);
    const forbiddenFlags = await forbiddenNow(filter.forbiddenFlags);
    const worker = await this.#workers.workerFor({
      name,
      queues: filter.queues,
      tasks: filter.tasks,
    });
    const claimed = await worker.claim(batchSize, forbiddenFlags);
    this.#workers.assertOpen();
    return claimed.map((job) => {
      const held = makeHeldJob(job, this.#options.serializer);
      this.#holdings.set(held, { worker, job, history: this.#historyOf(job, retentionMs) });
      return held;
    });
  }

  async complete(
    workerId: string,
    jobs: readonly HeldJob[],
    options: CompleteOptions = {},
  ): Promise<void> {
    checkKeys("complete", options, ["executionMs", "outputs", "db"]);
    const runMs = checkExecution(options.executionMs);
    const holdings = this.#holdingsOf(jobs);
    const outputs = encodeOutputs(options.outputs, holdings.length);
    const settlements = holdings.map(({ job }, place): Settlement => {
      const output = outputs[place] ?? null;
      return { job, runMs, outcome: "succeeded", error: null, output, then: "gone" };
    });
    await this.#settle(workerId, holdings, settlements, options.db);
  }

  async fail(
    workerId: string,
    failed: readonly FailedJob[],
    options: SettleOptions = {},
  ): Promise<void> {
    checkKeys("fail", options, ["executionMs", "db"]);
    const runMs = checkExecution(options.executionMs);
    const isList: boolean = Array.isArray(failed);
    if (!isList) throw invalidOption("failed", "a list of { job, error }", failed);
    const holdings = this.#holdingsOf(failed.map((each) => fieldsOf(each).job));
    const errors = failed.map((each) => checkError(fieldsOf(each).error));
    const settlements = holdings.map(({ job }, place) =>
      decideThrown(this.#attempt(job, runMs), errors[place]),
    );
    await this.#settle(workerId, holdings, settlements, options.db);
  }

  async reportPartialSuccess(
    workerId: string,
    job: HeldJob,
    partialResults: PartialResults,
    options: SettleOptions = {},
  ): Promise<void> {
    checkKeys("reportPartialSuccess", options, ["executionMs", "db"]);
    const runMs = checkExecution(options.executionMs);
    const holdings = this.#holdingsOf([job]);
    const settlements = holdings.map((holding) =>
      decideReturned(this.#attempt(holding.job, runMs), partialSuccess(partialResults)),
    );
    await this.#settle(workerId, holdings, settlements, options.db);
  }

  async release(
    workerId: string,
    jobs: readonly HeldJob[],
    options: ReleaseOptions = {},
  ): Promise<void> {
    checkKeys("release", options, ["db"]);
    const holdings = this.#holdingsOf(jobs);
    const settlements = holdings.map(({ job }) => released(job, null));
    await this.#settle(workerId, holdings, settlements, options.db);
  }

  // Lists are in the same order. Fenced statements settle what is held; the rest is named by the error.
  async #settle(
    workerId: string,
    holdings: readonly Holding[],
    settlements: readonly Settlement[],
    db: object | undefined,
  ): Promise<void> {
    this.#workers.assertOpen();
    const name = shortText("workerId", workerId);
    const joined = db === undefined ? undefined : this.#join(db);
    const lost: ClaimedJob[] = [];
    const byWorker = new Map<ManualWorker, Settlement[]>();
    const policies = new Map<ClaimedJob, HistoryPolicy>();
    for (const [place, settlement] of settlements.entries()) {
      const holding = holdings[place];
      if (holding?.worker.options.name !== name || !holding.worker.holds(holding.job)) {
        lost.push(settlement.job);
        continue;
      }
      policies.set(holding.job, holding.history);
      const group = byWorker.get(holding.worker);
      if (group === undefined) byWorker.set(holding.worker, [settlement]);
      else group.push(settlement);
    }
    for (const [worker, group] of byWorker) {
      const context: SettleContext = {
        workerId: worker.id,
        historyOf: (job) => policies.get(job) ?? this.#historyOf(job),
        isAdmitting: joined === undefined,
      };
      lost.push(...(await this.#write({ worker, context, joined }, group)));
    }
    if (lost.length === 0) return;
    await this.#freeLanes(
      name,
      holdings.filter(({ job }) => lost.includes(job)),
    );
    throw leaseLost(name, lost);
  }

  // Whoever settles has done with the jobs, also with those that were taken away meanwhile.
  async #freeLanes(name: string, lost: readonly Holding[]): Promise<void> {
    for (const { worker, job } of lost) {
      if (worker.options.name !== name || job.lane === undefined) continue;
      await releaseHolds(this.#workers.control, worker.id, [job]);
    }
  }

  async #write(
    writing: {
      readonly worker: ManualWorker;
      readonly context: SettleContext;
      readonly joined: Store | undefined;
    },
    settlements: readonly Settlement[],
  ): Promise<ClaimedJob[]> {
    const { worker, context, joined } = writing;
    if (joined === undefined) {
      const trying = { forMs: tryForMs, random: this.#options.random };
      const lost = await writeSettlements(this.#workers.control, context, settlements, trying);
      worker.letGo(settlements.map(({ job }) => job));
      return lost;
    }
    for (const retentionMs of retentionsOf(settlements, context)) {
      await this.#makePartitions(retentionMs);
    }
    // The worker holds them until the caller's transaction has committed, which it finds out by itself.
    const lost = await writeJoinedSettlements(joined, context, settlements);
    worker.letGo(lost);
    return lost;
  }

  // A missing partition would spoil the caller's transaction, so it is made beforehand, on another connection.
  async #makePartitions(retentionMs: number): Promise<void> {
    const now = performance.now();
    if (now - (this.#partitionsMadeAt.get(retentionMs) ?? -Infinity) < partitionsLastMs) return;
    await makeHistoryPartitions(this.#workers.control, retentionMs, partitionDaysAhead);
    this.#partitionsMadeAt.set(retentionMs, now);
  }

  #join(db: object): Store {
    const { store } = this.#options;
    return storeOn(store, store.db.join(db));
  }

  #historyOf(job: ClaimedJob, retentionMs?: number): HistoryPolicy {
    const policy = historyPolicyOf(this.#options.taskOf(job.task));
    return retentionMs === undefined ? policy : { ...policy, retentionMs };
  }

  #attempt(job: ClaimedJob, runMs: number | null): Attempt {
    const { taskOf, random } = this.#options;
    return { job, task: taskOf(job.task), runMs, random };
  }

  #holdingsOf(jobs: unknown): Holding[] {
    const expected = "a list of jobs as pawl.jobs.claim returned them, each once";
    if (!Array.isArray(jobs)) throw invalidOption("jobs", expected, jobs);
    const holdings = jobs.map((job: unknown) => {
      const holding = typeof job === "object" && job !== null ? this.#holdings.get(job) : undefined;
      if (holding === undefined) throw invalidOption("jobs", expected, job);
      return holding;
    });
    if (new Set(holdings).size < holdings.length) throw invalidOption("jobs", expected, jobs);
    return holdings;
  }
}

function checkClaimOptions(options: ClaimOptions): {
  filter: ClaimFilter;
  batchSize: number;
  retentionMs: number | undefined;
} {
  const known = ["tasks", "queues", "forbiddenFlags", "batchSize", "historyRetention"];
  checkKeys("claim", options, known);
  return {
    filter: checkClaimFilter(options),
    batchSize: integerBetween("batchSize", options.batchSize ?? 1, 1, maxBatchSize),
    retentionMs: checkRetention(options.historyRetention),
  };
}

function checkRetention(retention: Duration | undefined): number | undefined {
  if (retention === undefined) return undefined;
  const retentionMs = parseDuration(retention, "historyRetention");
  if (retentionMs > 0) return retentionMs;
  throw invalidOption("historyRetention", "a duration above zero", retention);
}

function checkExecution(executionMs: number | undefined): number | null {
  if (executionMs === undefined) return null;
  if (Number.isFinite(executionMs) && executionMs >= 0) return executionMs;
  throw invalidOption("executionMs", "a number of milliseconds of 0 or more", executionMs);
}

function fieldsOf(failed: unknown): { readonly job: unknown; readonly error: unknown } {
  if (typeof failed === "object" && failed !== null && "job" in failed && "error" in failed) {
    return { job: failed.job, error: failed.error };
  }
  throw invalidOption("failed", "a list of { job, error }", failed);
}

function checkError(error: unknown): unknown {
  if (error instanceof Error) return error;
  if (typeof error !== "string") throw invalidOption("error", "an Error or a string", error);
  const made = new Error(error);
  // Where it was made up says nothing.
  delete made.stack;
  return made;
}

function encodeOutputs(outputs: unknown, count: number): (string | null)[] {
  if (outputs === undefined) return [];
  if (!Array.isArray(outputs) || outputs.length !== count) {
    throw invalidOption("outputs", `a list of ${count}, one for each job`, outputs);
  }
  return outputs.map((output: unknown, place) =>
    output === undefined ? null : encodePayload(output, { root: `outputs[${place}]` }),
  );
}

function leaseLost(name: string, jobs: readonly ClaimedJob[]): LeaseLostError {
  return new LeaseLostError(
    `expected "${name}" to hold ${jobs.length === 1 ? "a job" : `${jobs.length} jobs`} that it does not; ` +
      "what it had to say about them changed nothing, the others are settled",
    jobs.map(({ queue, id, attempt }) => ({ queue, id, attempt })),
  );
}
