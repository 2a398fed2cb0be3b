import { startEmbeddedPostgres, type EmbeddedPostgres } from "pawl/embedded";
import { afterAll, beforeAll } from "vitest";

type Settings = Record<string, string | number | boolean>;

/** A PostgreSQL of this file's own, for what a server is told when it starts. */
export function ownPostgres(settings: Settings): { readonly url: string } {
  let server: EmbeddedPostgres | undefined;
  beforeAll(async () => {
    server = await startEmbeddedPostgres({ settings });
  });
  afterAll(() => server?.stop());
  return {
    get url() {
      if (server === undefined) throw new Error("expected a server, it has not been started");
      return server.url;
    },
  };
}
