import { parseDuration, type Duration } from "../core/duration.ts";
import type { JobReference } from "../core/job.ts";
import { checkKeys, integerBetween, queueName, uuid } from "../core/options.ts";
import { encodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import type { OutcomeName } from "../core/states.ts";
import type { AnyTask } from "../core/task.ts";
import { replayId } from "../core/uuid.ts";
import type { Database } from "../db/database.ts";
import { countRecent, listAttempts, listPage, type HistoryEntry } from "../store/history.ts";
import { alongIndexes, type Store } from "../store/store.ts";
import { toAttempt, type HistoryAttempt } from "./history-attempt.ts";
import { checkListOptions, type HistoryListOptions } from "./list-options.ts";
import { cursorOf } from "./position.ts";
import { checkReplayOptions, type ReplayOptions } from "./replay-options.ts";
import { Replayer, type EnqueueReplays, type ReplayResult } from "./replayer.ts";

/** A page of the history. */
export interface HistoryPage {
  readonly attempts: readonly HistoryAttempt[];
  /** What to give as `after` for the page behind this one; null when this is the last. */
  readonly next: string | null;
}

/** How the newest attempts have ended. */
export interface RecentOutcomes {
  /** By outcome and whether the job ended with the attempt; what did not happen is left out. */
  readonly counts: readonly {
    readonly outcome: OutcomeName;
    readonly final: boolean;
    readonly count: number;
  }[];
  /** Whether there were more than were counted. */
  readonly isCut: boolean;
}

/** What became of jobs: one immutable row per settled attempt. */
export class History {
  readonly #store: Store<Database>;
  readonly #serializer: Serializer;
  readonly #replayer: Replayer;

  constructor(
    store: Store<Database>,
    options: {
      readonly serializer: Serializer;
      readonly tasks: ReadonlyMap<string, AnyTask>;
      readonly enqueue: EnqueueReplays;
    },
  ) {
    this.#store = store;
    this.#serializer = options.serializer;
    this.#replayer = new Replayer(store, options);
  }

  /** The settled attempts of one job, in order; none when it has none yet, or its history is no longer kept. Throws `OptionError`. */
  async attempts(job: JobReference): Promise<HistoryAttempt[]> {
    const queue = queueName("job.queue", job.queue);
    const id = uuid("job.id", job.id);
    const entries = await listAttempts(this.#store, { queue, id });
    return entries.map((entry) => toAttempt(entry, this.#serializer));
  }

  /**
   * Settled attempts, newest first, a page at a time. What ends while you go through the pages is in none of them, and
   * nothing is in two. Throws `OptionError`.
   *
   * ```ts
   * const { attempts, next } = await pawl.history.list({ task: "send-email", outcome: "failed", final: true });
   * ```
   */
  async list(options: HistoryListOptions = {}): Promise<HistoryPage> {
    const { limit, after, ...filters } = checkListOptions(options);
    const found = await listPage(this.#store, filters, { after, limit: limit + 1 });
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    return {
      attempts: shown.map(({ entry }) => toAttempt(entry, this.#serializer)),
      next: last === undefined ? null : cursorOf(last.position),
    };
  }

  /**
   * How the attempts of the last while have ended: of `within` (default one minute), the newest `upTo` (default 10,000).
   * Throws `OptionError`.
   */
  async recent(
    options: { readonly within?: Duration; readonly upTo?: number } = {},
  ): Promise<RecentOutcomes> {
    checkKeys("history.recent", options, ["within", "upTo"]);
    const withinMs = parseDuration(options.within ?? "1m", "within");
    const upTo = integerBetween("upTo", options.upTo ?? 10_000, 1, 1_000_000);
    const counts = await alongIndexes(this.#store, (store) =>
      countRecent(store, { withinMs, upTo }),
    );
    return { counts, isCut: counts.reduce((sum, { count }) => sum + count, 0) >= upTo };
  }

  /** @internal Replays these ended jobs in a transaction of the caller's; resolves with the new jobs, in order. */
  async replayJobs(ended: readonly HistoryEntry[], db: object): Promise<readonly JobReference[]> {
    // They are at hand: to look for them by their ids would walk through the history.
    await this.#replayer.replayEntries(ended, db);
    return ended.map((entry) => ({ queue: entry.queue, id: replayId(entry) }));
  }

  /**
   * Enqueues new jobs from ended ones, oldest first: into the queue of the old job, with its correlation id and what its
   * task says now, and with `replayOf` set to its id. The same ended job is replayed once, as long as the new one is live
   * or its history is kept. Without `db` it is written in batches, each atomic; a rejection leaves those before it.
   * Throws `OptionError`, `PayloadError` (which names the job), `TransactionError` and `DatabaseError`.
   */
  async replay(options: ReplayOptions = {}): Promise<ReplayResult> {
    const checked = checkReplayOptions(options);
    const { payload } = options;
    const isValue = payload !== undefined && typeof payload !== "function";
    if (isValue) encodePayload(payload, { serializer: this.#serializer });
    return this.#replayer.replay(checked);
  }
}
