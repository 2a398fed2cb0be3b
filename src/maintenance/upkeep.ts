import { ownClockLookMs, type Clock, type Random } from "../core/clock.ts";
import type { Database } from "../db/database.ts";
import type { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { choreList } from "./chore-list.ts";
import { Chores } from "./chores.ts";
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

const slowestLookMs = 60_000;
const slowestRescueMs = 1_000;
const shortestOutageMs = 1_000;
// A worker's heartbeats follow its clock sooner than this, also on a machine that is busy with many tests.
const silentAfterJumpMs = 1_000;
// A database that takes longer keeps those heartbeats waiting too.
const shortestOutageByOwnClockMs = 150;

/** The maintenance that goes with every worker: any number of workers may do it at once. */
export class Upkeep {
  readonly #unhandled: UnhandledTasks;
  readonly #loops: readonly Loop[];

  constructor(store: Store<Database>, options: UpkeepOptions) {
    const { retentionMs, onError, random, clock } = options;
    this.#unhandled = new UnhandledTasks(store, {
      graceMs: options.unknownTaskGraceMs,
      longestPauseMs: clock === undefined ? slowestLookMs : ownClockLookMs,
      onError,
      random,
    });
    const rescuer = new Rescuer(store, { ...rescueTimes(options), onError, random });
    const chores = new Chores(store, {
      chores: choreList(store, retentionMs),
      longestPauseMs: clock === undefined ? slowestLookMs : ownClockLookMs,
      onError,
      random,
    });
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

function rescueTimes({
  leaseMs,
  clock,
}: UpkeepOptions): Pick<RescuerOptions, "everyMs" | "toleratedMs" | "silentMs"> {
  if (clock !== undefined) {
    return {
      everyMs: ownClockLookMs,
      toleratedMs: shortestOutageByOwnClockMs,
      silentMs: silentAfterJumpMs,
    };
  }
  return {
    everyMs: Math.min(slowestRescueMs, leaseMs / 5),
    toleratedMs: Math.max(shortestOutageMs, leaseMs / 2),
  };
}
