import { PGlite, type Transaction } from "@electric-sql/pglite";
import { afterAll, beforeAll } from "vitest";
import { pgliteDatabase } from "pawl/pglite";
import type { Driver, TestServer } from "./conformance/driver.ts";

const url = "pglite:";
const cleared = "drop schema public cascade; create schema public; reset all; unlisten *";

/** The PGlite of a test file, with parsers of the application's: one for each test would take too long to start. */
const pglite = new PGlite({
  parsers: { 20: () => "parsed", 23: () => "parsed", 1184: () => "parsed" },
});

beforeAll(() => pglite.waitReady, 120_000);

afterAll(() => pglite.close());

const server: TestServer = {
  databaseUrl: () => url,
  async execute<Row extends object>(text: string, values: readonly unknown[] = []) {
    const parsers = { 20: String, 23: Number, 1184: String };
    return (await pglite.query<Row>(text, [...values], { parsers })).rows;
  },
  async freshDatabase() {
    await pglite.exec(cleared);
    return url;
  },
  setDefaultIsolation: (_, level) => pglite.exec(`set default_transaction_isolation = '${level}'`),
};

/** PGlite, which the test file shares as an application does. */
export const pgliteDriver: Driver = {
  server,
  sessions: "one",
  preparesStatements: false,
  lateQueries: "cancelled",

  open: (_, { queryTimeout = 15_000 } = {}) => pgliteDatabase(pglite, { queryTimeout }),

  async queryHandle(handle, text) {
    return (await (handle as Transaction).exec(text)).at(-1)?.rows ?? [];
  },

  async beginAsUser() {
    const { tx, commit, rollback } = await beginOn(pglite);
    return {
      db: tx,
      query: async (text) => (await tx.query<object>(text)).rows,
      commit,
      rollback,
      async end() {
        await rollback();
      },
    };
  },

  async notTransactions() {
    const { tx, commit } = await beginOn(pglite);
    await commit();
    return { things: { pglite, ended: tx }, end: () => Promise.resolve() };
  },
};

interface OpenTransaction {
  readonly tx: Transaction;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
}

/** A transaction that stays open until the test ends it. */
function beginOn(db: PGlite): Promise<OpenTransaction> {
  return new Promise((resolve, reject) => {
    const ended = db.transaction(
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
