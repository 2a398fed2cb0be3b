import { expect, it } from "vitest";
import { withClient } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { backendOf, firstRow, opened, statement, type Driver } from "./driver.ts";

const columns = [
  ["smallint", "7::int2", 7],
  ["integer", "(-2147483648)::int4", -2147483648],
  ["real", "1.5::float4", 1.5],
  ["double precision", "1e300::float8", 1e300],
  ["infinity", "'-Infinity'::float8", -Infinity],
  ["boolean", "true", true],
  ["null", "null::int", null],
  ["text", "'ünïcode 🦫'", "ünïcode 🦫"],
  ["an empty text", "''", ""],
  ["bigint", "9007199254740993::int8", "9007199254740993"],
  ["numeric", "0.10::numeric", "0.10"],
  ["json", `'{"a": 1}'::json`, '{"a": 1}'],
  ["an array", "array[1, 2]", "{1,2}"],
  ["bytea", "'\\x00ff'::bytea", "\\x00ff"],
  ["a date", "'2026-02-03'::date", "2026-02-03"],
] as const;

const values = [
  ["a text", "text", 'a "b" \\ c,{}🦫'],
  ["a boolean", "boolean", false],
  ["an integer", "integer", 42],
  ["a fraction", "float8", 0.25],
  ["null", "text", null],
] as const;

export function queryClauses(driver: Driver): void {
  const { execute, freshDatabase, setDefaultIsolation } = driver.server;

  it.each(columns)("gives a column of %s as the port says", async (_, expression, expected) => {
    const database = opened(driver);

    const row = await firstRow<{ value: unknown }>(database, `select ${expression} as value`);

    expect(row.value).toBe(expected);
  });

  it.each(values)("sends %s and gets it back", async (_, type, value) => {
    const database = opened(driver);

    const row = await firstRow<{ value: unknown }>(database, `select $1::${type} as value`, [
      value,
    ]);

    expect(row.value).toBe(value);
  });

  it("sends a list as an array literal", async () => {
    const database = opened(driver);
    const text = "select unnest($1::text[]) as value";

    const rows = await database.query<{ value: string }>(statement(text), ['{a,"b,c",NULL}']);

    expect(rows.map(({ value }) => value)).toEqual(["a", "b,c", null]);
  });

  it("runs several statements of an unnamed text without values", async () => {
    const database = opened(driver);
    const text = "create temporary table t (a int); insert into t values (1), (2); select a from t";

    const rows = await database.query({ name: "", text });

    expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it("commits each statement by itself", async () => {
    const url = await freshDatabase();
    const database = opened(driver, {}, url);

    await database.query({ name: "", text: "create table kept ()" });

    expect(await execute("select from kept", [], url)).toEqual([]);
  });

  it("says what the server refused, with its SQLSTATE, and goes on", async () => {
    const database = opened(driver, { maxConnections: 1 });

    const failure = database.query(statement("select 1 / 0 as value"));

    await expect(failure).rejects.toMatchObject({
      code: "PAWL_DATABASE_FAILED",
      message: expect.stringMatching(/division by zero.*22012/),
      cause: { code: "22012" },
    });
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  if (driver.sessions === "many") manySessionsClauses(driver);
  else oneSessionClauses(driver);

  it("counts the wait for a full pool, and leaves the pool whole", async () => {
    const database = opened(driver, { maxConnections: 1 });
    const tx = await database.begin();

    const starved = database.query(statement("select 1 as value"), [], { timeoutMs: 150 });

    await expect(starved).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
    await tx.rollback();
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  it("goes on without prepared statements when the server has lost them", async () => {
    const database = opened(driver, { maxConnections: 1 });
    await firstRow(database, "select 1 as value");
    await database.query({ name: "", text: "deallocate all" });

    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
    await firstRow(database, "select 2 as value");

    const text = "select from pg_prepared_statements where statement like 'select 2%'";
    expect(await database.query({ name: "", text })).toEqual([]);
  });

  it("prepares its statements, unless told not to", async () => {
    const text =
      "select count(*)::int as value from pg_prepared_statements where statement like 'select 1 as%'";
    const preparing = opened(driver, { maxConnections: 1 });
    const plain = opened(driver, { maxConnections: 1, preparedStatements: false });
    await firstRow(preparing, "select 1 as value");
    await firstRow(plain, "select 1 as value");

    const counts = [await firstRow(preparing, text), await firstRow(plain, text)];

    expect(counts).toEqual([{ value: driver.preparesStatements ? 1 : 0 }, { value: 0 }]);
  });

  it("runs again what met a plan older than its table", async () => {
    const url = await freshDatabase();
    const database = opened(driver, { maxConnections: 1 }, url);
    await execute("create table changing as select 1 as a", [], url);
    await firstRow(database, "select * from changing");
    await execute("alter table changing add b text default 'new'", [], url);

    const row = await firstRow(database, "select * from changing");

    expect(row).toEqual({ a: 1, b: "new" });
  });

  it("runs read committed whatever the database's default", async () => {
    const url = await freshDatabase();
    await setDefaultIsolation(url, "serializable");
    const database = opened(driver, {}, url);
    const text = "select current_setting('transaction_isolation') as level";

    const alone = await firstRow(database, text);
    const inside = await database.transaction((tx) => firstRow(tx, text));

    expect([alone, inside]).toEqual([{ level: "read committed" }, { level: "read committed" }]);
  });

  it("keeps its promises where each statement is wrapped in a transaction", async () => {
    const url = await freshDatabase();
    await setDefaultIsolation(url, "repeatable read");
    const database = opened(driver, { maxConnections: 1 }, url);
    await database.query({ name: "", text: "create table kept as select 1 as a" });

    const failure = database.query(statement("select 1 / 0"));

    await expect(failure).rejects.toMatchObject({ code: "PAWL_DATABASE_FAILED" });
    expect(await execute("select a from kept", [], url)).toEqual([{ a: 1 }]);
    await expect(firstRow(database, "select a from kept")).resolves.toEqual({ a: 1 });
  });

  it("answers many calls at once, more than it has connections", async () => {
    const database = opened(driver, { maxConnections: 2 });
    const numbers = Array.from({ length: 50 }, (_, index) => index);

    const rows = await Promise.all(
      numbers.map((value) => firstRow(database, "select $1::int as value", [value])),
    );

    expect(rows).toEqual(numbers.map((value) => ({ value })));
  });
}

function manySessionsClauses(driver: Driver): void {
  const { execute } = driver.server;

  it("gives up a blocked query at its deadline and goes on with another connection", async () => {
    const database = opened(driver, { maxConnections: 1 });
    const key = 48_151_623;
    await withClient(async (blocker) => {
      await blocker.query("select pg_advisory_lock($1)", [key]);

      const blocked = database.query(statement(`select pg_advisory_xact_lock(${key})`), [], {
        timeoutMs: 150,
      });

      await expect(blocked).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
      await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
    });
  });

  it("reports a killed backend and goes on with another", async () => {
    const database = opened(driver, { maxConnections: 1 });
    const pid = await backendOf(database);

    const query = database.query(statement("select pg_sleep(10)"));
    const outcome = expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_UNAVAILABLE" });
    await eventually(async () => {
      const text = "select pg_terminate_backend(pid) from pg_stat_activity";
      return (await execute(`${text} where pid = $1 and state = 'active'`, [pid])).length === 1;
    });

    await outcome;
    await expect(backendOf(database)).resolves.not.toBe(pid);
  });

  it("survives a backend killed while its connection was idle", async () => {
    const database = opened(driver, { maxConnections: 1 });
    const pid = await backendOf(database);
    await execute("select pg_terminate_backend($1, 5000)", [pid]);

    const next = await eventually(() => backendOf(database));

    expect(next).not.toBe(pid);
  });

  it("says that a server cannot be reached, without the password", async () => {
    const database = opened(driver, {}, "postgres://someone:hunter2@127.0.0.1:1/nowhere");

    const failure = database.query(statement("select 1"));

    await expect(failure).rejects.toMatchObject({ code: "PAWL_DATABASE_UNAVAILABLE" });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringMatching("hunter2") });
  });
}

function oneSessionClauses(driver: Driver): void {
  it("gives up waiting for the application's own transaction at its deadline", async () => {
    const database = opened(driver);
    const user = await driver.beginAsUser(driver.server.databaseUrl());

    const blocked = database.query(statement("select 1"), [], { timeoutMs: 150 });

    await expect(blocked).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
    await user.end();
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });
}
