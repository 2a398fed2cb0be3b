import { randomBytes } from "node:crypto";
import { startEmbeddedPostgres } from "pawl/embedded";
import { escapeIdentifier, Pool } from "pg";

/** The database that the demo works in. */
export interface DemoDatabase {
  readonly url: string;
  readonly pool: Pool;
  /** A schema that nobody else uses. */
  readonly schema: string;
  /** What it is, for people. */
  readonly description: string;
  readonly dataDirectory: string | undefined;
  /** Removes everything that the demo has made. */
  close(): Promise<void>;
}

const queryLimitMs = 15_000;

/** Uses the database that DATABASE_URL names, or starts one of its own, and makes a schema in it. */
export async function openDemoDatabase(): Promise<DemoDatabase> {
  const given = process.env.DATABASE_URL;
  const server = given ? undefined : await startEmbeddedPostgres();
  const url = server?.url ?? given ?? "";
  const pool = new Pool({ connectionString: url, max: 3, query_timeout: queryLimitMs });
  // The query that needs the lost connection says so.
  pool.on("error", () => undefined);
  const leave = async (): Promise<void> => {
    await pool.end();
    await server?.stop();
  };
  const schema = `pawl_demo_${randomBytes(6).toString("hex")}`;
  try {
    await pool.query(`create schema ${escapeIdentifier(schema)}`);
  } catch (error) {
    await leave();
    throw error;
  }
  const place = server === undefined ? "of DATABASE_URL" : `${server.version}, embedded`;
  return {
    url,
    pool,
    schema,
    description: `PostgreSQL ${place}, schema ${schema}`,
    dataDirectory: server?.dataDirectory,
    close: async () => {
      if (server === undefined) await dropSchema(pool, schema);
      await leave();
    },
  };
}

async function dropSchema(pool: Pool, schema: string): Promise<void> {
  try {
    await pool.query(`drop schema ${escapeIdentifier(schema)} cascade`);
  } catch {
    console.error(`The schema ${schema} could not be removed. Drop it yourself.`);
  }
}
