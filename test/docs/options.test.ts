import { PGlite } from "@electric-sql/pglite";
import { defineTask, exponential, OptionError, Pawl, PawlError, typed } from "pawl";
import { startEmbeddedPostgres } from "pawl/embedded";
import { pgDatabase } from "pawl/pg";
import { pgliteDatabase } from "pawl/pglite";
import { postgresJsDatabase } from "pawl/postgres-js";
import postgres from "postgres";
import { afterAll, describe, expect, it } from "vitest";
import { databaseUrl } from "../support/database.ts";
import { namesInTables, page, repository, section, tableRows } from "./markdown.ts";

const options = page("docs/reference/options.md");
const database = databaseUrl();
const pawl = new Pawl({ database });
const task = defineTask({ name: "example", payload: typed<null>() });
const handler = task.handle(() => undefined);
const server = "postgres://localhost/example";
// Made of what the adapter looks for: starting one would take seconds.
const pglite = Object.create(PGlite.prototype, {
  waitReady: { value: Promise.resolve() },
  parsers: { value: {} },
  serializers: { value: {} },
}) as PGlite;

afterAll(() => pawl.close());

type Call = (given: Record<string, unknown>) => unknown;

// For every call of the page, something that takes its options, and a wrong value for each.
const calls: Record<string, { call: Call; wrong: Record<string, unknown> }> = {
  "new Pawl(options)": {
    call: (given) => new Pawl({ database, ...given }),
    wrong: {
      database: {},
      tasks: [defineTask({ name: "twice" }), defineTask({ name: "twice" })],
      schema: "My Schema",
      serializer: {},
      generateId: "id",
      maxPayloadBytes: 0,
    },
  },
  "defineTask(options)": {
    call: (given) => defineTask({ name: "example", ...given }),
    wrong: {
      name: "",
      payload: { type: "object" },
      queue: "q".repeat(64),
      priority: 40_000,
      retry: "often",
      timeout: "5 parsecs",
      transactional: "yes",
      storeOutput: 1,
      run: "code",
    },
  },
  "enqueue(task, payload, options)": {
    call: (given) => pawl.enqueue(task, null, given),
    wrong: {
      db: {},
      queue: "",
      runAt: new Date(NaN),
      delay: -1,
      priority: 0.5,
      maxAttempts: 0,
      id: "1",
      correlationId: "",
    },
  },
  "enqueueMany(requests, options)": {
    call: (given) => pawl.enqueueMany([task.job(null)], given),
    wrong: { db: {} },
  },
  "exponential(options)": {
    call: (given) => exponential(given),
    wrong: { retries: -1, initial: 0, factor: 0.5, max: "long", jitter: 2 },
  },
  "pawl.worker(options)": {
    call: (given) => pawl.worker({ handlers: [handler], ...given }),
    wrong: {
      queues: [],
      concurrency: 0,
      handlers: [handler, handler],
      tasks: [defineTask({ name: "unhandled" })],
      name: "",
      lease: "499ms",
      pollInterval: "soon",
      shutdownGrace: -1,
      unknownTaskGrace: NaN,
    },
  },
  "worker.stop(options)": {
    call: (given) => pawl.worker({ handlers: [handler] }).stop(given),
    wrong: { grace: "later" },
  },
  "pgDatabase(source, options)": {
    call: (given) => pgDatabase(server, given),
    wrong: { queryTimeout: 0, preparedStatements: "no", maxConnections: 0 },
  },
  "postgresJsDatabase(sql, options)": {
    call: (given) => postgresJsDatabase(postgres(server), given),
    wrong: { queryTimeout: 0, preparedStatements: "no", maxConnections: 0 },
  },
  "pgliteDatabase(db, options)": {
    call: (given) => pgliteDatabase(pglite, given),
    wrong: { queryTimeout: 0 },
  },
  "startEmbeddedPostgres(options)": {
    call: (given) => startEmbeddedPostgres(given),
    wrong: {
      dataDirectory: `${repository}docs`,
      port: 0,
      database: "d".repeat(64),
      settings: { port: 5432 },
    },
  },
};

describe.each(Object.entries(calls))("%s", (name, { call, wrong }) => {
  const text = section(options, `## \`${name}\``);

  it("has a wrong value here for every option", () => {
    expect(Object.keys(wrong)).toEqual(namesInTables(text));
  });

  it.each(Object.entries(wrong))("refuses a wrong `%s` as the page says", async (option, value) => {
    const row = tableRows(text).find(([first]) => first === `\`${option}\``) ?? [];
    const code = /`(PAWL_\w+)`/.exec(row.at(-1) ?? "")?.[1] ?? "PAWL_OPTION_INVALID";

    const error = await errorOf(() => call({ [option]: value }));

    expect(error).toMatchObject({ code });
  });

  it("refuses an option that is not known", async () => {
    const error = await errorOf(() => call({ concurency: 1 }));

    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code: "PAWL_OPTION_UNKNOWN", option: "concurency" });
  });
});

async function errorOf(call: () => unknown): Promise<PawlError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof PawlError) return error;
    throw error;
  }
  throw new Error("expected the call to be refused");
}
