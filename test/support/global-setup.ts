import { startEmbeddedPostgres } from "pawl/embedded";
import type { TestProject } from "vitest/node";
import { runPgBouncer } from "./pgbouncer-process.ts";

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
    /** The way to the same database that the Pawls of the tests take. */
    pawlUrl: string;
  }
}

// Thousands of schemas come and go, and each checkpoint would wait for the disk once per file. The server is thrown away, and
// what outlives the end of a process does so without the disk as well.
const settings = { fsync: "off", full_page_writes: "off" };

/**
 * Starts one PostgreSQL for the whole run, or uses the one that DATABASE_URL names; with PAWL_TESTS_THROUGH=pgbouncer, Pawl
 * reaches it through one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DATABASE_URL;
  const server = given ? undefined : await startEmbeddedPostgres({ settings });
  const url = server?.url ?? given ?? "";
  const isPooled = process.env.PAWL_TESTS_THROUGH === "pgbouncer";
  const pooler = isPooled ? await runPgBouncer(url) : undefined;
  project.provide("databaseUrl", url);
  project.provide("pawlUrl", pooler?.url ?? url);
  return async () => {
    await pooler?.stop();
    await server?.stop();
  };
}
