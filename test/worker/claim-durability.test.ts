import { defineTask } from "pawl";
import { expect, it } from "vitest";
import { storeOn } from "#pawl/store/store";
import { Claimer } from "#pawl/worker/claimer";
import { freshEngine, type Engine } from "../support/engine.ts";
import { intercepted } from "../support/intercepted-database.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { unheardClaimer } from "../support/unheard-claimer.ts";

// Nobody else writes to the log, and nothing is flushed but by who asks for it.
const server = ownPostgres({ autovacuum: "off", wal_writer_delay: "10s" });

const task = defineTask({ name: "task" });

it("a claim is written to the disk when it has got a lane, as a plain one need not be", async () => {
  const engine = await freshEngine({ url: server.url });
  const levels: unknown[] = [];
  const database = intercepted(engine.store.db, async ({ text }, run) => {
    const rows = await run();
    if (text.includes("claim_jobs")) levels.push(await levelOf(engine));
    return rows;
  });
  const claimer = new Claimer(storeOn(engine.store, database), {
    ...unheardClaimer(),
    queues: ["default"],
  });
  await engine.pawl.enqueueMany([task.job()]);
  await claimer.claim(10);
  await engine.pawl.enqueueMany([task.job(undefined, { concurrency: { key: "a", limit: 1 } })]);
  await claimer.claim(10);

  const [plain, withLane] = levels;
  expect(plain).toBe("behind");
  expect(withLane).toBe("flushed");
});

/** How far the log on the disk has come, measured by what was written to it. */
async function levelOf(engine: Engine): Promise<"flushed" | "behind"> {
  const [row] = await engine.sql<{ flushed: boolean }>(
    "select pg_current_wal_insert_lsn() <= pg_current_wal_flush_lsn() as flushed",
  );
  return row?.flushed === true ? "flushed" : "behind";
}
