import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { pgDatabase } from "#pawl/adapters/pg";
import type { Database } from "#pawl/db/database";
import { checkSchema, migrate, uninstall } from "#pawl/db/migrate";
import { migrations } from "#pawl/db/sql.generated";
import { bindSchema, statements } from "#pawl/db/statements";
import { databaseUrl, execute, freshSchemaName, withClient } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { fingerprint, relationsOf } from "./schema-facts.ts";

const newest = migrations.length;
const script = fileURLToPath(new URL("migrate-process.mjs", import.meta.url));
let database: Database;
let schema: string;

beforeEach(() => {
  database = pgDatabase(databaseUrl(), { maxConnections: 2 });
  onTestFinished(() => database.close());
  schema = freshSchemaName();
});

describe("migrate", () => {
  it("makes the schema and brings it to the newest version", async () => {
    const outcome = await migrate(database, schema);

    expect(outcome).toEqual({ from: 0, to: newest });
    expect(await relationsOf(schema)).toEqual(expect.arrayContaining(["jobs", "migrations"]));
  });

  it("does nothing the second time", async () => {
    await migrate(database, schema);
    const before = await fingerprint(schema);

    const outcome = await migrate(database, schema);

    expect(outcome).toEqual({ from: newest, to: newest });
    expect(await fingerprint(schema)).toEqual(before);
  });

  it("remembers each migration with its checksum", async () => {
    await migrate(database, schema);

    const rows = await execute(
      `select version, name, breaking, checksum ~ '^[0-9a-f]{64}$' as hashed from ${schema}.migrations order by 1`,
    );

    expect(rows).toEqual(
      migrations.map(({ version, name, breaking }) => ({ version, name, breaking, hashed: true })),
    );
  });

  it("goes on from where an older version stopped", async () => {
    await makeOlder();

    const outcome = await migrate(database, schema);

    expect(outcome).toEqual({ from: newest - 1, to: newest });
    await expect(checkSchema(database, schema)).resolves.toBeUndefined();
    await uninstall(database, schema);
    expect(await execute("select from pg_namespace where nspname = $1", [schema])).toEqual([]);
  });

  it("is safe from ten processes at once", { timeout: 90_000 }, async () => {
    const run = promisify(execFile);
    const processes = await withClient(async (holder) => {
      const { rows } = await holder.query<{ pid: number }>("select pg_backend_pid() as pid");
      await holder.query("begin");
      await holder.query(statements(schema)("schema/lock").text);
      const started = Array.from({ length: 10 }, () =>
        run(process.execPath, [script, databaseUrl(), schema]),
      );
      await eventually(async () => (await waitingFor(rows[0]?.pid ?? 0)) === 10, {
        within: 60_000,
      });
      return started;
    });

    const outcomes = (await Promise.all(processes)).map(({ stdout }) => stdout.trim());

    const did = JSON.stringify({ from: 0, to: newest });
    const nothing = JSON.stringify({ from: newest, to: newest });
    expect(outcomes.sort()).toEqual([did, ...Array<string>(9).fill(nothing)]);
    await expect(checkSchema(database, schema)).resolves.toBeUndefined();
  });

  it("keeps two schemas side by side", async () => {
    const other = freshSchemaName();
    await Promise.all([migrate(database, schema), migrate(database, other)]);

    await uninstall(database, other);

    await expect(checkSchema(database, schema)).resolves.toBeUndefined();
    await expect(checkSchema(database, other)).rejects.toMatchObject({
      code: "PAWL_SCHEMA_MISSING",
    });
  });

  it("uses a schema that is there, without the right to make one", async () => {
    const role = `${schema}_role`;
    await execute(`create role ${role}`);
    await execute(`create schema ${schema} authorization ${role}`);
    const url = new URL(databaseUrl());
    url.searchParams.set("options", `-c role=${role}`);
    const limited = pgDatabase(url.href);
    onTestFinished(async () => {
      await limited.close();
      await execute(`drop schema ${schema} cascade`);
      await execute(`drop role ${role}`);
    });

    await migrate(limited, schema);

    await expect(checkSchema(limited, schema)).resolves.toBeUndefined();
  });

  it("leaves nothing behind when a migration fails", async () => {
    await execute(`create schema ${schema}`);
    await execute(`create table ${schema}.jobs ()`);

    const outcome = migrate(database, schema);

    await expect(outcome).rejects.toMatchObject({ cause: { code: "42P07" } });
    expect(await relationsOf(schema)).toEqual(["jobs"]);
  });

  it("refuses a schema that a newer breaking version has migrated", async () => {
    await migrate(database, schema);
    await applyFuture({ version: newest + 2, breaking: true });
    const before = await fingerprint(schema);

    const outcome = migrate(database, schema);

    await expect(outcome).rejects.toMatchObject({
      name: "SchemaError",
      code: "PAWL_SCHEMA_NEWER",
      message: expect.stringMatching(`version ${newest}, got ${newest + 2}.*upgrade`),
    });
    expect(await fingerprint(schema)).toEqual(before);
  });

  it("works with a schema that a newer version has migrated without breaking", async () => {
    await migrate(database, schema);
    await applyFuture({ version: newest + 1, breaking: false });

    const outcome = await migrate(database, schema);

    expect(outcome).toEqual({ from: newest + 1, to: newest + 1 });
    await expect(checkSchema(database, schema)).resolves.toBeUndefined();
  });

  it("refuses a schema with a migrations table of another tool", async () => {
    await execute(`create schema ${schema}`);
    await execute(`create table ${schema}.migrations (id int, name text)`);

    const outcome = migrate(database, schema);

    await expect(outcome).rejects.toMatchObject({
      code: "PAWL_SCHEMA_MISSING",
      message: expect.stringMatching(/table of another tool.*`schema` option/),
    });
  });
});

describe("checkSchema", () => {
  it("says how to make a schema that is missing", async () => {
    const check = checkSchema(database, schema);

    await expect(check).rejects.toMatchObject({
      code: "PAWL_SCHEMA_MISSING",
      message: expect.stringContaining("npx pawl migrate"),
    });
  });

  it("says how to bring an older schema up to date", async () => {
    await migrate(database, schema);
    await execute(`delete from ${schema}.migrations where version = $1`, [newest]);

    const check = checkSchema(database, schema);

    await expect(check).rejects.toMatchObject({
      code: "PAWL_SCHEMA_OLDER",
      message: expect.stringMatching(`version ${newest}, got ${newest - 1}.*npx pawl migrate`),
    });
  });

  it("refuses a newer breaking schema", async () => {
    await migrate(database, schema);
    await applyFuture({ version: newest + 1, breaking: true });

    await expect(checkSchema(database, schema)).rejects.toMatchObject({
      code: "PAWL_SCHEMA_NEWER",
    });
  });

  it("takes the migrations table of another tool for a missing schema", async () => {
    await execute(`create schema ${schema}`);
    await execute(`create table ${schema}.migrations (id int, name text)`);

    await expect(checkSchema(database, schema)).rejects.toMatchObject({
      code: "PAWL_SCHEMA_MISSING",
    });
  });

  it("passes a failure of the database on", async () => {
    const nowhere = pgDatabase("postgres://someone@127.0.0.1:1/nowhere");
    onTestFinished(() => nowhere.close());

    await expect(checkSchema(nowhere, schema)).rejects.toMatchObject({
      code: "PAWL_DATABASE_UNAVAILABLE",
    });
  });
});

/** How many sessions wait for a lock that a backend holds. */
async function waitingFor(pid: number): Promise<number> {
  const text = "select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))";
  return (await execute(text, [pid])).length;
}

/** Makes what a Pawl that lacked the newest migration would have made. */
async function makeOlder(): Promise<void> {
  const sql = statements(schema);
  for (const name of ["schema/create", "schema/mark", "schema/create-migrations"] as const)
    await execute(sql(name).text);
  for (const { version, name, breaking, text } of migrations.slice(0, -1)) {
    await execute(bindSchema(text, schema));
    await execute(sql("schema/record").text, [version, name, breaking, "", "{}"]);
  }
  const objects = await execute<{ object: string }>(sql("schema/objects").text);
  const made = objects.map(({ object }) => object).filter((each) => !each.endsWith(".migrations"));
  await execute(`update ${schema}.migrations set objects = $1 where version = 1`, [made]);
}

async function applyFuture(future: { version: number; breaking: boolean }): Promise<void> {
  await execute(
    `insert into ${schema}.migrations (version, name, breaking, checksum, objects)
     values ($1, 'future', $2, '', '{}')`,
    [future.version, future.breaking],
  );
}
