import { setMaxListeners } from "node:events";
import type { Random } from "./clock.ts";

const longestTimerMs = 2 ** 31 - 1; // a longer setTimeout fires at once

/** Resolves after `ms`, or as soon as the signal is aborted; never rejects. */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = startTimer(ms, end);
    if (signal === undefined) return;
    // As many may wait for it as there are calls in an outage; that is no leak.
    setMaxListeners(0, signal);
    signal.addEventListener("abort", end);
  });
}

/** The promise's own outcome, or a rejection with `onTimeout()` when it takes longer than `ms`. */
export function withDeadline<T>(
  promise: Promise<T>,
  ms: number,
  onTimeout: () => Error,
): Promise<T> {
  let cancel: (() => void) | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    cancel = startTimer(ms, () => {
      reject(onTimeout());
    });
  });
  return Promise.race([promise, deadline]).finally(cancel);
}

/** Calls `fire` once after `ms`, however long that is; the result cancels it. */
export function startTimer(ms: number, fire: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    timer =
      leftMs <= longestTimerMs
        ? setTimeout(fire, leftMs)
        : setTimeout(arm, longestTimerMs, leftMs - longestTimerMs);
  };
  arm(ms);
  return () => {
    clearTimeout(timer);
  };
}

/** How long to wait before the next try of something that keeps failing. */
export interface Backoff {
  /** The next delay in milliseconds. */
  next(): number;
  /** Starts over, after a success. */
  reset(): void;
}

/** Delays between 0 and a ceiling that doubles from `initialMs` up to `maxMs` ("full jitter"). */
export function backoff(options: {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly random: Random;
}): Backoff {
  const { initialMs, maxMs, random } = options;
  let ceilingMs = Math.min(initialMs, maxMs);
  return {
    next() {
      const delayMs = Math.round(random() * ceilingMs);
      ceilingMs = Math.min(ceilingMs * 2, maxMs);
      return delayMs;
    },
    reset() {
      ceilingMs = Math.min(initialMs, maxMs);
    },
  };
}

/** Resolves when the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else {
      signal.addEventListener("abort", () => {
        resolve();
      });
    }
  });
}

/** Waits for something, but not for longer than this, and leaves no timer behind. */
export async function within(ms: number, done: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([done, wait(ms, over.signal)]);
  over.abort();
}
