import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, it } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const script = fileURLToPath(new URL("../../scripts/build-sql.mjs", import.meta.url));
let root: string;

beforeEach(() => {
  root = temporaryDirectory();
  for (const folder of ["sql/queries/jobs", "sql/migrations", "src/db"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  write("sql/queries/jobs/find.sql", "-- Finds a job.\n\n-- Index: none.\nselect 1 -- one\n");
  write("sql/migrations/0001-tables.sql", "-- The tables.\n-- breaking: no\ncreate table a ();\n");
});

it("names a query by its path and strips its header", () => {
  expect(build()).toContain('"jobs/find": "select 1 -- one"');
});

it("knows which migrations are breaking", () => {
  write("sql/migrations/0002-more.sql", "-- More.\n-- breaking: yes\ncreate table b ();\n");

  const [, list = ""] = /\}\[\] = (.*);/s.exec(build()) ?? [];
  const migrations = JSON.parse(list) as { version: number; name: string; breaking: boolean }[];

  expect(migrations.map(({ version, name, breaking }) => [version, name, breaking])).toEqual([
    [1, "tables", false],
    [2, "more", true],
  ]);
});

it("leaves an unchanged file untouched", () => {
  build();
  const target = join(root, "src/db/sql.generated.ts");
  utimesSync(target, 1, 1);

  build();

  expect(statSync(target).mtimeMs).toBe(1_000);
});

it.each(["0003-gap.sql", "02-short.sql", "0002-Upper.sql"])("refuses a migration %s", (name) => {
  write(`sql/migrations/${name}`, "select 1\n");

  expect(() => build()).toThrow(/expected migration 2 to be called NNNN-name.sql/);
});

function build(): string {
  execFileSync(process.execPath, [script, root], { stdio: "pipe" });
  return readFileSync(join(root, "src/db/sql.generated.ts"), "utf8");
}

function write(path: string, text: string): void {
  writeFileSync(join(root, path), text);
}
