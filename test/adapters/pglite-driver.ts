import { PGlite, type Transaction } from "@electric-sql/pglite";
import { afterAll } from "vitest";
import { pgliteDatabase } from "pawl/pglite";
import type { Driver, OpenOptions, TestServer } from "./conformance/driver.ts";

const cleared = "drop schema public cascade; create schema public; reset all; unlisten *";
let made: Promise<PGlite> | undefined;

afterAll(async () => {
  await (await made)?.close();
});

/** The PGlite of a test file: one of its own for each test would take seconds. */
export function sharedPglite(): Promise<PGlite> {
  made ??= PGlite.create({
    parsers: { 20: () => "parsed", 23: () => "parsed", 1184: () => "parsed" },
  });
  return made;
}

const server: TestServer = {
  databaseUrl: () => "pglite:",
  async execute<Row extends object>(text: string, values: readonly unknown[] = []) {
    const db = await sharedPglite();
    return (await db.query<Row>(text, [...values])).rows;
  },
  async freshDatabase() {
    await (await sharedPglite()).exec(cleared);
    return "pglite:";
  },
  setDefaultIsolation: async (_, level) =>
    (await sharedPglite()).exec(`set default_transaction_isolation = '${level}'`),
};
