import { describe, expect, it } from "vitest";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { moduleOf, runPawl } from "./pawl-command.ts";

async function tablesIn(schema: string): Promise<string[]> {
  const rows = await execute<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = $1",
    [schema],
  );
  return rows.map(({ name }) => name);
}

describe("pawl migrate", () => {
  it("makes the tables, and says so on stdout", async () => {
    const schema = freshSchemaName();

    const { status, stdout, stderr } = await runPawl([
      "migrate",
      ...["--database", databaseUrl(), "--schema", schema],
    ]);

    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^schema "${schema}" of .* from version 0 to \\d+\n$`));
    expect(await tablesIn(schema)).toEqual(expect.arrayContaining(["jobs", "history", "workers"]));
  });

  it("does nothing the second time", async () => {
    const given = ["migrate", "--database", databaseUrl(), "--schema", freshSchemaName()];
    await runPawl(given);

    const { status, stdout } = await runPawl(given);

    expect(status).toBe(0);
    expect(stdout).toMatch(/is up to date at version \d+\n$/);
  });

  it("only shows what it would run, with --dry-run and --sql", async () => {
    const schema = freshSchemaName();
    const given = ["migrate", "--database", databaseUrl(), "--schema", schema];

    const listed = await runPawl([...given, "--dry-run"]);
    const shown = await runPawl([...given, "--sql"]);
    const before = await tablesIn(schema);
    await runPawl(given);
    const none = await runPawl([...given, "--dry-run"]);

    expect(listed).toMatchObject({ status: 0 });
    expect(listed.stdout).toMatch(/^1 \S+\n2 \S+\n/);
    expect(listed.stderr).toContain("nothing was changed");
    expect(shown.stdout).toContain(`create table "${schema}".jobs (`);
    expect(before).toEqual([]);
    expect(none.stdout).toBe("");
    expect(none.stderr).toContain("0 migrations would be run");
  });

  it("makes the indexes of searchable paths of the tasks that it is given, and shows them before", async () => {
    const file = moduleOf(
      "tasks.mjs",
      'import { defineTask } from "pawl"; export const t = defineTask({ name: "t", searchable: ["a.b"] });',
    );
    const schema = freshSchemaName();
    const given = ["migrate", "--database", databaseUrl(), "--schema", schema];
    await runPawl(given);

    const shown = await runPawl([...given, "--tasks", file, "--sql"]);
    const made = await runPawl([...given, "--tasks", file]);
    const none = await runPawl([...given, "--tasks", file, "--sql"]);

    expect(shown.stdout).toContain("create index concurrently jobs_searchable_");
    expect(made).toMatchObject({ status: 0, stderr: "" });
    expect(none.stdout).toBe("");
  });

  it("shows server and database, also when the password is the same word", async () => {
    const url = new URL(databaseUrl());
    url.password ||= url.pathname.slice(1); // a server of one's own may need another

    const { stdout } = await runPawl([
      "migrate",
      ...["--database", url.href, "--schema", freshSchemaName()],
    ]);

    expect(stdout).toContain(` of ${url.host}${url.pathname} `);
  });

  it("takes the database from the environment", async () => {
    const schema = freshSchemaName();

    const { status } = await runPawl(["migrate", "--schema", schema], {
      environment: { DATABASE_URL: databaseUrl() },
    });

    expect(status).toBe(0);
    expect(await tablesIn(schema)).toContain("jobs");
  });

  it("prefers --database to the environment", async () => {
    const { status } = await runPawl(
      ["migrate", "--database", databaseUrl(), "--schema", freshSchemaName()],
      { environment: { DATABASE_URL: "postgres://127.0.0.1:1/nowhere" } },
    );

    expect(status).toBe(0);
  });

  it("refuses a schema that a newer Pawl has made, with status 1", async () => {
    const schema = freshSchemaName();
    const given = ["migrate", "--database", databaseUrl(), "--schema", schema];
    await runPawl(given);
    await execute(
      `insert into ${schema}.migrations (version, name, breaking, checksum, objects)
       values (999, 'of-the-future', true, '', '{}')`,
    );

    const { status, stderr } = await runPawl(given);

    expect(status).toBe(1);
    expect(stderr).toMatch(/^pawl migrate: PAWL_SCHEMA_NEWER: .*upgrade/);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("a database that cannot be used", () => {
  const unreachable = new URL("/app", "postgres://ada:top-secret@127.0.0.1:1");
  const missing = (): URL => new URL("/no_such_database", databaseUrl());

  it.each(["migrate", "uninstall"])("ends %s with status 3: no server", async (command) => {
    const { status, stdout, stderr } = await runPawl([command, "--database", unreachable.href]);

    expect(status).toBe(3);
    expect(stdout).toBe("");
    expect(stderr).toContain("PAWL_DATABASE_UNAVAILABLE");
    expect(stderr).toContain("Check that PostgreSQL runs and can be reached at 127.0.0.1:1/app");
  });

  it.each(["migrate", "uninstall"])("ends %s with status 3: no such database", async (command) => {
    const { status, stderr } = await runPawl([command, "--database", missing().href]);

    expect(status).toBe(3);
    expect(stderr).toContain("3D000");
    expect(stderr).toContain("Create the database first");
  });

  it("ends a command with status 3: no such user", async () => {
    const url = new URL(databaseUrl());
    url.username = "nobody_knows_me";

    const { status, stderr } = await runPawl(["migrate", "--database", url.href]);

    expect(status).toBe(3);
    expect(stderr).toContain("Check the user and the password");
  });
});
