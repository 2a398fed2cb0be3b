interface EventuallyOptions {
  /** How long the fact may take to come true, in milliseconds. */
  within?: number;
}

type Maybe<T> = T | undefined | null | false;

/**
 * Polls a fact until it holds, and returns it. It does not hold yet while it is `undefined`, `null` or `false`, or
 * while finding it out throws.
 *
 *     const job = await eventually(() => finishedJob(id), { within: 2_000 });
 */
export async function eventually<T>(
  fact: () => Maybe<T> | Promise<Maybe<T>>,
  { within = 10_000 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    const outcome = await attempt(fact);
    if (outcome.holds) return outcome.value;
    if (performance.now() >= deadline) {
      throw new Error(`the fact did not come true within ${within} ms: ${fact.toString()}`, {
        cause: outcome.error,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function attempt<T>(
  fact: () => Maybe<T> | Promise<Maybe<T>>,
): Promise<{ holds: true; value: T } | { holds: false; error?: unknown }> {
  try {
    const value = await fact();
    if (value === undefined || value === null || value === false) return { holds: false };
    return { holds: true, value };
  } catch (error) {
    return { holds: false, error };
  }
}
