import pg from "pg";
import { pgDatabase } from "#pawl/adapters/pg";
import {
  postgresServer,
  type Driver,
  type OpenOptions,
  type UserTransaction,
} from "./conformance/driver.ts";

interface QueryingClient {
  query(text: string): Promise<{ rows: object[] } | { rows: object[] }[]>;
}

const driver: Omit<Driver, "open"> = {
  server: postgresServer,
  sessions: "many",
  preparesStatements: true,
  lateQueries: "cut",

  queryHandle: (handle, text) => rowsOf(handle as QueryingClient, text),

  async beginAsUser(url): Promise<UserTransaction> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("begin");
    return {
      db: client,
      query: (text) => rowsOf(client, text),
      commit: () => client.query("commit"),
      rollback: () => client.query("rollback"),
      end: () => client.end(),
    };
  },

  async notTransactions(url) {
    const pool = new pg.Pool({ connectionString: url });
    const idle = await pool.connect();
    const ended = await pool.connect();
    await ended.query("begin");
    await ended.query("commit");
    return {
      things: { pool, idle, ended, unconnected: new pg.Client(url) },
      async end() {
        idle.release();
        ended.release();
        await pool.end();
      },
    };
  },
};

/** `pg` with a connection string. */
export const stringDriver: Driver = { ...driver, open: pgDatabase };

/** `pg` with a pool of the user's, who ends it after the database was closed. */
export const poolDriver: Driver = {
  ...driver,
  open(url, { maxConnections: max = 10, ...options }: OpenOptions = {}) {
    const pool = new pg.Pool({ connectionString: url, max, connectionTimeoutMillis: 15_000 });
    const database = pgDatabase(pool, options);
    const close = database.close.bind(database);
    let ended: Promise<void> | undefined;
    return Object.assign(database, {
      close() {
        ended ??= close().then(() => pool.end());
        return ended;
      },
    });
  },
};

async function rowsOf(client: QueryingClient, text: string): Promise<object[]> {
  const results = [await client.query(text)].flat();
  return results.at(-1)?.rows ?? [];
}
