import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "pawl/embedded";
import { Client } from "pg";
import { installAudit } from "../evidence/audit.ts";
import { importPawl } from "../processes/pawl-module.ts";

const run = promisify(execFile);

/** The database that each run's is a copy of. */
export const templateDatabase = "template_run";

// Durable as in production: what was committed has to survive kill().
const settings = {
  max_connections: 200,
  max_prepared_transactions: 10,
  shared_buffers: "64MB",
  max_wal_size: "256MB",
  deadlock_timeout: "100ms",
};

export type Settings = Readonly<Record<string, string | number | boolean>>;

/** A data directory with Pawl's schema and the tables of evidence in it, made once and copied for each server. */
export class Template {
  readonly settings = settings;
  readonly #directory: string;
  #copies = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async make(): Promise<Template> {
    const directory = await mkdtemp(join(tmpdir(), "pawl-faults-"));
    // The server runs under an account of its own.
    await run("chmod", ["755", directory]);
    const template = new Template(directory);
    const server = await startEmbeddedPostgres({
      dataDirectory: join(directory, "data"),
      database: templateDatabase,
      settings,
    });
    try {
      const { Pawl } = await importPawl();
      await using pawl = new Pawl({ database: server.url });
      await pawl.migrate();
      const client = new Client({ connectionString: server.url });
      await client.connect();
      await installAudit(client);
      await client.end();
    } finally {
      await server.stop();
    }
    return template;
  }

  /** A data directory of its own. */
  async copy(): Promise<string> {
    this.#copies += 1;
    const copy = join(this.#directory, `copy-${this.#copies}`);
    await run("cp", ["--archive", "--reflink=auto", join(this.#directory, "data"), copy]);
    return copy;
  }

  /** Starts a server on a copy. */
  async startServer(more: Settings = {}): Promise<EmbeddedPostgres> {
    return startEmbeddedPostgres({
      dataDirectory: await this.copy(),
      database: templateDatabase,
      settings: { ...settings, ...more },
    });
  }

  /** Ends a server, and removes its data. */
  async discard(server: EmbeddedPostgres): Promise<void> {
    await server.stop("immediate");
    await rm(server.dataDirectory, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
