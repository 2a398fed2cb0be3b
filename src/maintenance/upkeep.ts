import type { Random } from "../core/clock.ts";
import type { Database } from "../db/database.ts";
import type { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { choreList } from "./chore-list.ts";
import { Chores } from "./chores.ts";
import { Rescuer } from "./rescuer.ts";
import { UnhandledTasks } from "./unhandled-tasks.ts";

export interface UpkeepOptions {
  readonly leaseMs: number;
  readonly retentionMs: number;
  readonly unknownTaskGraceMs: number;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const slowestRescueMs = 1_000;
const shortestOutageMs = 1_000;

/** The maintenance that goes with every worker: any number of workers may do it at once. */
export class Upkeep {
  readonly #unhandled: UnhandledTasks;
  readonly #loops: readonly Loop[];

  constructor(store: Store<Database>, options: UpkeepOptions) {
    const { retentionMs, onError, random } = options;
    this.#unhandled = new UnhandledTasks(store, {
      graceMs: options.unknownTaskGraceMs,
      retentionMs,
      onError,
      random,
    });
    const everyMs = Math.min(slowestRescueMs, options.leaseMs / 5);
    const toleratedMs = Math.max(shortestOutageMs, options.leaseMs / 2);
    const rescuer = new Rescuer(store, { retentionMs, everyMs, toleratedMs, onError, random });
    const chores = new Chores(store, { chores: choreList(store, retentionMs), onError, random });
    this.#loops = [rescuer.loop, this.#unhandled.loop, chores.loop];
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
