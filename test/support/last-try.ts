interface TriesOptions<T> {
  /** Whether the try came out as it does when nothing but the product decides. */
  readonly until: (result: T) => boolean;
  /** How many tries there are at most. */
  readonly most?: number;
}

/**
 * Tries what a busy machine can spoil, such as being in time, until it comes out well: a right product needs one good
 * moment, and a wrong one has none. Resolves with the result of the last try, which is to be judged.
 *
 *     const stopMs = await lastTry(timeToStop, { until: (ms) => ms < 3_000 });
 *     expect(stopMs).toBeLessThan(3_000);
 */
export async function lastTry<T>(
  attempt: () => Promise<T>,
  { until, most = 3 }: TriesOptions<T>,
): Promise<T> {
  let result = await attempt();
  for (let count = 1; count < most && !until(result); count++) result = await attempt();
  return result;
}
