import { Worker as Thread } from "node:worker_threads";
import type { Random } from "../core/clock.ts";
import type { Database } from "../db/database.ts";
import { Loop } from "../lifecycle/loop.ts";
import type { Store } from "../store/store.ts";
import { beat } from "../store/workers.ts";
import type { HeartbeatMessage, HeartbeatThreadData } from "./heartbeat-thread.ts";
import { nowMs, Pulse } from "./pulse.ts";

export interface HeartbeatOptions {
  readonly workerId: string;
  readonly schema: string;
  readonly leaseMs: number;
  /** How often to beat. */
  readonly everyMs: number;
  /** For how long the event loop may be blocked: the longest timeout of the running jobs. */
  readonly allowedSilenceMs: () => number;
  /** The worker has been ended by others: its jobs are theirs. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
  readonly random: Random;
}

const pulsesPerLease = 10;

/** Keeps the lease: in a thread with a connection of its own where a thread can connect, else in the event loop. */
export class Heartbeat {
  readonly #store: Store<Database>;
  readonly #options: HeartbeatOptions;
  readonly #pulse = new Pulse();
  // Beats until the thread does, and again if it ends.
  #loop: Loop;
  #pulsing: NodeJS.Timeout | undefined;
  #thread: Thread | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #isThreadBeating = false;
  #isStopping = false;
  // When the last heartbeat that the database took was sent; before the first one, when the worker was made known.
  #keptFrom = nowMs();
  /** When the database last took a heartbeat, by the monotonic clock. */
  lastBeatAt: number | undefined;
  /** Resolves when it is known where the heartbeat runs: in its thread, or in the event loop for want of one. */
  readonly placed: Promise<void>;
  #notePlaced: () => void = () => undefined;

  constructor(store: Store<Database>, options: HeartbeatOptions) {
    this.#store = store;
    this.#options = options;
    this.#loop = this.#makeLoop();
    this.placed = new Promise((resolve) => {
      this.#notePlaced = resolve;
    });
  }

  get place(): "thread" | "event loop" {
    return this.#isThreadBeating ? "thread" : "event loop";
  }

  start(): void {
    this.#loop.start();
    const connection = this.#store.db.threadConnection();
    if (connection === undefined) {
      this.#notePlaced();
      return;
    }
    const beatPulse = (): void => {
      this.#pulse.beat(this.#options.allowedSilenceMs());
    };
    beatPulse();
    this.#pulsing = setInterval(beatPulse, this.#options.leaseMs / pulsesPerLease);
    this.#startThread({
      ...connection,
      schema: this.#options.schema,
      workerId: this.#options.workerId,
      leaseMs: this.#options.leaseMs,
      intervalMs: this.#options.everyMs,
      pulse: this.#pulse.buffer,
    });
  }

  /** Whether nobody can have judged this worker to be dead: its last heartbeat is younger than its lease. */
  get isLeaseKept(): boolean {
    return nowMs() - this.#keptFrom < BigInt(Math.floor(this.#options.leaseMs));
  }

  /** A handler starts that may block the event loop for as long as its timeout. */
  allowSilence(ms: number): void {
    this.#pulse.allow(ms);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#pulsing);
    this.#thread?.postMessage("stop");
    await Promise.all([this.#loop.stop(), this.#ended]);
  }

  #makeLoop(): Loop {
    const { workerId, leaseMs, everyMs, onError, random } = this.#options;
    return new Loop({
      pass: async () => {
        const askedAt = nowMs();
        this.#note(await beat(this.#store, workerId, leaseMs), askedAt);
        return everyMs;
      },
      onError,
      random,
      maxBackoffMs: everyMs,
    });
  }

  #startThread(workerData: HeartbeatThreadData): void {
    const thread = new Thread(new URL("./heartbeat-thread.js", import.meta.url), { workerData });
    this.#thread = thread;
    thread.on("message", (message: HeartbeatMessage) => {
      this.#read(message);
      this.#notePlaced();
    });
    thread.on("error", this.#options.onError);
    this.#ended = new Promise((resolve) => {
      thread.once("exit", () => {
        this.#thread = undefined;
        resolve(undefined);
        // A thread that cannot go on must not take the lease with it.
        if (this.#isThreadBeating && !this.#isStopping) {
          this.#loop = this.#makeLoop();
          this.#loop.start();
        }
        this.#isThreadBeating = false;
        this.#notePlaced();
      });
    });
  }

  #read(message: HeartbeatMessage): void {
    if (message.kind === "failed") {
      this.#options.onError(message.error);
      return;
    }
    if (message.kind === "beat") this.#note(true, message.askedAt);
    else this.#note(false, 0n);
    if (this.#isThreadBeating) return;
    this.#isThreadBeating = true;
    void this.#loop.stop();
  }

  #note(isKept: boolean, askedAt: bigint): void {
    if (!isKept) {
      if (!this.#isStopping) this.#options.onLost();
      return;
    }
    this.lastBeatAt = performance.now();
    if (askedAt > this.#keptFrom) this.#keptFrom = askedAt;
  }
}
