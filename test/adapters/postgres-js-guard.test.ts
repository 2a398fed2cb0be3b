import postgres, { type TransactionSql } from "postgres";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { postgresJsDatabase } from "pawl/postgres-js";
import type { Transaction } from "#pawl/db/database";
import { databaseUrl } from "../support/database.ts";
import { firstRow, statement } from "./conformance/driver.ts";
import { userSql } from "./postgres-js-driver.ts";

let tx: Transaction;
let sql: TransactionSql;

beforeEach(async () => {
  const own = userSql(databaseUrl());
  const database = postgresJsDatabase(own, { maxConnections: 1 });
  tx = await database.begin();
  sql = tx.handle as TransactionSql;
  onTestFinished(async () => {
    await tx.rollback();
    await database.close();
    await own.end();
  });
});

describe("the `sql` of a handler", () => {
  it("is the driver's own, with the application's types and names", async () => {
    const part = sql`select ${"a"} as first_name`;

    const rows = await sql`select *, 7 as seven from (${part}) as parts`;

    expect([...rows]).toEqual([{ firstName: "a", seven: "parsed" }]);
  });

  it("keeps what failed in a savepoint to it", async () => {
    const failed = sql.savepoint((inner) => inner`select 1 / 0`);

    await expect(failed).rejects.toMatchObject({ code: "22012" });
    await expect(tx.query(statement("select 1 as value"))).resolves.toEqual([{ value: 1 }]);
  });

  it("sends notifications in the transaction", async () => {
    await sql.notify("any", "payload");

    await tx.commit();
  });

  it.each([
    ["a template", () => sql`commit`],
    ["a query put into another", () => sql`${sql.unsafe("commit")}`],
    ["a savepoint", () => sql.savepoint((inner) => inner`rollback`)],
    ["prepare()", () => sql.prepare("x")],
  ])("refuses to end its transaction in %s", async (_, end) => {
    await expect(end()).rejects.toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });

    expect(tx.misuse).toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
  });

  it("refuses a query that was made before and runs after the end", async () => {
    const query = sql`select 1`;
    tx.revoke();

    await expect(query).rejects.toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
    await expect(sql.savepoint(() => 1)).rejects.toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
  });

  it("does not end the process when its connection was lost and it goes on", async () => {
    const { pid } = await firstRow<{ pid: number }>(tx, "select pg_backend_pid() as pid");
    const killer = postgres(databaseUrl(), { max: 1 });
    await killer`select pg_terminate_backend(${pid}, 5000)`;
    await killer.end();

    const uses = [sql`select 1`, sql`select 2`].map((query) => query.catch(() => "refused"));

    expect(await Promise.all(uses)).toEqual(["refused", "refused"]);
    await expect(sql`select 3`).rejects.toThrow();
  });
});

describe("an `sql` of the application's", () => {
  it("may rename columns, which Pawl reads by their own names", async () => {
    const rows = await tx.query(statement("select 1 as run_at_ms, 2 as max_attempts"));

    expect(rows).toEqual([{ run_at_ms: 1, max_attempts: 2 }]);
  });

  it("is refused when it changes rows", () => {
    const own = postgres(databaseUrl(), { transform: { row: (row) => row } });

    expect(() => postgresJsDatabase(own)).toThrow(/without `transform.row`/);
  });

  it("cannot be opened in a thread when its password is a function", () => {
    const own = postgres(databaseUrl(), { pass: () => "secret" });

    expect(postgresJsDatabase(own).threadConnection()).toBeUndefined();
  });
});
