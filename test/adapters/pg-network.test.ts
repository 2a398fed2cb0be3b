import pg from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { pgDatabase } from "#pawl/adapters/pg";
import { databaseUrl } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { firstRow, statement } from "./conformance/driver.ts";
import { startProxy } from "./proxy.ts";

describe("a pooler between", () => {
  const text = "select count(*)::int as count from pg_prepared_statements";

  it.each([
    ["are not prepared", undefined, 0],
    ["are prepared on demand", true, 1],
  ])("is found out: statements %s", async (_, preparedStatements, count) => {
    const proxy = await startProxy(databaseUrl(), { posesAsPooler: true });
    const database = pgDatabase(proxy.url, { maxConnections: 1, preparedStatements });
    onTestFinished(() => database.close());

    const row = await firstRow(database, text);

    expect(row).toEqual({ count });
  });

  it("is found out on the client of a caller too", async () => {
    const proxy = await startProxy(databaseUrl(), { posesAsPooler: true });
    const database = pgDatabase(proxy.url);
    const client = new pg.Client(proxy.url);
    await client.connect();
    onTestFinished(async () => {
      await client.end();
      await database.close();
    });
    await client.query("begin");

    const row = await firstRow(database.join(client), text);

    expect(row).toEqual({ count: 0 });
  });
});

describe("a broken network", () => {
  it("ends a query at its deadline, and the next one too", async () => {
    const proxy = await startProxy(databaseUrl());
    const database = pgDatabase(proxy.url, { maxConnections: 1 });
    onTestFinished(() => database.close());
    await firstRow(database, "select 1");
    proxy.freeze();

    const query = database.query(statement("select 1"), [], { timeoutMs: 200 });

    await expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  it("reports a cut connection and goes on", async () => {
    const proxy = await startProxy(databaseUrl());
    const database = pgDatabase(proxy.url, { maxConnections: 1 });
    onTestFinished(() => database.close());
    const tx = await database.begin();
    proxy.cut();

    await expect(tx.commit()).rejects.toMatchObject({ code: "PAWL_DATABASE_UNAVAILABLE" });
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  it("is noticed by a listener that hears nothing any more", { timeout: 40_000 }, async () => {
    const proxy = await startProxy(databaseUrl());
    const database = pgDatabase(proxy.url, { queryTimeout: 500 });
    onTestFinished(() => database.close());
    const lost = vi.fn();
    // The time that is short for the listener's question is short for its beginning too.
    const listener = await eventually(
      () => database.listen("quiet", { notified: () => undefined, lost }),
      { within: 15_000 },
    );
    onTestFinished(() => listener.close());

    proxy.freeze();

    await eventually(() => lost.mock.calls.length > 0, { within: 15_000 });
    expect(lost).toHaveBeenCalledWith(expect.objectContaining({ code: "PAWL_DATABASE_TIMEOUT" }));
  });
});
