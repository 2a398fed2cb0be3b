import { dirname, join } from "node:path/posix";
import { describe, expect, it } from "vitest";
import {
  codeLines,
  countStatements,
  importsOf,
  looksLikeSql,
  sourceFiles,
  textsIn,
} from "./support/source-files.ts";

// Who may import whom, besides itself: always further down, and services never one another.
const layers: Record<string, readonly string[]> = {
  core: [],
  db: ["core"],
  adapters: ["db", "core"],
  store: ["db", "core"],
  lifecycle: ["store", "db", "core"],
  client: ["lifecycle", "store", "db", "core"],
  worker: ["lifecycle", "store", "db", "core"],
  maintenance: ["lifecycle", "store", "db", "core"],
  history: ["lifecycle", "store", "db", "core"],
  "pawl-options.ts": ["adapters", "db", "core"],
  "pawl-events.ts": ["worker", "client", "core"],
  "pawl-internals.ts": ["store", "db", "core"],
  "pawl.ts": [
    ...["pawl-options.ts", "pawl-events.ts", "pawl-internals.ts"],
    ...["history", "maintenance", "worker", "client"],
    ...["lifecycle", "store", "adapters", "db", "core"],
  ],
  "index.ts": [
    ...["pawl.ts", "pawl-options.ts", "pawl-events.ts"],
    ...["history", "maintenance", "worker", "client"],
    ...["store", "adapters", "db", "core"],
  ],
  otel: ["core"],
  metrics: ["worker", "client", "store", "core"],
  dashboard: ["pawl.ts", "history", "maintenance", "client", "store", "db", "core"],
  cli: [
    ...["index.ts", "pawl.ts", "embedded", "metrics", "dashboard"],
    ...["worker", "adapters", "db", "core"],
  ],
  embedded: ["core"],
};

// The packages that a layer may import, besides what Node has built in.
const packages: Record<string, readonly string[]> = {
  adapters: ["pg", "postgres", "@electric-sql/pglite"],
  otel: ["@opentelemetry/api"],
  cli: ["commander", "jiti"],
};

// PostgreSQL takes no parameters in these, and the place has no driver.
const filesWithSql = ["src/embedded/database.ts"];

const maxLines = 300;
const emptyNames = ["util", "utils", "helper", "helpers", "common", "lib", "manager", "misc"];

// What one of the four systems of docs/seeds.md is called.
const borrowedName = "test/seeds/job-manager";

const sources = sourceFiles(["src"], /\.ts$/);
const programs = sourceFiles(["src", "test", "scripts", "demo"], /\.(ts|mjs|js)$/);
const queries = sourceFiles(["sql/queries"], /\.sql$/);

function layerOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function wrongImports(path: string, imported: readonly string[]): string[] {
  const layer = layerOf(path);
  return imported
    .filter((specifier) => !isAllowed(path, layer, specifier))
    .map((specifier) => `${path} imports ${specifier}`);
}

function isAllowed(path: string, layer: string, specifier: string): boolean {
  if (specifier.startsWith("node:")) return true;
  if (!specifier.startsWith(".")) return packages[layer]?.includes(specifier) ?? false;
  const target = layerOf(join(dirname(path), specifier));
  return target === layer || (layers[layer]?.includes(target) ?? false);
}

describe("layers", () => {
  it("has a place for every folder and file of src", () => {
    const unknown = sources.map(({ path }) => layerOf(path)).filter((layer) => !(layer in layers));

    expect([...new Set(unknown)]).toEqual([]);
  });

  it("imports point down only", () => {
    const wrong = sources.flatMap((file) => wrongImports(file.path, importsOf(file)));

    expect(wrong).toEqual([]);
  });

  it.each([
    ["src/core/job.ts", "../db/database.ts"],
    ["src/db/migrate.ts", "../store/jobs.ts"],
    ["src/worker/worker.ts", "../client/client.ts"],
    ["src/worker/worker.ts", "../pawl.ts"],
    ["src/worker/deep/inside.ts", "../../client/client.ts"],
    ["src/embedded/postgres.ts", "../db/database.ts"],
    ["src/core/job.ts", "pg"],
    ["src/store/jobs.ts", "lodash"],
  ])("would notice that %s imports %s", (path, specifier) => {
    expect(wrongImports(path, [specifier])).toHaveLength(1);
  });

  it.each([
    ["src/core/job.ts", "./errors.ts"],
    ["src/core/uuid.ts", "node:crypto"],
    ["src/worker/worker.ts", "../store/jobs.ts"],
    ["src/pawl.ts", "./worker/worker.ts"],
    ["src/cli/main.ts", "commander"],
  ])("has nothing against %s importing %s", (path, specifier) => {
    expect(wrongImports(path, [specifier])).toEqual([]);
  });

  it("finds every kind of import", () => {
    const text = [
      'import { a } from "./static.ts";',
      'import type { B } from "./type.ts";',
      'export { c } from "./exported.ts";',
      'const d = await import("./dynamic.ts");',
    ].join("\n");

    expect(importsOf({ path: "example.ts", text })).toEqual([
      "./static.ts",
      "./type.ts",
      "./exported.ts",
      "./dynamic.ts",
    ]);
  });
});

describe("files", () => {
  it(`have at most ${maxLines} lines of code`, { timeout: 120_000 }, () => {
    const long = programs
      .map((file) => ({ path: file.path, lines: codeLines(file) }))
      .filter(({ lines }) => lines > maxLines);

    expect(long).toEqual([]);
  });

  it("are counted without comments and blank lines", () => {
    const text = "/** One\n * two */\nconst a = `three\nfour`; // five\n\n/* six */\nuse(a);\n";

    expect(codeLines({ path: "example.ts", text })).toBe(3);
  });

  it("have names that say something", () => {
    const empty = [...programs, ...queries]
      .map(({ path }) => path.replace(borrowedName, "test/seeds/borrowed"))
      .filter((path) => path.split(/[/.-]/).some((word) => emptyNames.includes(word)));

    expect(empty).toEqual([]);
  });
});

describe("SQL", () => {
  it("is in sql/ and nowhere in src", () => {
    const found = sources
      .filter(({ path }) => !filesWithSql.includes(path))
      .flatMap((file) =>
        textsIn(file)
          .filter(looksLikeSql)
          .map((text) => `${file.path}: ${text}`),
      );

    expect(found).toEqual([]);
  });

  it.each([
    "select 1",
    "SELECT * FROM jobs",
    "\n  select id\n  from jobs",
    "with ready as (select 1) select * from ready",
    'insert into :"schema".jobs values ($1)',
    "update jobs set state = 'ready'",
    "delete from jobs where id = $1",
    "create table jobs (id int)",
    "drop schema if exists pawl cascade",
    "begin isolation level read committed",
    "set local statement_timeout = 0",
    "rollback to savepoint before",
    "listen pawl",
    "truncate jobs",
  ])("would be noticed: %j", (text) => {
    expect(looksLikeSql(text)).toBe(true);
  });

  it.each([
    "select",
    "Select a queue first.",
    "commit",
    "rollback",
    "begin",
    "update the package and try again",
    "delete the row yourself",
    "with one of its jobs",
    "set the option `schema`",
    "commit or roll back before you release a client",
    "create a schema first",
    "expected a select statement",
    "listen to the events of the worker",
  ])("is not mistaken for a sentence or a word: %j", (text) => {
    expect(looksLikeSql(text)).toBe(false);
  });

  it("is found in strings and templates", () => {
    const text = 'const a = "one"; const b = `two ${a}`; const c = `three`; // "four"';

    expect(textsIn({ path: "example.ts", text })).toEqual(["one", "two ", "three"]);
  });
});

describe("the files of sql/queries", () => {
  it("begin with a line that says what they are for", () => {
    const bare = queries.filter(({ text }) => !/^-- \S/.test(text)).map(({ path }) => path);

    expect(queries.length).toBeGreaterThan(0);
    expect(bare).toEqual([]);
  });

  it("have one statement each", () => {
    const wrong = queries.filter(({ text }) => countStatements(text) !== 1).map(({ path }) => path);

    expect(wrong).toEqual([]);
  });

  it.each([
    ["select 1", 1],
    ["-- a; b\nselect 1;\n", 1],
    ["-- somebody's; nobody's\nselect 1", 1],
    ["select ';', \";\" /* ; */", 1],
    ["do $body$ begin null; end $body$", 1],
    ["select 1; select 2", 2],
    ["-- nothing\n", 0],
  ])("are counted right: %j has %i", (text, count) => {
    expect(countStatements(text)).toBe(count);
  });
});
