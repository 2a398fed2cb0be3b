import fc from "fast-check";
import type { AsyncCommand } from "fast-check";
import type { Model } from "./model.ts";
import type { Real } from "./stage.ts";

export type Command = AsyncCommand<Model, Real, boolean>;

/** A call of Pawl's API beside the model. */
export function command(
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Model) => boolean = () => true,
): Command {
  return { check, run, toString: () => name };
}

/** Whether a call writes on its own, or in a transaction of the caller's, and how that ends. */
export type Within = "alone" | "commit" | "rollback";

export const within: fc.Arbitrary<Within> = fc.constantFrom(
  ...(["alone", "alone", "alone", "commit", "rollback"] as const),
);

/** Makes the call; the result says whether what it wrote counts. */
export async function calling<T>(
  { client }: Real,
  within: Within,
  call: (options: { readonly db?: object }) => Promise<T>,
): Promise<{ readonly result: T; readonly counts: boolean }> {
  if (within === "alone") return { result: await call({}), counts: true };
  await client.query("begin");
  try {
    return { result: await call({ db: client }), counts: within === "commit" };
  } finally {
    await client.query(within);
  }
}
