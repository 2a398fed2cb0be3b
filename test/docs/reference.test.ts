import { readFileSync } from "node:fs";
import { Pawl } from "pawl";
import { beforeAll, describe, expect, it } from "vitest";
import { moves } from "#pawl/core/states";
import { execute, freshDatabase, withClient } from "../support/database.ts";
import { codeBlocks, namesInTables, page, repository, section, tableRows } from "./markdown.ts";
import { choicesOf, membersOf, optionsOf, wordsIn } from "./sources.ts";

describe("errors.md", () => {
  const errors = page("docs/reference/errors.md");
  // The password is of the environment, and no code.
  const code = /\bPAWL_(?!DASHBOARD_PASSWORD)[A-Z_]+\b/g;

  it("has a section for every code, and for nothing else", () => {
    const codes = [...new Set([...wordsIn("src", code), ...wordsIn("sql", code)])].sort();
    const sections = [...errors.text.matchAll(/^### `(\w+)`$/gm)].map(([, name]) => name);

    expect(sections.sort()).toEqual(codes);
  });

  it("says of every code what to do", () => {
    const sections = errors.text.split(/^### /m).slice(1);

    expect(sections.filter((text) => !text.includes("\n**Do:** "))).toEqual([]);
  });

  it("names every class", () => {
    const index = readFileSync(`${repository}src/index.ts`, "utf8");
    const classes = index.match(/\w+Error\b/g) ?? [];

    expect(classes.filter((name) => !errors.text.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("options.md", () => {
  const options = page("docs/reference/options.md");

  it.each([
    ["new Pawl(options)", membersOf("src/pawl-options.ts", "PawlOptions")],
    ["pawl.migrate(options)", membersOf("src/db/migrate.ts", "MigrateOptions")],
    ["defineTask(options)", membersOf("src/core/task.ts", "TaskOptions")],
    ["enqueue(task, payload, options)", membersOf("src/core/enqueue-options.ts", "EnqueueOptions")],
    ["exponential(options)", optionsOf("src/core/retry.ts", "exponential")],
    ["pawl.worker(options)", membersOf("src/worker/worker-options.ts", "WorkerOptions")],
    ["pawl.jobs.list(filter)", membersOf("src/client/jobs.ts", "JobFilter")],
    ["pawl.jobs.reschedule(jobs, options)", membersOf("src/client/jobs.ts", "RescheduleOptions")],
    [
      "pawl.jobs.cancel(jobs, reason, options)",
      membersOf("src/client/write-options.ts", "WriteOptions"),
    ],
    ["pawl.concurrencyKeys.list(options)", optionsOf("src/client/concurrency-keys.ts", "list")],
    ["worker.stop(options)", optionsOf("src/worker/worker.ts", "stop")],
    ["pawl.history.list(options)", membersOf("src/history/list-options.ts", "HistoryListOptions")],
    ["pawl.history.replay(options)", membersOf("src/history/replay-options.ts", "ReplayOptions")],
    [
      "pawl.maintenance.resetLockedJobs(options)",
      membersOf("src/maintenance/maintenance.ts", "ResetLockedJobsOptions"),
    ],
    [
      "pawl.maintenance.pruneTasks(options)",
      membersOf("src/maintenance/maintenance.ts", "PruneTasksOptions"),
    ],
    [
      "pawl.rateLimits.register(key, options)",
      membersOf("src/client/rate-limits.ts", "RateLimitRegistration"),
    ],
    ["pgDatabase(source, options)", membersOf("src/adapters/pg.ts", "PgOptions")],
    [
      "postgresJsDatabase(sql, options)",
      membersOf("src/adapters/postgres-js.ts", "PostgresJsDatabaseOptions"),
    ],
    ["pgliteDatabase(db, options)", membersOf("src/adapters/pglite.ts", "PgliteOptions")],
    ["otel(options)", membersOf("src/otel/otel.ts", "OtelOptions")],
    ["dashboard(pawl, options)", membersOf("src/dashboard/dashboard.ts", "DashboardOptions")],
    [
      "startEmbeddedPostgres(options)",
      membersOf("src/embedded/embedded-options.ts", "EmbeddedPostgresOptions"),
    ],
  ])("has every option of %s, and nothing else", (call, names) => {
    const documented = namesInTables(section(options, `## \`${call}\``));

    expect(names.length).toBeGreaterThan(0);
    expect(documented).toEqual(names);
  });

  it("has every option of the command line, and nothing else", () => {
    const files = ["command-line", "connected", "reading-commands", "changing-commands"];
    const source = files.map((file) => readFileSync(`${repository}src/cli/${file}.ts`, "utf8"));
    const names = [...source.join("\n").matchAll(/"(--[\w-]+)[ "]/g)].map(([, name]) => name);
    // Options that go together share a row.
    const documented = tableRows(section(options, "## Command line")).flatMap(([cell = ""]) =>
      [...cell.matchAll(/`(--[\w-]+)`/g)].map(([, name]) => name),
    );

    expect([...new Set(documented)].sort()).toEqual([...new Set(names)].sort());
  });

  it("says of every option its default, what it is, and what is accepted", () => {
    const incomplete = tableRows(options.text).filter(
      ([name = "", ...cells]) => cells.length !== 3 || (cells.includes("") && !name.includes("--")),
    );

    expect(incomplete).toEqual([]);
  });
});

describe("events.md", () => {
  it.each([
    ["a worker", membersOf("src/worker/worker-events.ts", "WorkerEvents")],
    ["a Pawl", membersOf("src/pawl-events.ts", "PawlEvents")],
  ])("has every event of %s, and nothing else", (whose, names) => {
    const text = section(page("docs/reference/events.md"), `## Events of ${whose}`);

    expect(names.length).toBeGreaterThan(0);
    expect(namesInTables(text)).toEqual(names);
  });

  it("names everything that an event carries", () => {
    const { text } = page("docs/reference/events.md");
    const names = membersOf("src/worker/worker-events.ts", "SettledEvent");

    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });
});

describe("states.md", () => {
  const states = page("docs/reference/states.md");

  it("has every state", () => {
    expect(namesInTables(section(states, "## States"))).toEqual(
      choicesOf("src/core/states.ts", "JobState"),
    );
  });

  it("has every move", () => {
    const documented = tableRows(section(states, "## Moves")).map(([from, to, by]) => ({
      from: from?.replaceAll("`", ""),
      to: to?.replaceAll("`", ""),
      by,
    }));

    expect(documented).toEqual(moves);
  });

  it("has every outcome", () => {
    expect(namesInTables(section(states, "## Outcomes"))).toEqual(
      choicesOf("src/core/states.ts", "OutcomeName"),
    );
  });
});

describe("sql.md", () => {
  const sql = page("docs/reference/sql.md");
  let database: string;

  beforeAll(async () => {
    database = await freshDatabase();
    await using(new Pawl({ database }), (pawl) => pawl.migrate());
  });

  it.each([
    "jobs",
    "history",
    "arrivals",
    "concurrency_keys",
    "concurrency_holds",
    "rate_limits",
    "rate_limit_lines",
    "rate_limit_starts",
    "throttles",
    "workers",
    "notices",
    "queues",
    "tasks",
    "chores",
    "audit",
    "operations",
    "migrations",
  ])("has every column of %s with its type", async (table) => {
    const columns = await execute(
      `select attname as name, format_type(atttypid, null) as type
           from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped
          order by attnum`,
      [`pawl.${table}`],
      database,
    );
    const documented = tableRows(section(sql, `## \`${table}\``)).map(([name, type]) => ({
      name: name?.replaceAll("`", ""),
      type: type?.replace("timestamptz", "timestamp with time zone"),
    }));

    expect(documented).toEqual(columns);
  });

  it("has every table", async () => {
    const tables = await execute<{ name: string }>(
      `select relname as name from pg_class
        where relnamespace = 'pawl'::regnamespace and relkind in ('r', 'p') and not relispartition
        order by 1`,
      [],
      database,
    );
    const documented = [...sql.text.matchAll(/^## `(\w+)`$/gm)].map(([, name]) => name);

    expect(documented.sort()).toEqual(tables.map(({ name }) => name));
  });

  it("has every parameter of enqueue", async () => {
    const [row] = await execute<{ names: string[] }>(
      "select proargnames as names from pg_proc where oid = 'pawl.enqueue'::regproc",
      [],
      database,
    );

    expect(namesInTables(section(sql, "## `pawl.enqueue(…)`"))).toEqual(row?.names);
  });

  it("has statements that run, in order", async () => {
    const statements = codeBlocks(sql).filter(({ language }) => language === "sql");

    await withClient(async (client) => {
      await client.query("begin");
      for (const { text } of statements) await client.query(text);
      const { rows } = await client.query("select count(*)::integer as jobs from pawl.jobs");
      await client.query("rollback");

      expect(statements.length).toBeGreaterThan(3);
      expect(rows).toEqual([{ jobs: 6 }]);
    }, database);
  });

  it("has a list of the functions in sql/README.md", async () => {
    const functions = await execute<{ name: string }>(
      "select proname as name from pg_proc where pronamespace = 'pawl'::regnamespace",
      [],
      database,
    );

    expect(namesInTables(page("sql/README.md").text).sort()).toEqual(
      functions.map(({ name }) => name).sort(),
    );
  });
});

async function using(pawl: Pawl, work: (pawl: Pawl) => Promise<unknown>): Promise<void> {
  try {
    await work(pawl);
  } finally {
    await pawl.close();
  }
}
