import { describe, expect, it } from "vitest";
import { observed, serial } from "../fixtures/serial-jobs.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { isSomebodyWaiting } from "../support/producer.ts";

describe("the row of a concurrency key", () => {
  it("may be forgotten while a new job of the key arrives", async () => {
    const engine = await freshEngine();
    const { started, run } = observed();
    await knowKeys(engine, ["a"]);
    const pruning = await engine.connect();
    await pruning.query("begin");
    const { rows } = await pruning.query("select pruned from prune_concurrency_keys('', '', 100)");
    expect(rows).toEqual([{ pruned: 1 }]);
    await engine.pawl.enqueue(serial, 0);
    await engine.work({ handlers: [serial.handle(run)] });
    await engine.until(() => isSomebodyWaiting(engine.schema));

    await pruning.query("commit");

    await engine.until(() => started.length === 1);
  });

  it("is locked in the order of the keys, also when the limit of one has changed", async () => {
    const engine = await freshEngine();
    const { started, run } = observed();
    await knowKeys(engine, ["a", "b"]);
    const settling = await engine.connect();
    await settling.query("begin");
    await settling.query("select lock_concurrency_keys('default', '{a}')");
    await engine.pawl.enqueueMany([
      serial.job(0, { concurrency: { key: "b", limit: 2 } }),
      serial.job(1, { concurrency: { key: "a" } }),
    ]);
    await engine.work({ handlers: [serial.handle(run)] });
    await engine.until(() => isSomebodyWaiting(engine.schema));

    await settling.query("set local lock_timeout = '5s'");
    await settling.query("select lock_concurrency_keys('default', '{b}')");
    await settling.query("commit");

    await engine.until(() => started.length === 2);
  });

  it("may be made by somebody else while an admission waits for another", async () => {
    const engine = await freshEngine();
    const { started, run } = observed();
    await knowKeys(engine, ["a"]);
    const admitting = await engine.connect();
    await admitting.query("begin");
    await admitting.query("select lock_concurrency_keys('default', '{a}')");
    await admitting.query(
      "insert into concurrency_keys (queue, key, max_running) values ('default', 'b', 1)",
    );
    await engine.pawl.enqueueMany([
      serial.job(0, { concurrency: { key: "a" } }),
      serial.job(1, { concurrency: { key: "b" } }),
    ]);
    await engine.work({ handlers: [serial.handle(run)] });
    await engine.until(() => isSomebodyWaiting(engine.schema));

    await admitting.query("commit");

    await engine.until(() => started.length === 2);
  });
});

/** The rows of these keys, which no chore removes. */
async function knowKeys(engine: Engine, keys: readonly string[]): Promise<void> {
  await engine.sql("update chores set due_at = now() + interval '1 hour'");
  await engine.sql(
    "insert into concurrency_keys (queue, key, max_running) select 'default', unnest($1::text[]), 1",
    [keys],
  );
}
