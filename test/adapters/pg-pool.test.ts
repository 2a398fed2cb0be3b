import { execFileSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { fileURLToPath, pathToFileURL } from "node:url";
import pg from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openDatabase, pgDatabase } from "#pawl/adapters/pg";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { backendOf, firstRow, statement } from "./conformance/driver.ts";

describe("a pool of the user's", () => {
  it("is neither ended nor left with listeners when the database is closed", async () => {
    const pool = userPool();
    const database = pgDatabase(pool);
    await firstRow(database, "select 1");

    await database.close();

    expect(pool.listenerCount("error")).toBe(0);
    expect(pool.ended).toBe(false);
    await expect(pool.query("select 1 as value")).resolves.toMatchObject({ rows: [{ value: 1 }] });
  });

  it("gets its clients back as they were", async () => {
    const pool = userPool({ max: 1 });
    const before = await clientState(pool);
    const database = pgDatabase(pool);

    await firstRow(database, "select 1");
    await database.transaction((tx) => firstRow(tx, "select 1"));

    expect(await clientState(pool)).toEqual(before);
  });

  it("does not end the process when an idle backend is killed", async () => {
    const pool = userPool({ max: 1 });
    const database = pgDatabase(pool);
    const pid = await backendOf(database);
    const failed = vi.fn();
    pool.on("remove", failed);

    await execute("select pg_terminate_backend($1, 5000)", [pid]);

    await eventually(() => failed.mock.calls.length > 0);
    await expect(backendOf(database)).resolves.not.toBe(pid);
    await database.close();
  });

  it("keeps its own type parsers, and Pawl its own", async () => {
    const types = { getTypeParser: () => () => "parsed" };
    const pool = userPool({ types });
    const database = pgDatabase(pool);

    const row = await firstRow(database, "select 7 as value, true as yes, 8::int8 as big");

    expect(row).toEqual({ value: 7, yes: true, big: "8" });
    expect((await pool.query("select 7 as value")).rows).toEqual([{ value: "parsed" }]);
    await database.close();
  });

  it("is not trusted with a client released inside a transaction", async () => {
    const pool = userPool({ max: 1 });
    const careless = await pool.connect();
    await careless.query("begin");
    const { rows } = await careless.query<{ pid: number }>("select pg_backend_pid() as pid");
    careless.release();
    const database = pgDatabase(pool);

    const pid = await backendOf(database);

    expect(pid).not.toBe(rows[0]?.pid);
    await database.close();
  });

  it("does not keep a client that came after the deadline", async () => {
    const pool = userPool({ max: 1 });
    const database = pgDatabase(pool, { queryTimeout: 50 });
    const client = await pool.connect();
    await database.query(statement("select 1")).catch(() => undefined);

    client.release();

    await eventually(() => pool.idleCount === 1);
    await database.close();
  });

  it("says that it was ended", async () => {
    const pool = new pg.Pool({ connectionString: databaseUrl() });
    await pool.end();
    const database = pgDatabase(pool);

    await expect(firstRow(database, "select 1")).rejects.toMatchObject({
      code: "PAWL_DATABASE_FAILED",
      message: expect.stringContaining("after calling end on the pool"),
    });
  });

  it("passes its password and key on to connections of Pawl's own", () => {
    const ssl = { key: "the key", rejectUnauthorized: false };
    const pool = new pg.Pool({ host: "db", password: "secret", ssl, max: 3 });

    const connection = pgDatabase(pool, { queryTimeout: "2s" }).threadConnection();

    expect(structuredClone(connection?.config)).toMatchObject({
      options: { host: "db", password: "secret", ssl: { key: "the key" } },
      queryTimeout: 2_000,
    });
  });

  it.each([
    ["a password function", { password: () => "secret" }],
    ["a stream", { stream: () => new Socket() }],
    ["a hook", { onConnect: () => undefined }],
    ["a function in ssl", { ssl: { checkServerIdentity: () => undefined } }],
    ["a secure context in ssl", { ssl: { secureContext: createSecureContext() } }],
  ])("cannot be opened in a thread when it has %s", (_, options) => {
    const pool = new pg.Pool(options);

    expect(pgDatabase(pool).threadConnection()).toBeUndefined();
  });

  it.each([
    ["type parsers", { types: pg.types }],
    ["a log function", { log: () => undefined }],
    ["a certificate in a buffer", { ssl: { ca: Buffer.from("ca") } }],
  ])("can be opened in a thread when it has %s", (_, options) => {
    const pool = new pg.Pool(options);

    expect(() => structuredClone(pgDatabase(pool).threadConnection())).not.toThrow();
  });

  it("is told from a client", () => {
    const client = new pg.Client(databaseUrl());

    // @ts-expect-error A client is no pool.
    expect(() => pgDatabase(client)).toThrow(/expected `database` to be a connection string/);
  });
});

describe("a connection string", () => {
  it("is opened again in a thread with one connection", async () => {
    const database = pgDatabase(databaseUrl());
    const again = openDatabase(structuredClone(database.threadConnection()?.config));

    expect(again.maxConnections).toBe(1);
    await expect(firstRow(again, "select 1 as value")).resolves.toEqual({ value: 1 });
    await Promise.all([again.close(), database.close()]);
  });

  it.each([
    "",
    "postgres://me:hunter2@host:notaport/app",
    "postgres://me:hunter2/7@host/app",
    "postgres://me:hunter2",
  ])("is refused when it is none, without its password: %s", (url) => {
    const error = thrownBy(() => pgDatabase(url));

    expect(error).toMatchObject({ code: "PAWL_OPTION_INVALID", option: "database" });
    expect(JSON.stringify([error, String(error)])).not.toContain("hunter2");
  });

  it("names itself to the server", async () => {
    const database = pgDatabase(databaseUrl());

    const row = await firstRow(database, "select current_setting('application_name') as name");

    expect(row).toEqual({ name: "pawl" });
    await database.close();
  });

  it("says what is missing when `pg` is not installed", () => {
    const home = temporaryDirectory();
    const dist = fileURLToPath(new URL("../../dist", import.meta.url));
    for (const part of ["adapters", "core", "db"]) {
      cpSync(join(dist, part), join(home, part), { recursive: true });
    }
    writeFileSync(join(home, "package.json"), '{ "type": "module" }');
    const text = `
      import { pgDatabase } from ${JSON.stringify(pathToFileURL(join(home, "adapters/pg.js")).href)};
      try { pgDatabase("postgres://localhost/app"); } catch (error) { console.log(error.code, error.message); }
    `;

    const said = execFileSync(process.execPath, ["--input-type=module", "-e", text], {
      encoding: "utf8",
    });

    expect(said).toMatch(/^PAWL_DRIVER_MISSING .*npm install pg/);
  });
});

describe("options", () => {
  it.each([
    [{ queryTimeout: "5 parsecs" }, "PAWL_OPTION_INVALID", "queryTimeout"],
    [{ queryTimeout: 0 }, "PAWL_OPTION_INVALID", "queryTimeout"],
    [{ preparedStatements: "no" }, "PAWL_OPTION_INVALID", "preparedStatements"],
    [{ maxConnections: 0 }, "PAWL_OPTION_INVALID", "maxConnections"],
    [{ maxConections: 5 }, "PAWL_OPTION_UNKNOWN", "maxConections"],
  ])("refuses %o", (options, code, option) => {
    const error = thrownBy(() => pgDatabase(databaseUrl(), options as object));

    expect(error).toMatchObject({ code, option });
  });

  it("refuses a size for a pool that has one", () => {
    const error = thrownBy(() => pgDatabase(userPool(), { maxConnections: 5 }));

    expect(error).toMatchObject({ code: "PAWL_OPTION_INVALID", option: "maxConnections" });
  });
});

function userPool(config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl(), ...config });
  onTestFinished(() => pool.end());
  return pool;
}

/** How many listeners each client of a pool has, and its settings. */
async function clientState(pool: pg.Pool): Promise<unknown> {
  const client = await pool.connect();
  const { rows } = await client.query("select name, setting from pg_settings order by name");
  const listeners = client.eventNames().map((name) => [name, client.listenerCount(name)]);
  client.release();
  return { rows, listeners };
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
