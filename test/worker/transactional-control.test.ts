import { describe, expect, it } from "vitest";
import pg from "pg";
import { defineTask, type HistoryAttempt, type TransactionClient } from "pawl";
import { freshEngine, type Engine } from "../support/engine.ts";

const once = defineTask({ name: "once", transactional: true, retry: "none" });

const endings = [
  "commit",
  "COMMIT",
  "  Commit ;  ",
  "commit work",
  "commit transaction",
  "commit and chain",
  "end",
  "END TRANSACTION",
  "rollback",
  "ROLLBACK WORK;",
  "rollback and chain",
  "rollback and no chain",
  "abort",
  "abort work",
  "begin",
  "begin isolation level serializable",
  "start transaction read only",
  "prepare transaction 'x'",
  "/* done /* really */ */ commit",
  "-- done\ncommit",
  "\n\t;;commit",
  "select 1; commit",
  "select 'it''s; fine'; rollback; select 2",
  "savepoint part; rollback to part; commit",
  "select $$;$$; end",
];

describe("a transactional handler that issues", () => {
  it.each(endings)("%j, and goes on, has failed without effects", async (text) => {
    const { engine, attempts } = await runOnce(async (engine, tx) => {
      await engine.write(tx, "before");
      await tx.query(text).catch(() => undefined);
      await engine.write(tx, "after");
    });

    expect(attempts).toMatchObject([refused]);
    expect(await engine.notes()).toEqual([]);
  });

  it.each(["commit", "rollback", "begin", "end", "select 1; commit"])(
    "%j, and lets the refusal through, has failed without effects",
    async (text) => {
      const { engine, attempts } = await runOnce(async (engine, tx) => {
        await engine.write(tx, "before");
        await tx.query(text);
      });

      expect(attempts).toMatchObject([refused]);
      expect(await engine.notes()).toEqual([]);
    },
  );

  it.each([
    ["a config", { text: "commit" }],
    ["a named config", { name: "done", text: "rollback" }],
    ["a config with values", { text: "end", values: [] }],
  ])("a control statement as %s has failed without effects", async (_, config) => {
    const { engine, attempts } = await runOnce(async (engine, tx) => {
      await engine.write(tx, "before");
      await clientOf(tx)
        .query(config)
        .catch(() => undefined);
    });

    expect(attempts).toMatchObject([refused]);
    expect(await engine.notes()).toEqual([]);
  });

  it.each(["release", "end"] as const)(
    "`%s()` on the client has failed without effects",
    async (method) => {
      const { engine, attempts } = await runOnce(async (engine, tx) => {
        await engine.write(tx, "before");
        try {
          await clientOf(tx)[method]();
        } catch {
          // The handler does not care.
        }
      });

      expect(attempts).toMatchObject([refused]);
      expect(await engine.notes()).toEqual([]);
    },
  );

  it.each([
    "savepoint part; release savepoint part",
    "select 'commit; rollback' as text",
    'select 1 as "commit"',
    "do $$ begin perform 1; end $$",
    "select case when true then 1 end",
    "/* commit */ select 1 -- ; rollback",
  ])("%j commits, for it only looks like the end", async (text) => {
    const { engine, attempts } = await runOnce(async (engine, tx) => {
      await engine.write(tx, "before");
      await tx.query(text);
    });

    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["before"]);
  });
});

// The guard reads what a handler asks for; these show that the job does not depend on it.
describe("a transactional handler that ends its transaction by a way round the guard", () => {
  it.each([
    ["rolls back", "rollback"],
    ["rolls back and begins another one", "rollback; begin"],
    ["rolls back in a chain", "rollback and chain"],
  ])("and %s has failed, and what it wrote before is gone", async (_, text) => {
    const { engine, attempts } = await runOnce(async (engine, tx) => {
      await engine.write(tx, "before");
      await queryBehindTheGuard(tx, text);
    });

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("and begins another one has failed, and what it writes there is gone", async () => {
    const { engine, attempts } = await runOnce(async (engine, tx) => {
      await queryBehindTheGuard(tx, "rollback; begin");
      await engine.write(tx, "in another transaction");
    });

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(await engine.notes()).toEqual([]);
  });

  it.each(["commit", "commit; begin", "commit and chain"])(
    "%j is not recorded as succeeded",
    async (text) => {
      const { attempts } = await runOnce(async (_, tx) => {
        await queryBehindTheGuard(tx, text);
      });

      expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    },
  );

  it("has failed when the guard reads a string where the server does not", async () => {
    const { engine, attempts } = await runOnce(async (engine, tx) => {
      await engine.write(tx, "before");
      await tx.query("set standard_conforming_strings = off");
      await tx.query(String.raw`select 'a\'' ; rollback; --'`);
    });

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("leaves no transaction open in the pool", async () => {
    const { engine } = await runOnce(
      (_, tx) => queryBehindTheGuard(tx, "rollback; begin; select 1"),
      1,
    );

    const client = await engine.pool.connect();
    const status = client.getTransactionStatus();
    client.release();
    expect(status).not.toMatch(/[TE]/);
  });
});

const refused: Partial<HistoryAttempt> = {
  outcome: "failed",
  final: true,
  error: expect.objectContaining({ code: "PAWL_TRANSACTION_CONTROL" }),
};

async function runOnce(
  work: (engine: Engine, tx: TransactionClient) => Promise<void>,
  connections = 10,
) {
  const engine = await freshEngine({ connections });
  const handler = once.handle(({ tx }) => work(engine, tx));
  await engine.work({ handlers: [handler] });
  const { job } = await engine.pawl.enqueue(once);
  return { engine, attempts: await engine.finished(job) };
}

function clientOf(tx: TransactionClient): pg.PoolClient {
  return tx as unknown as pg.PoolClient; // what the adapter for `pg` lends
}

// The class's own method, run on the handler's client.
async function queryBehindTheGuard(tx: TransactionClient, text: string): Promise<void> {
  const query = pg.Client.prototype.query as (this: unknown, text: string) => Promise<unknown>;
  await query.call(tx, text);
}
