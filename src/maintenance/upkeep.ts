import type { Random } from "../core/clock.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { makeHistoryPartitions, partitionDaysAhead } from "../store/partitions.ts";
import { pruneWorkers } from "../store/workers.ts";
import { Rescuer } from "./rescuer.ts";
import { UnhandledTasks } from "./unhandled-tasks.ts";

export interface UpkeepOptions {
  readonly leaseMs: number;
  readonly retentionMs: number;
  readonly unknownTaskGraceMs: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const hourMs = 3_600_000;
const maxBackoffMs = 60_000;
const slowestRescueMs = 1_000;
const shortestOutageMs = 1_000;

/** The chores that go with every worker: any number of workers may do them at once. */
export class Upkeep {
  readonly #unhandled: UnhandledTasks;
  readonly #loops: readonly Loop[];

  constructor(store: Store, options: UpkeepOptions) {
    const { retentionMs, onError, random } = options;
    this.#unhandled = new UnhandledTasks(store, {
      graceMs: options.unknownTaskGraceMs,
      onError,
      random,
    });
    const everyMs = Math.min(slowestRescueMs, options.leaseMs / 5);
    const toleratedMs = Math.max(shortestOutageMs, options.leaseMs / 2);
    const rescuer = new Rescuer(store, { everyMs, toleratedMs, onError, random });
    const hourly = new Loop({
      pass: async () => {
        await makeHistoryPartitions(store, retentionMs, partitionDaysAhead);
        await pruneWorkers(store);
        return hourMs;
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
