import { expect, it, onTestFinished } from "vitest";
import { withClient } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { firstRow, opened, statement, type Driver } from "./driver.ts";

const nonsense = [
  ["undefined", undefined],
  ["null", null],
  ["a text", "postgres://localhost/app"],
  ["a number", 1],
  ["an empty object", {}],
  ["a function", () => undefined],
  ["an object with a query method only", { query: () => Promise.resolve() }],
] as const;

export function joinClauses(driver: Driver): void {
  const { databaseUrl } = driver.server;

  it("runs in the caller's transaction", async () => {
    const database = opened(driver);
    const user = await driver.beginAsUser(databaseUrl());
    onTestFinished(() => user.end());
    const text = "select pg_current_xact_id()::text as id";
    const [expected] = await user.query(text);

    const row = await firstRow(database.join(user.db), text);

    expect(row).toEqual(expected);
  });

  it("leaves the end of the transaction to the caller", async () => {
    const database = opened(driver);
    const user = await driver.beginAsUser(databaseUrl());
    onTestFinished(() => user.end());
    const text = "create temporary table joined (a int) on commit drop";

    await database.join(user.db).query({ name: "", text });

    expect(await user.query("select from joined")).toEqual([]);
    await user.query("rollback");
    await expect(user.query("select from joined")).rejects.toThrow(/does not exist/);
  });

  it("gives columns as the port says, whatever the caller's type parsers", async () => {
    const database = opened(driver);
    const user = await driver.beginAsUser(databaseUrl());
    onTestFinished(() => user.end());

    const row = await firstRow(
      database.join(user.db),
      "select now()::date::text as d, 1::int8 as n",
    );

    expect(row).toEqual({ d: expect.stringMatching(/^\d{4}-/), n: "1" });
  });

  it("joins the transaction of a handler by its handle", async () => {
    const database = opened(driver);
    const tx = await database.begin();
    const text = "select pg_current_xact_id()::text as id";

    const rows = [await firstRow(tx, text), await firstRow(database.join(tx.handle), text)];

    expect(rows[0]).toEqual(rows[1]);
    await tx.rollback();
  });

  it("refuses the handle of a transaction that has ended", async () => {
    const database = opened(driver);
    const tx = await database.begin();
    await tx.rollback();

    const use = async (): Promise<unknown> => firstRow(database.join(tx.handle), "select 1");

    await expect(use()).rejects.toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
  });

  it("refuses a handle that was revoked, also when it was joined before", async () => {
    const database = opened(driver);
    const tx = await database.begin();
    const joined = database.join(tx.handle);
    tx.revoke();

    const uses = [
      await refusalOf(async () => firstRow(joined, "select 1")),
      await refusalOf(async () => firstRow(database.join(tx.handle), "select 1")),
    ];

    await tx.rollback();
    expect(uses).toEqual(["PAWL_TRANSACTION_ENDED", "PAWL_TRANSACTION_ENDED"]);
  });

  it("refuses pools and clients outside a transaction", async () => {
    const database = opened(driver);
    const { things, end } = await driver.notTransactions(databaseUrl());
    onTestFinished(end);

    for (const [name, thing] of Object.entries(things)) {
      const error = thrownBy(() => database.join(thing));
      expect(error, name).toMatchObject({ code: "PAWL_TRANSACTION_REQUIRED" });
    }
  });

  it.each(nonsense)("refuses %s", (_, thing) => {
    const database = opened(driver);

    const error = thrownBy(() => database.join(thing));

    expect(error).toMatchObject({ code: "PAWL_TRANSACTION_REQUIRED" });
  });

  it("refuses a database of Pawl's own", () => {
    const database = opened(driver);

    expect(thrownBy(() => database.join(database))).toMatchObject({
      code: "PAWL_TRANSACTION_REQUIRED",
    });
  });

  // On one session, no statement waits for another.
  if (driver.sessions === "many") manySessionsClauses(driver);

  it("passes an error of the caller's transaction on with its SQLSTATE", async () => {
    const database = opened(driver);
    const user = await driver.beginAsUser(databaseUrl());
    onTestFinished(() => user.end());

    const query = database.join(user.db).query(statement("select 1 / 0"));

    await expect(query).rejects.toMatchObject({ cause: { code: "22012" } });
  });
}

function manySessionsClauses(driver: Driver): void {
  const { databaseUrl, execute } = driver.server;

  it("ends the caller's transaction when a query on it does not come back", async () => {
    const database = opened(driver);
    const user = await driver.beginAsUser(databaseUrl());
    onTestFinished(() => user.end());
    const [row] = await user.query("select pg_backend_pid() as pid");
    const key = 48_151_624;
    await withClient(async (blocker) => {
      await blocker.query("select pg_advisory_lock($1)", [key]);
      const blocked = statement(`select pg_advisory_xact_lock(${key})`);

      const query = database.join(user.db).query(blocked, [], { timeoutMs: 100 });

      await expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
      await eventually(() =>
        user.query("select 1").then(
          () => false,
          () => true,
        ),
      );
    });
    if (driver.lateQueries === "cancelled") return;
    await eventually(async () => {
      const pid = Reflect.get(row ?? {}, "pid");
      return (await execute("select from pg_stat_activity where pid = $1", [pid])).length === 0;
    });
  });
}

async function refusalOf(use: () => Promise<unknown>): Promise<unknown> {
  const error: unknown = await use().catch((thrown: unknown) => thrown);
  return Reflect.get(Object(error), "code");
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
