/** How the worker processes of the demo run. */
export const workerSettings = {
  processes: 2,
  concurrency: 8,
  /** After a kill, the others wait at most this long before they take over. */
  leaseMs: 2_000,
} as const;

const shortestRunMs = 1_500;
const usualMs = 20;
const longestMs = 1_000;

/** How long a handler waits after its write: with few files, long enough that a kill can hit it. */
export function handlerPauseMs(files: number): number {
  const slots = workerSettings.processes * workerSettings.concurrency;
  const needed = Math.round((shortestRunMs * slots) / files) - usualMs;
  return Math.min(longestMs, Math.max(0, needed));
}
