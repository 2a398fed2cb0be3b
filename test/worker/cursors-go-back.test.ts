import { defineTask } from "pawl";
import { expect, it } from "vitest";
import { storeOn } from "#pawl/store/store";
import { Claimer } from "#pawl/worker/claimer";
import { freshEngine } from "../support/engine.ts";
import { intercepted } from "../support/intercepted-database.ts";
import { ownPostgres } from "../support/own-postgres.ts";
import { unheardClaimer } from "../support/unheard-claimer.ts";

// Transactions in any database of a server have cursors go back: here there is none but the one of each test.
const server = ownPostgres({ autovacuum: "off" });

const task = defineTask({ name: "task" });

it("cursors that went back for nothing return to where they were", async () => {
  const { engine, older, starts, claimer } = await beforeAnOlderTransaction();
  await engine.sql("delete from jobs");
  await claimer.claim(1_000);

  await older.query("commit");
  await claimer.claim(1_000);
  await claimer.claim(1_000);

  const [, ahead, alsoAhead, wentBack, afterwards] = starts;
  expect(alsoAhead).toEqual(ahead);
  expect(wentBack).not.toEqual(ahead);
  expect(afterwards).toEqual(ahead);
});

it("cursors that went back for nothing pass over what runs there once", async () => {
  const { older, starts, claimer } = await beforeAnOlderTransaction();
  await claimer.claim(1_000);

  await older.query("commit");
  await claimer.claim(1_000);
  await claimer.claim(1_000);

  const [, ahead, alsoAhead, wentBack, afterwards] = starts.map(timeIn);
  expect(alsoAhead).toBe(ahead);
  expect(wentBack).toBeNaN();
  expect(afterwards).toBeGreaterThan(alsoAhead ?? NaN);
});

it("cursors move on with every claim while other transactions come and go", async () => {
  const engine = await freshEngine({ url: server.url });
  const producer = await engine.connect();
  await engine.pawl.enqueueMany(Array.from({ length: 300 }, () => task.job()));
  const starts: string[] = [];
  const database = intercepted(engine.store.db, ({ text, values }, run) => {
    // The ids of the positions behind which it scans.
    if (text.includes("claim_jobs")) starts.push(String(values[10]));
    return run();
  });
  const claimer = new Claimer(storeOn(engine.store, database), {
    ...unheardClaimer(),
    queues: ["default"],
  });
  // What came before the first claim is looked for from the front.
  await claimer.claim(20);

  for (let time = 0; time < 10; time += 1) {
    await producer.query("begin");
    await engine.pawl.enqueue(task, undefined, { db: producer });
    expect(await claimer.claim(20)).toHaveLength(20);
    await producer.query("commit");
  }

  expect(starts).toHaveLength(11);
  expect(new Set(starts).size).toBe(starts.length);
});

/** A claimer that has claimed ten jobs while an older transaction is open, and where each of its looks has started. */
async function beforeAnOlderTransaction() {
  const engine = await freshEngine({ url: server.url });
  const older = await engine.connect();
  await older.query("begin");
  await older.query("select pg_current_xact_id()");
  await engine.pawl.enqueueMany(Array.from({ length: 10 }, () => task.job()));
  const starts: string[] = [];
  const database = intercepted(engine.store.db, ({ text, values }, run) => {
    if (text.includes("find_ready_queues")) starts.push(String(values[2]));
    return run();
  });
  const claimer = new Claimer(storeOn(engine.store, database), {
    ...unheardClaimer(),
    queues: undefined,
  });
  expect(await claimer.claim(1_000)).toHaveLength(10);
  return { engine, older, starts, claimer };
}

/** The position of the one cursor, in milliseconds; none: it is at the front. */
function timeIn(ranges: string): number {
  return Date.parse(/"([^"]+)"/.exec(ranges)?.[1]?.replace(/\+00$/, "Z") ?? "");
}
