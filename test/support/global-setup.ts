import { startEmbeddedPostgres } from "pawl/embedded";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
  }
}

/** Starts one PostgreSQL for the whole run, or uses the one that DATABASE_URL names. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DATABASE_URL;
  if (given) {
    project.provide("databaseUrl", given);
    return () => Promise.resolve();
  }
  const server = await startEmbeddedPostgres();
  project.provide("databaseUrl", server.url);
  return () => server.stop();
}
