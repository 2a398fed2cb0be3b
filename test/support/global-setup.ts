import { startEmbeddedPostgres } from "pawl/embedded";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
  }
}

// Thousands of schemas come and go, and each checkpoint would wait for the disk once per file. The server is thrown away, and
// what outlives the end of a process does so without the disk as well.
const settings = { fsync: "off", full_page_writes: "off" };

/** Starts one PostgreSQL for the whole run, or uses the one that DATABASE_URL names. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DATABASE_URL;
  if (given) {
    project.provide("databaseUrl", given);
    return () => Promise.resolve();
  }
  const server = await startEmbeddedPostgres({ settings });
  project.provide("databaseUrl", server.url);
  return () => server.stop();
}
