import type { Random } from "../core/clock.ts";
import { backoff, wait, type Backoff } from "../core/wait.ts";

export interface LoopOptions {
  /** One pass; resolves with how many milliseconds to wait before the next one. */
  readonly pass: (signal: AbortSignal) => Promise<number>;
  /** Told of every failed pass; the loop goes on after a growing, jittered wait. */
  readonly onError: (error: unknown) => void;
  readonly random: Random;
  /** The longest wait after a failure. */
  readonly maxBackoffMs: number;
}

/** One pass, then a wait that can be cut short, again and again until it is stopped. A failed pass never ends it. */
export class Loop {
  readonly #options: LoopOptions;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #waiting: AbortController | undefined;
  #isWoken = false;
  #running: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#backoff = backoff({
      initialMs: Math.min(50, options.maxBackoffMs),
      maxMs: options.maxBackoffMs,
      random: options.random,
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Begins the next pass now; during a pass, right after it. */
  wake(): void {
    this.#isWoken = true;
    this.#waiting?.abort();
  }

  /** Resolves when the pass under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waiting?.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#isWoken = false;
      const pauseMs = await this.#pass();
      if (pauseMs > 0) await this.#pause(pauseMs);
    }
  }

  async #pass(): Promise<number> {
    try {
      const pauseMs = await this.#options.pass(this.#stopping.signal);
      this.#backoff.reset();
      return pauseMs;
    } catch (error) {
      this.#options.onError(error);
      // A wake-up must not turn an outage into a busy loop.
      this.#isWoken = false;
      return this.#backoff.next();
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isWoken || this.#stopping.signal.aborted) return;
    this.#waiting = new AbortController();
    await wait(ms, this.#waiting.signal);
    this.#waiting = undefined;
  }
}
