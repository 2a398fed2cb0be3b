import postgres, { type Sql, type TransactionSql } from "postgres";
import { postgresJsDatabase } from "pawl/postgres-js";
import { postgresServer, type Driver, type OpenOptions } from "./conformance/driver.ts";

/** postgres.js with an `sql` of the user's, who ends it after the database was closed. */
export const postgresJsDriver: Driver = {
  server: postgresServer,
  sessions: "many",
  preparesStatements: true,
  lateQueries: "cancelled",

  open(url, options: OpenOptions = {}) {
    const sql = userSql(url);
    const database = postgresJsDatabase(sql, options);
    const close = database.close.bind(database);
    let ended: Promise<void> | undefined;
    return Object.assign(database, {
      close() {
        ended ??= close().then(() => sql.end());
        return ended;
      },
    });
  },

  queryHandle: (handle, text) => (handle as TransactionSql).unsafe(text),

  async beginAsUser(url) {
    const sql = userSql(url);
    const { tx, commit, rollback } = await beginOn(sql);
    return {
      db: tx,
      query: (text) => tx.unsafe(text),
      commit,
      rollback,
      end: () => sql.end({ timeout: 1 }),
    };
  },

  async notTransactions(url) {
    const sql = userSql(url);
    await sql`select 1`;
    return { things: { sql, unconnected: userSql(url) }, end: () => sql.end() };
  },
};

/** An `sql` as an application has it, which changes types and names of columns. */
export function userSql(url: string): Sql {
  const parse = (): string => "parsed";
  const date = { to: 1184, from: [1082, 1114, 1184, 20, 23], serialize: String, parse };
  const transform = { ...postgres.camel };
  return postgres(url, { types: { date }, transform, onnotice: () => undefined });
}

interface OpenTransaction {
  readonly tx: TransactionSql;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
}

/** A transaction that stays open until the test ends it. */
async function beginOn(sql: Sql): Promise<OpenTransaction> {
  return new Promise((resolve, reject) => {
    const ended = sql.begin(
      (tx) =>
        new Promise<void>((finish, fail) => {
          resolve({
            tx,
            commit() {
              finish();
              return ended;
            },
            rollback() {
              fail(new Error("rolled back"));
              return ended.catch(() => undefined);
            },
          });
        }),
    );
    ended.catch(reject);
  });
}
