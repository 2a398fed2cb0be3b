import { describe, expect, it } from "vitest";
import { defineTask, type TransactionClient } from "pawl";
import { freshEngine, type Engine } from "../support/engine.ts";

const once = defineTask({ name: "once", transactional: true, retry: "none" });
const retried = defineTask({
  name: "retried",
  transactional: true,
  retry: { retries: 1, delays: [0] },
});

// On a connection that has prepared them, Pawl's own statements travel together.
describe("the first use that a transactional handler makes of its transaction", () => {
  it.each<[string, (tx: PgTransactionClient, engine: Engine) => unknown]>([
    ["a text", (tx, { schema }) => tx.query(`insert into "${schema}".notes values ('kept')`)],
    ["a query with values", (tx, engine) => engine.write(tx, "kept")],
    ["a prepared query", (tx, { schema }) => tx.query(prepared(schema))],
    ["a query with a callback", (tx, { schema }) => callback(tx, schema)],
    ["a query that sends itself", (tx, { schema }) => sendsItself(tx, schema)],
    ["a query of several statements", (tx, { schema }) => tx.query(several(schema))],
    ["one of two queries at once", (tx, engine) => atOnce(tx, engine)],
    ["a query that it does not await", (tx, engine) => void engine.write(tx, "kept")],
  ])("may be %s, and commits with the job or rolls back", async (_, write) => {
    const engine = await usedEngine();
    const handler = retried.handle(async ({ tx, job }) => {
      await write(tx as PgTransactionClient, engine);
      if (job.attempt === 1) throw new Error("once more");
    });
    await engine.work({ handlers: [handler, ...idle] });
    await use(engine);

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ error: { message: "once more" } }, { outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
  });

  it("may be an enqueue, which rolls back with it", async () => {
    const engine = await usedEngine();
    const handler = retried.handle(async ({ tx, job, enqueue }) => {
      if (job.attempt === 1) {
        await engine.pawl.enqueue(other, undefined, { db: tx });
        throw new Error("once more");
      }
      await enqueue(other);
    });
    await engine.work({ handlers: [handler, ...idle] });
    await use(engine);

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "failed" }, { outcome: "succeeded" }]);
    expect(await engine.sql("select count(*)::int as count from jobs")).toEqual([{ count: 1 }]);
  });

  it("fails with the error of the server, and the attempt with it", async () => {
    const engine = await usedEngine();
    let seen: unknown;
    const handler = once.handle(async ({ tx }) => {
      await tx.query("select 1 / 0").catch((error: unknown) => (seen = error));
    });
    await engine.work({ handlers: [handler, ...idle] });
    await use(engine);

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(seen).toMatchObject({ message: "division by zero", code: "22012" });
    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
  });

  it.each<[string, object, RegExp]>([
    ["has no text", {}, /must have either text or a name/],
    ["has values that are no list", { text: "select 1", values: "one" }, /must be an array/],
    ["has a value that cannot be sent", { text: "select $1", values: [unsendable()] }, /cannot/],
  ])("is refused by the driver when it %s, and the next one is not", async (_, query, message) => {
    const engine = await usedEngine();
    let seen: unknown;
    const handler = once.handle(async ({ tx }) => {
      const { query: send } = tx as PgTransactionClient;
      await send(query).catch((error: unknown) => (seen = error));
      await engine.write(tx, "kept");
    });
    await engine.work({ handlers: [handler, ...idle] });
    await use(engine);

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(seen).toMatchObject({ message: expect.stringMatching(message) });
    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
  });

  it("may make the session forget what was prepared", async () => {
    const engine = await usedEngine();
    const handler = once.handle(async ({ tx }) => {
      await tx.query("deallocate all");
      await engine.write(tx, "kept");
    });
    await engine.work({ handlers: [handler, ...idle] });
    await use(engine);

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
  });

  it("meets a server that has forgotten what was prepared: the job goes back, and runs", async () => {
    const engine = await usedEngine();
    const handler = once.handle(({ tx }) => engine.write(tx, "kept"));
    await engine.work({ handlers: [handler, ...idle] });
    await use(engine);
    await engine.pool.query("deallocate all");

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts.at(-1)).toMatchObject({ outcome: "succeeded" });
    expect(attempts.slice(0, -1).filter(({ outcome }) => outcome !== "released")).toEqual([]);
    expect(await engine.notes()).toEqual(["kept"]);
  });
});

const warm = defineTask({ name: "warm", transactional: true });
const other = defineTask({ name: "other" });
const idle = [warm.handle(() => undefined)];

function usedEngine(): Promise<Engine> {
  return freshEngine({ connections: 1 });
}

/** Runs a job on the one connection. */
async function use(engine: Engine): Promise<void> {
  const { job } = await engine.pawl.enqueue(warm);
  await engine.finished(job);
}

function prepared(schema: string) {
  return { name: "note", text: `insert into "${schema}".notes values ($1)`, values: ["kept"] };
}

function several(schema: string): string {
  return `select 1; insert into "${schema}".notes values ('kept'); select 2`;
}

/** What `pg` takes, beyond what every driver does. */
interface PgTransactionClient extends TransactionClient {
  query: (...values: readonly unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;
}

async function atOnce(tx: TransactionClient, engine: Engine): Promise<void> {
  await Promise.all([engine.write(tx, "kept"), tx.query("select 1")]);
}

function callback(tx: PgTransactionClient, schema: string): Promise<void> {
  return new Promise((resolve, reject) => {
    void tx.query(`insert into "${schema}".notes values ('kept')`, (error: unknown) => {
      if (error === null || error === undefined) resolve();
      else reject(new Error("expected no error", { cause: error }));
    });
  });
}

/** As `pg-cursor` and `pg-query-stream` do. */
function sendsItself(tx: PgTransactionClient, schema: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = {
      submit: (connection: { query(text: string): void }) => {
        connection.query(`insert into "${schema}".notes values ('kept')`);
        return null;
      },
      handleRowDescription: () => undefined,
      handleDataRow: () => undefined,
      handleCommandComplete: () => undefined,
      handleReadyForQuery: resolve,
      handleError: reject,
    };
    void tx.query(query);
  });
}

function unsendable(): object {
  return {
    toPostgres: () => {
      throw new Error("this cannot be sent");
    },
  };
}
