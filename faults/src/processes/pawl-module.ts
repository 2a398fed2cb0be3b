import type * as pawl from "pawl";
import type * as adapter from "pawl/pg";

/** The package under test: the one of this repository, or a build of it with a seeded bug. */
export type PawlModule = typeof pawl & Pick<typeof adapter, "pgDatabase">;

/** The environment variable with the address of another build's folder. */
export const buildVariable = "FAULTS_PAWL";

export async function importPawl(): Promise<PawlModule> {
  const folder = process.env[buildVariable];
  const [main, pg] =
    folder === undefined
      ? ["pawl", "pawl/pg"]
      : [new URL("index.js", folder).href, new URL("adapters/pg.js", folder).href];
  // The same exports.
  const { pgDatabase } = (await import(pg)) as typeof adapter;
  return { ...((await import(main)) as typeof pawl), pgDatabase };
}
