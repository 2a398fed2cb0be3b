import { totalmem } from "node:os";
import { Client, escapeIdentifier } from "pg";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "pawl/embedded";
import type { BenchServer, Costs } from "./bench-server.ts";
import { processorTimeMs } from "./processor-time.ts";

// As PostgreSQL advises, a quarter of the memory, within bounds; and no checkpoint every minute.
const sharedBuffersGb = Math.max(1, Math.min(4, Math.floor(totalmem() / 4 / 2 ** 30)));

const settings = {
  fsync: "on",
  synchronous_commit: "on",
  shared_buffers: `${sharedBuffersGb}GB`,
  max_wal_size: "16GB",
  max_connections: "300",
  max_prepared_transactions: "10",
  shared_preload_libraries: "pg_stat_statements",
} as const;

/** For the report. */
export const postgresSettings = Object.entries(settings)
  .map(([name, value]) => `${name} = ${value}`)
  .join(", ");

/** A PostgreSQL server of the benchmark's own. */
export class PostgresServer implements BenchServer {
  readonly version: string;
  readonly dataDirectory: string;
  readonly #server: EmbeddedPostgres;
  #databases = 0;

  private constructor(server: EmbeddedPostgres) {
    this.#server = server;
    this.version = server.version;
    this.dataDirectory = server.dataDirectory;
  }

  static async start(): Promise<PostgresServer> {
    return new PostgresServer(await startEmbeddedPostgres({ settings }));
  }

  async makeDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `bench_${this.#databases}`;
    await query(this.#server.url, `create database ${name}`);
    const url = new URL(this.#server.url);
    url.pathname = name;
    await query(url.href, "create extension pg_stat_statements");
    await query(url.href, "create table effects (n bigint not null)");
    // What earlier runs have left to be written does not slow this one down.
    await query(url.href, "checkpoint");
    return url.href;
  }

  async dropDatabase(url: string): Promise<void> {
    const name = escapeIdentifier(new URL(url).pathname.slice(1));
    await query(this.#server.url, `drop database ${name} with (force)`);
  }

  async costs(url: string): Promise<Costs> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await untilAlone(client);
      const { rows } = await client.query<Record<keyof Omit<Costs, "cpuMs">, number>>(costsQuery);
      const [row] = rows;
      if (row === undefined) throw new Error("expected a row of costs");
      return { cpuMs: await processorTimeMs(this.#server.pid), ...row };
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

const costsQuery = `
  select (pg_current_wal_insert_lsn() - '0/0')::float8 as "logBytes",
         xact_commit::float8 as commits,
         (select coalesce(sum(calls), 0)::float8 from pg_stat_statements where dbid = datid) as "roundTrips",
         (select coalesce(sum(n_tup_upd + n_tup_del), 0)::float8 from pg_stat_user_tables) as "deadRows"
    from pg_stat_database where datname = current_database()`;

async function untilAlone(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      `select from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    if (rows.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One statement on a connection of its own. */
export async function query<Row extends object>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(text, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}
