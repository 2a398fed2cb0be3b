// Writes src/db/sql.generated.ts from sql/, so that the published package reads no file at run time.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "src", "db", "sql.generated.ts");

writeWhenChanged(target, moduleText(readQueries(), readMigrations()));

function readQueries() {
  const folder = join(root, "sql", "queries");
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".sql"));
  return files
    .map((file) => ({
      name: relative(".", file).split(sep).join("/").slice(0, -".sql".length),
      text: withoutHeader(readFileSync(join(folder, file), "utf8")),
    }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

function readMigrations() {
  const folder = join(root, "sql", "migrations");
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  return files.sort().map((file, index) => {
    const [, version, name] = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
    if (Number(version) !== index + 1) {
      throw new Error(`expected migration ${index + 1} to be called NNNN-name.sql, got ${file}`);
    }
    const text = readFileSync(join(folder, file), "utf8").trim();
    return { version: index + 1, name, breaking: /^-- breaking: yes$/m.test(text), text };
  });
}

function withoutHeader(text) {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.trim() !== "" && !line.startsWith("--"));
  return lines
    .slice(start === -1 ? lines.length : start)
    .join("\n")
    .trim();
}

function moduleText(queries, migrations) {
  const names = queries.map(({ name }) => JSON.stringify(name)).join(" | ") || "never";
  const texts = queries.map(
    ({ name, text }) => `  ${JSON.stringify(name)}: ${JSON.stringify(text)},`,
  );
  return [
    "// Written by scripts/build-sql.mjs from sql/: change the SQL, not this file.",
    `export type QueryName = ${names};`,
    "export const queries: Readonly<Record<QueryName, string>> = {",
    ...texts,
    "};",
    "export const migrations: readonly {",
    "  version: number;",
    "  name: string;",
    "  breaking: boolean;",
    "  text: string;",
    `}[] = ${JSON.stringify(migrations, null, 2)};`,
    "",
  ].join("\n");
}

/** An unchanged file keeps its time, so that an incremental build has nothing to do. */
function writeWhenChanged(path, text) {
  let before;
  try {
    before = readFileSync(path, "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  if (before !== text) writeFileSync(path, text);
}
