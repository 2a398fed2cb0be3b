import { beforeEach, expect, it, onTestFinished } from "vitest";
import { pgDatabase } from "#pawl/adapters/pg";
import type { Database } from "#pawl/db/database";
import { migrate, uninstall } from "#pawl/db/migrate";
import { migrations } from "#pawl/db/sql.generated";
import { databaseUrl, execute, freshSchemaName, withClient } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { fingerprint, functionsOf, relationsOf } from "./schema-facts.ts";

let database: Database;
let schema: string;

beforeEach(() => {
  database = pgDatabase(databaseUrl(), { maxConnections: 2 });
  onTestFinished(() => database.close());
  schema = freshSchemaName();
});

it("drops the schema that migrate made, with all that is in it", async () => {
  await migrate(database, schema);

  await uninstall(database, schema);

  expect(await execute("select from pg_namespace where nspname = $1", [schema])).toEqual([]);
});

it("drops what Pawl made while it ran", async () => {
  await migrate(database, schema);
  await execute(`select ${schema}.make_history_partition(current_date + 400)`);

  await uninstall(database, schema);

  expect(await execute("select from pg_namespace where nspname = $1", [schema])).toEqual([]);
});

it("drops a history partition whose dropping was interrupted", async () => {
  await migrate(database, schema);
  await execute(`select ${schema}.make_history_partition('2020-01-01')`);
  await execute(`alter table ${schema}.history detach partition ${schema}.history_20200101`);

  await uninstall(database, schema);

  expect(await execute("select from pg_namespace where nspname = $1", [schema])).toEqual([]);
});

it("leaves what is not Pawl's alone, and the schema with it", async () => {
  await migrate(database, schema);
  await execute(`create table ${schema}.theirs as select 1 as a`);
  await execute(`create function ${schema}.theirs() returns int language sql as 'select 1'`);

  await uninstall(database, schema);

  expect(await relationsOf(schema)).toEqual(["theirs"]);
  expect(await execute(`select ${schema}.theirs() as a`)).toEqual([{ a: 1 }]);
  expect(await functionsOf(schema)).toEqual(["theirs"]);
});

it("leaves a schema it did not make", async () => {
  await execute(`create schema ${schema}`);
  await migrate(database, schema);

  await uninstall(database, schema);

  expect(await execute("select from pg_namespace where nspname = $1", [schema])).toHaveLength(1);
  expect([...(await relationsOf(schema)), ...(await functionsOf(schema))]).toEqual([]);
});

it("does nothing where there is nothing", async () => {
  await expect(uninstall(database, schema)).resolves.toBeUndefined();
  await migrate(database, schema);
  await uninstall(database, schema);
  await expect(uninstall(database, schema)).resolves.toBeUndefined();
});

it("changes nothing when somebody's view stands on a table", async () => {
  const other = freshSchemaName();
  await execute(`create schema ${other}`);
  await migrate(database, schema);
  await execute(`create view ${other}.waiting as select * from ${schema}.jobs`);
  const before = await fingerprint(schema);

  const outcome = uninstall(database, schema);

  await expect(outcome).rejects.toMatchObject({ cause: { code: "2BP01" } });
  expect(await fingerprint(schema)).toEqual(before);
});

it("can be followed by another migrate", async () => {
  await migrate(database, schema);
  await uninstall(database, schema);

  const outcome = await migrate(database, schema);

  expect(outcome).toEqual({ from: 0, to: migrations.length });
});

it("begins again when it and a user of the tables have waited for each other", async () => {
  await migrate(database, schema);
  const url = new URL(databaseUrl());
  url.searchParams.set("options", "-c deadlock_timeout=3s"); // of the two, the one that looks is the one that gives up
  const impatient = pgDatabase(url.href, { maxConnections: 1 });
  onTestFinished(() => impatient.close());

  await withClient(async (user) => {
    await user.query("begin; set local deadlock_timeout = '1min'");
    await user.query(`select from ${schema}.jobs`);
    const uninstalled = uninstall(impatient, schema);
    await eventually(() => waitersFor(`${schema}.jobs`));
    await user.query(`select from ${schema}.history`);
    await user.query("commit");
    await uninstalled;
  });

  expect(await execute("select from pg_namespace where nspname = $1", [schema])).toEqual([]);
});

async function waitersFor(table: string): Promise<boolean> {
  const waiters = await execute(
    "select from pg_locks where relation = $1::regclass and not granted",
    [table],
  );
  return waiters.length > 0;
}
