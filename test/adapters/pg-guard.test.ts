import pg from "pg";
import { beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { pgDatabase } from "#pawl/adapters/pg";
import type { Database, Transaction } from "#pawl/db/database";
import { databaseUrl, execute } from "../support/database.ts";
import { statement } from "./conformance/driver.ts";

let database: Database;
let tx: Transaction;
let client: pg.PoolClient;

beforeEach(async () => {
  database = pgDatabase(databaseUrl(), { maxConnections: 1 });
  tx = await database.begin();
  client = tx.handle as pg.PoolClient;
  onTestFinished(async () => {
    tx.destroy();
    await database.close();
  });
});

it("is still a client of the driver", () => {
  expect(client).toBeInstanceOf(pg.Client);
  expect(client.constructor).toBe(pg.Client);
  expect(client.getTransactionStatus()).toBe("T");
  expect(client.escapeLiteral("it's")).toBe("'it''s'");
});

it("answers a query by callback", async () => {
  const rows = await new Promise((resolve) => {
    client.query("select 1 as value", (_, result: pg.QueryResult) => {
      resolve(result.rows);
    });
  });

  expect(rows).toEqual([{ value: 1 }]);
});

it("uses the application's type parsers", async () => {
  const { rows } = await client.query("select '2026-01-01'::timestamptz as value");

  expect(rows).toEqual([{ value: expect.any(Date) }]);
});

it("gives itself, not the bare client, to a caller that chains", () => {
  expect(client.on("notice", () => undefined)).toBe(client);
});

it("gives the same method each time", () => {
  expect(Reflect.get(client, "query")).toBe(Reflect.get(client, "query"));
});

it.each([
  ["a config object", { text: "commit" }],
  ["a named config object", { name: "done", text: "select 1; commit" }],
])("refuses %s that commits", async (_, config) => {
  await expect(client.query(config)).rejects.toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
});

it.each([
  ["a query object", new pg.Query("rollback")],
  ["a cursor", { submit: () => undefined, text: "rollback" }],
  ["a query stream", { submit: () => undefined, cursor: { text: "rollback" } }],
])("refuses %s that rolls back, by throwing", (_, query) => {
  expect(() => client.query(query)).toThrow(/expected a handler to leave its transaction open/);
  expect(tx.misuse).toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
});

it("refuses by callback whoever asked for one", async () => {
  const error = await new Promise((resolve) => {
    client.query("commit", resolve);
  });

  expect(error).toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
});

it.each(["release", "end", "connect"] as const)("refuses %s()", (method) => {
  expect(() => void client[method]()).toThrow(`\`${method}()\``);
  expect(tx.misuse).toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
});

it("remembers the first misuse", async () => {
  await client.query("begin").catch(() => undefined);
  await client.query("commit").catch(() => undefined);

  expect(tx.misuse?.message).toContain("`begin`");
});

it("does not end the process when nobody awaits a refused query", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  onTestFinished(() => void process.off("unhandledRejection", unhandled));

  void client.query("commit");
  await client.query("select 1");
  await new Promise((resolve) => setImmediate(resolve));

  expect(unhandled).not.toHaveBeenCalled();
});

it("keeps what a handler puts on its client to itself", async () => {
  const own = vi.fn();
  Reflect.set(client, "query", own);

  const shown: unknown = Reflect.get(client, "query");
  await tx.query(statement("select 1"));

  expect(shown).toBe(own);
  expect(own).not.toHaveBeenCalled();
});

it("refuses a method taken before it was revoked", async () => {
  const query = client.query.bind(client);
  tx.revoke();

  await expect(query("select 1")).rejects.toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
});

it("refuses every method after it was revoked", () => {
  tx.revoke();

  expect(() => client.escapeLiteral("a")).toThrow(/expected an open transaction/);
  expect(() => client.on("notice", () => undefined)).toThrow(/expected an open transaction/);
});

it.each(["query", "commit"] as const)(
  "refuses to %s when the transaction was ended by a way round the guard",
  async (use) => {
    await Reflect.apply(pg.Client.prototype.query, client, ["rollback"]);

    const used = use === "query" ? tx.query(statement("select 1")) : tx.commit();

    await expect(used).rejects.toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
  },
);

it("passes a connection on that is fit for use after all this", async () => {
  await client.query("commit").catch(() => undefined);
  await tx.rollback();

  const [row] = await database.query(statement("select 1 as value"));

  expect(row).toEqual({ value: 1 });
  expect(await execute("select 1 as value")).toEqual([{ value: 1 }]);
});
