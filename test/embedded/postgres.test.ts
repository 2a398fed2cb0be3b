import { existsSync } from "node:fs";
import { join } from "node:path";
import { startEmbeddedPostgres } from "pawl/embedded";
import type { EmbeddedPostgres } from "pawl/embedded";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute } from "../support/database.ts";
import { isAlive, userOf } from "../support/processes.ts";

describe("a started server", () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    server = await startEmbeddedPostgres({
      database: 'an "odd" name',
      settings: { max_connections: 20, log_statement: "all", jit: false, work_mem: "8MB" },
    });
  });
  afterAll(() => server.stop());

  it("answers under its url, in the database that was asked for", async () => {
    const rows = await execute("select current_database() as database", [], server.url);

    expect(rows).toEqual([{ database: 'an "odd" name' }]);
  });

  it("says what it is", async () => {
    const rows = await execute("show server_version", [], server.url);

    expect(rows).toEqual([{ server_version: server.version }]);
    expect(server.url).toContain(`127.0.0.1:${server.port}`);
    expect(isAlive(server.pid)).toBe(true);
    expect(existsSync(join(server.dataDirectory, "PG_VERSION"))).toBe(true);
    expect(existsSync(join(server.binDirectory, "postgres"))).toBe(true);
  });

  it.each([
    ["fsync", "on"],
    ["synchronous_commit", "on"],
    ["full_page_writes", "on"],
    ["server_encoding", "UTF8"],
    ["listen_addresses", "127.0.0.1"],
    ["unix_socket_directories", ""],
    ["shared_buffers", "128MB"],
  ])("has %s = %j for development", async (name, value) => {
    const rows = await execute(`show ${name}`, [], server.url);

    expect(rows).toEqual([{ [name]: value }]);
  });

  it.each([
    ["max_connections", "20"],
    ["log_statement", "all"],
    ["jit", "off"],
    ["work_mem", "8MB"],
  ])("has %s = %j, as its settings say", async (name, value) => {
    const rows = await execute(`show ${name}`, [], server.url);

    expect(rows).toEqual([{ [name]: value }]);
  });

  it("shares nothing with a second one", async () => {
    const second = await startEmbeddedPostgres();

    const rows = await execute("select count(*)::int as count from pg_database", [], second.url);
    await second.stop();

    expect(second.port).not.toBe(server.port);
    expect(second.dataDirectory).not.toBe(server.dataDirectory);
    expect(rows).toEqual([{ count: 3 }]);
  });

  it.runIf(process.getuid?.() === 0)("does not run as root", () => {
    expect(["postgres", "nobody"]).toContain(userOf(server.pid));
  });
});

describe("a server without options", () => {
  it("serves the database postgres with 200 connections", async () => {
    const server = await startEmbeddedPostgres();

    const rows = await execute("show max_connections", [], server.url);
    await server.stop();

    expect(new URL(server.url).pathname).toBe("/postgres");
    expect(rows).toEqual([{ max_connections: "200" }]);
  });
});
