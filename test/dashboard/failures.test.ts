import { defineTask, Pawl, typed, type Database } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Queryable } from "#pawl/db/database";
import { databaseUrl, freshSchemaName } from "../support/database.ts";
import { freshEngine } from "../support/engine.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { Board, codeOf } from "./board.ts";

const send = defineTask({ name: "send", payload: typed<number>() });

describe("a database that is away", () => {
  it("is said to be, with a code, and nothing of where it is", async () => {
    const proxy = await startTcpProxy();
    const engine = await freshEngine({ url: proxy.url });
    const board = new Board(engine);
    proxy.refuse();

    const read = await board.read("queues");
    const changed = await board.change("pause-queue", { name: "mail" });
    proxy.accept();

    const { username, password, port } = new URL(proxy.url);
    for (const answer of [read, changed]) {
      const text = JSON.stringify(answer.body);
      expect(answer.status).toBe(503);
      expect(codeOf(answer)).toBe("PAWL_DATABASE_UNAVAILABLE");
      expect([username, password, port].filter((part) => part !== "" && text.includes(part))).toEqual([]);
    }
    expect((await board.read("queues")).status).toBe(200);
  });

  it("is the same for a wrong password, which nobody sees", async () => {
    const url = new URL(databaseUrl());
    url.username = "nobody_of_this_name";
    url.password = "top-secret";
    const pawl = new Pawl({ database: url.href });
    onTestFinished(() => pawl.close());

    const answer = await new Board({ pawl }).read("queues");

    expect(JSON.stringify(answer.body)).not.toMatch(/top-secret|nobody_of/);
    expect(answer.status).toBe(503);
  });
});

describe("a database without Pawl's tables", () => {
  it("is said to need a migration", async () => {
    const pawl = new Pawl({ database: databaseUrl(), schema: freshSchemaName() });
    onTestFinished(() => pawl.close());

    const answer = await new Board({ pawl }).read("queues");

    expect(answer.status).toBe(503);
    expect(codeOf(answer)).toBe("PAWL_SCHEMA_MISSING");
  });
});

describe("a closed Pawl", () => {
  it("answers that it is", async () => {
    const engine = await freshEngine();
    const pawl = new Pawl({ database: engine.url, schema: engine.schema });
    const board = new Board({ pawl });
    await board.read("queues");
    await pawl.close();

    const answer = await board.read("queues");

    expect(answer.status).toBe(503);
  });
});

describe("a statement that takes too long", () => {
  it("is ended after five seconds, and answered with 504", { timeout: 30_000 }, async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(send, 1, { delay: "1h" });
    const board = new Board(engine);
    const other = await engine.connect();
    await other.query("begin");
    await other.query("select from jobs for update");

    const started = performance.now();
    const answer = await board.change("cancel-jobs", { jobs: [{ queue: job.queue, id: job.id }] });
    const tookMs = performance.now() - started;
    await other.query("rollback");

    expect(answer.status).toBe(504);
    expect(codeOf(answer)).toBe("PAWL_DASHBOARD_TIMEOUT");
    expect(tookMs).toBeGreaterThan(4_500);
    expect(tookMs).toBeLessThan(9_000);
    expect(await board.audit()).toMatchObject([{ action: "cancel-jobs", outcome: "failed" }]);
  });

  it("is bounded whatever is read or changed", async () => {
    const unbounded: string[] = [];
    const engine = await freshEngine({ wrap: (database) => watched(database, unbounded) });
    const { job } = await engine.pawl.enqueue(send, 1, { delay: "1h" });
    const board = new Board(engine);
    const named = { queue: job.queue, id: job.id };
    await board.read("operations");
    unbounded.length = 0;

    for (const name of ["overview", "queues", "tasks", "jobs", "history", "workers"] as const) {
      await board.read(name);
    }
    await board.read("job", { ...named, raw: "true" });
    for (const name of ["rate-limits", "concurrency-keys", "audit", "operations"] as const) {
      await board.read(name);
    }
    await board.change("reschedule-jobs", { jobs: [named], priority: 1 });
    await board.change("enqueue", { task: "send", payload: "1" });
    await board.change("start-operation", { action: "cancel", from: "jobs", filter: {} });
    await engine.sqlUntil("select from operations where state = 'done'");

    expect(unbounded).toEqual([]);
  });
});

/** A database that notes each statement that runs before its transaction has a bound. */
function watched(database: Database, unbounded: string[]): Database {
  const bounding = <On extends Queryable>(tx: On): On["query"] => {
    let isBound = false;
    return (statement, values, options) => {
      isBound ||= statement.text.includes("'statement_timeout'");
      if (!isBound) unbounded.push(statement.text);
      return tx.query(statement, values, options);
    };
  };
  return {
    maxConnections: database.maxConnections,
    query: (statement, values, options) => {
      unbounded.push(statement.text);
      return database.query(statement, values, options);
    },
    begin: async () => {
      const tx = await database.begin();
      const query = bounding(tx);
      return new Proxy(tx, {
        get(target, name) {
          if (name === "query") return query;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    },
    transaction: (work) => database.transaction((tx) => work({ query: bounding(tx) })),
    dedicated: (maxConnections) => database.dedicated(maxConnections),
    join: (db) => database.join(db),
    listen: (channel, events) => database.listen(channel, events),
    threadConnection: () => database.threadConnection(),
    close: () => database.close(),
  };
}
