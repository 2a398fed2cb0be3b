import { setTimeout as sleep } from "node:timers/promises";

/** The promise's outcome, or a rejection that says what was waited for. */
export async function within<T>(limitMs: number, promise: Promise<T>, what: string): Promise<T> {
  const limit = new AbortController();
  const late = sleep(limitMs, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`waited ${limitMs / 1_000} s for ${what}, in vain`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => undefined);
    limit.abort();
  }
}
