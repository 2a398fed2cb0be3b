// Two numbers shared between the event loop and the heartbeat's thread: when the loop last turned, by the process's
// monotonic clock, and for how long it may be silent, both in milliseconds.
const turnedAt = 0;
const allowedSilence = 1;

/** Milliseconds, counted from the same moment in every thread, unlike performance.now(). */
export function nowMs(): bigint {
  return process.hrtime.bigint() / 1_000_000n;
}

/** The event loop's side of the pulse. */
export class Pulse {
  readonly buffer = new SharedArrayBuffer(16);
  readonly #numbers = new BigInt64Array(this.buffer);

  #allowedMs = -1;

  /** The loop turned; it may now be silent for this long. */
  beat(allowedSilenceMs: number): void {
    Atomics.store(this.#numbers, turnedAt, nowMs());
    this.#allowedMs = -1;
    this.allow(allowedSilenceMs);
  }

  /** Something starts that may block the loop for this long. */
  allow(silenceMs: number): void {
    if (silenceMs <= this.#allowedMs) return;
    this.#allowedMs = silenceMs;
    Atomics.store(this.#numbers, allowedSilence, BigInt(Math.ceil(silenceMs)));
  }
}

/** The thread's side of the pulse. */
export class PulseReader {
  readonly #numbers: BigInt64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#numbers = new BigInt64Array(buffer);
  }

  silentMs(): number {
    return Number(nowMs() - Atomics.load(this.#numbers, turnedAt));
  }

  allowedSilenceMs(): number {
    return Number(Atomics.load(this.#numbers, allowedSilence));
  }
}
