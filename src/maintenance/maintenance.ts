import { parseDuration, type Duration } from "../core/duration.ts";
import { checkKeys } from "../core/options.ts";
import { quarantineAfter } from "../core/quarantine.ts";
import type { Database } from "../db/database.ts";
import type { SearchableTask } from "../db/searchable-indexes.ts";
import {
  isMissingPartition,
  makeHistoryPartitions,
  partitionDaysAhead,
} from "../store/partitions.ts";
import { pruneConcurrencyKeys, pruneQueueRows } from "../store/pruning.ts";
import type { Store } from "../store/store.ts";
import { pruneTasks, seeTasks } from "../store/tasks.ts";
import { rescueJobs } from "../store/upkeep.ts";
import { findHoldingWorkers } from "../store/workers.ts";
import { keepTasksForMs } from "./chore-list.ts";
import { diagnose } from "./diagnosis/diagnose.ts";
import { Expectation } from "./diagnosis/drift.ts";
import type { DiagnosisFinding } from "./diagnosis/finding.ts";
import { pruneHistory } from "./history-partitions.ts";

/** What `pawl.maintenance.resetLockedJobs` takes. */
export interface ResetLockedJobsOptions {
  /** How long ago the jobs were claimed at least. Default 0: any time. */
  readonly olderThan?: Duration;
}

/** What `pawl.maintenance.pruneTasks` takes. */
export interface PruneTasksOptions {
  /** For how long a task is remembered after it was last seen. Default `"30 days"`. */
  readonly keepFor?: Duration;
}

/** What workers do by themselves, done now. Anybody may call it at any time, beside them. */
export class Maintenance {
  readonly #store: Store<Database>;
  readonly #retentionMs: number;
  readonly #schema: string;
  readonly #tasks: readonly SearchableTask[];
  readonly #expectation = new Expectation();

  constructor(
    store: Store<Database>,
    options: {
      readonly retentionMs: number;
      readonly schema: string;
      readonly tasks: readonly SearchableTask[];
    },
  ) {
    this.#store = store;
    this.#retentionMs = options.retentionMs;
    this.#schema = options.schema;
    this.#tasks = options.tasks;
  }

  /**
   * Looks at what is known to go wrong: versions, the schema, the history's partitions, clocks, poolers, jobs that nobody
   * runs or rescues, and who keeps dead rows from being removed. Resolves with what was found, also of what is well; the
   * counts are estimates. The first time it makes a schema beside Pawl's, and rolls that back. Throws `DatabaseError`.
   */
  diagnose(): Promise<DiagnosisFinding[]> {
    return diagnose(this.#store, {
      schema: this.#schema,
      tasks: this.#tasks,
      expectation: this.#expectation,
      retentionMs: this.#retentionMs,
      now: Date.now,
      nodeVersion: process.versions.node,
    });
  }

  /**
   * Rescues the jobs of workers that are not alive (ended, silent beyond their lease, or known to nobody) and hold a job
   * that was claimed longer than `olderThan` ago; resolves with how many went back or failed. A living worker keeps its
   * jobs, however long they run. Throws `OptionError`.
   */
  async resetLockedJobs(options: ResetLockedJobsOptions = {}): Promise<number> {
    checkKeys("resetLockedJobs", options, ["olderThan"]);
    const olderThanMs = parseDuration(options.olderThan ?? 0, "olderThan");
    let reset = 0;
    for (const workerId of await findHoldingWorkers(this.#store, olderThanMs)) {
      reset += await this.#rescue(workerId);
    }
    return reset;
  }

  /**
   * Drops the history that has expired, a whole day (UTC) at a time; resolves with how many rows went. A transaction that
   * has read the history and stays open holds it up: then the rest goes later, by itself.
   */
  async pruneHistory(): Promise<number> {
    const { rows } = await pruneHistory(this.#store, { counting: true });
    return rows;
  }

  /**
   * Forgets concurrency keys that no live job has and nothing holds, and queues that are not paused and have no live jobs;
   * resolves with how many of both.
   */
  async pruneQueues(): Promise<number> {
    const keys = await pruneConcurrencyKeys(this.#store);
    return keys + (await pruneQueueRows(this.#store));
  }

  /**
   * Forgets tasks that are not paused, that no living worker handles and no live job needs, and that nobody has seen for
   * `keepFor`; resolves with how many. Throws `OptionError`.
   */
  async pruneTasks(options: PruneTasksOptions = {}): Promise<number> {
    checkKeys("pruneTasks", options, ["keepFor"]);
    const keepForMs = parseDuration(options.keepFor ?? keepTasksForMs, "keepFor");
    await seeTasks(this.#store);
    return pruneTasks(this.#store, keepForMs);
  }

  async #rescue(workerId: string): Promise<number> {
    const retentionMs = this.#retentionMs;
    const rescue = (): Promise<number> =>
      rescueJobs(this.#store, { workerId, quarantineAfter, isGone: false });
    try {
      return await rescue();
    } catch (error) {
      if (!isMissingPartition(error)) throw error;
      await makeHistoryPartitions(this.#store, retentionMs, partitionDaysAhead);
      return rescue();
    }
  }
}
