import { ownClockLookMs, type Clock, type Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { makeHistoryPartitions, partitionDaysAhead } from "../store/partitions.ts";
import { pruneWorkers } from "../store/workers.ts";
import { Rescuer, type RescuerOptions } from "./rescuer.ts";
import { UnhandledTasks } from "./unhandled-tasks.ts";

export interface UpkeepOptions {
  readonly leaseMs: number;
  readonly retentionMs: number;
  readonly unknownTaskGraceMs: number;
  /** A clock of the caller's that decides about jobs: it may stand still and jump, so nothing waits for it. */
  readonly clock: Clock | undefined;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const hourMs = 3_600_000;
const maxBackoffMs = 60_000;
const slowestUnhandledMs = 60_000;
const slowestRescueMs = 1_000;
const shortestOutageMs = 1_000;
// A worker's heartbeats follow its clock sooner than this.
const silentAfterJumpMs = 150;

/** The chores that go with every worker: any number of workers may do them at once. */
export class Upkeep {
  readonly #unhandled: UnhandledTasks;
  readonly #loops: readonly Loop[];

  constructor(store: Store, options: UpkeepOptions) {
    const { retentionMs, onError, random, clock } = options;
    this.#unhandled = new UnhandledTasks(store, {
      graceMs: options.unknownTaskGraceMs,
      longestPauseMs: clock === undefined ? slowestUnhandledMs : ownClockLookMs,
      onError,
      random,
    });
    const rescuer = new Rescuer(store, { ...rescueTimes(options), onError, random });
    let doneAt = -Infinity;
    const hourly = new Loop({
      pass: async () => {
        const now = clock?.();
        if (now !== undefined && Math.abs(now - doneAt) < hourMs) return ownClockLookMs;
        await makeHistoryPartitions(store, retentionMs, partitionDaysAhead);
        await pruneWorkers(store);
        if (now === undefined) return hourMs;
        doneAt = now;
        return ownClockLookMs;
      },
      onError,
      random,
      maxBackoffMs,
    });
    this.#loops = [rescuer.loop, this.#unhandled.loop, hourly];
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  /** Jobs of tasks that the worker does not know were seen in a queue. */
  noticeUnknownTasks(queue: string): void {
    this.#unhandled.notice(queue);
  }
}

function rescueTimes({
  leaseMs,
  clock,
}: UpkeepOptions): Pick<RescuerOptions, "everyMs" | "toleratedMs" | "silentMs"> {
  if (clock !== undefined) {
    const silentMs = silentAfterJumpMs;
    return { everyMs: ownClockLookMs, toleratedMs: silentMs, silentMs };
  }
  return {
    everyMs: Math.min(slowestRescueMs, leaseMs / 5),
    toleratedMs: Math.max(shortestOutageMs, leaseMs / 2),
  };
}
