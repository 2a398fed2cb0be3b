/** Numbers from here on are timed: when the handler of each started is kept. */
export const firstTimed = 1_000_000_000;

/** What a worker process has run: how often each job, and when it started those that are timed. */
export interface LedgerReport {
  readonly executed: number;
  /** At index n, how often the job n was started; at most 255. */
  readonly counts: Uint8Array;
  /** At n, when it started; NaN when it did twice. */
  readonly started: ReadonlyMap<number, number>;
  /** When the last handler started, by the monotonic clock that all processes of the machine share, in milliseconds. */
  readonly lastAt: number;
}

/** Counts the starts of handlers in one worker process. */
export class Ledger {
  executed = 0;
  lastAt = 0;
  #counts = new Uint8Array(1 << 22);
  readonly #started = new Map<number, number>();

  /** To be called by each handler as it starts. */
  start(n: number): void {
    this.executed += 1;
    this.lastAt = monotonicMs();
    if (n >= firstTimed) {
      this.#started.set(n, this.#started.has(n) ? NaN : this.lastAt);
      return;
    }
    if (n >= this.#counts.length) this.#grow(n);
    this.#counts[n] = Math.min(255, (this.#counts[n] ?? 0) + 1);
  }

  report(): LedgerReport {
    return {
      executed: this.executed,
      counts: this.#counts,
      started: this.#started,
      lastAt: this.lastAt,
    };
  }

  #grow(n: number): void {
    const larger = new Uint8Array(Math.max(this.#counts.length * 2, n + 1));
    larger.set(this.#counts);
    this.#counts = larger;
  }
}

/** Of the machine's monotonic clock: comparable between processes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
