import { beforeEach, describe, expect, it } from "vitest";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { migratedSchema } from "../support/producer.ts";
import { runPawl, type Ended } from "./pawl-command.ts";

async function exists(schema: string): Promise<boolean> {
  const rows = await execute("select from pg_namespace where nspname = $1", [schema]);
  return rows.length > 0;
}

function uninstall(schema: string, ...more: string[]): Promise<Ended> {
  return runPawl(["uninstall", "--database", databaseUrl(), "--schema", schema, ...more]);
}

describe("pawl uninstall", () => {
  let schema: string;
  beforeEach(async () => {
    schema = await migratedSchema();
  });

  it("needs --yes: without it, it prints what it would remove", async () => {
    const { status, stdout, stderr } = await uninstall(schema);

    expect(status).toBe(2);
    expect(stdout.split("\n")).toContain(`table ${schema}.jobs`);
    expect(stderr).toContain("run it again with --yes");
    expect(await exists(schema)).toBe(true);
  });

  it("removes everything that migrate has made", async () => {
    const { status, stdout, stderr } = await uninstall(schema, "--yes");

    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^removed \d+ objects from schema /);
    expect(await exists(schema)).toBe(false);
  });

  it("leaves what somebody else has made in the schema", async () => {
    await execute(`create table ${schema}.mine (id integer)`);

    const { status } = await uninstall(schema, "--yes");

    expect(status).toBe(0);
    expect(await execute(`select * from ${schema}.mine`)).toEqual([]);
  });
});

describe("pawl uninstall where nothing is", () => {
  it("says so without --yes", async () => {
    const { status, stdout, stderr } = await uninstall(freshSchemaName());

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("nothing of Pawl is in schema");
  });

  it("has nothing to do with --yes", async () => {
    const { status, stdout } = await uninstall(freshSchemaName(), "--yes");

    expect(status).toBe(0);
    expect(stdout).toContain("nothing of Pawl was in schema");
  });
});
