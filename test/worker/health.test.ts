import { defineTask, typed } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { forever } from "../fixtures/aborted.ts";
import { freshPawl, makeWorker, startUnluckyWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { intercepted } from "../support/intercepted-database.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const handlers = [task.handle(() => undefined)];
// A heartbeat that is late by a short lease would be an error, and a lost lease would run jobs twice.
const lease = "30s";
const patience = { within: 15_000 };

describe("the health of a worker", () => {
  it("says that a new one has done nothing yet", async () => {
    const worker = makeWorker(await freshPawl(), { handlers });

    expect(worker.health()).toMatchObject({
      state: "new",
      isReady: false,
      workerId: undefined,
      lastClaimAt: null,
      lastSettleAt: null,
      lastBeatAt: null,
      running: 0,
      buffered: 0,
      unsettled: 0,
    });
  });

  it("says when it last claimed, settled and beat", async () => {
    const pawl = await freshPawl();
    const startingAt = Date.now();
    const worker = await startWorker(pawl, { handlers, lease });
    await pawl.enqueue(task, 1);

    const health = await eventually(() => {
      const now = worker.health();
      return now.isReady && now.lastSettleAt !== null && now;
    }, patience);

    for (const at of [health.lastClaimAt, health.lastSettleAt, health.lastBeatAt]) {
      expect(Number(at)).toBeGreaterThanOrEqual(startingAt - 50);
      expect(Number(at)).toBeLessThanOrEqual(Date.now() + 50);
    }
  });

  it("counts what runs", async () => {
    const pawl = await freshPawl();
    const finish = gate();
    const holding = [task.handle(() => finish.opened)];
    const worker = await startWorker(pawl, { handlers: holding, lease });
    await pawl.enqueueMany([1, 2, 3].map((n) => task.job(n)));

    await eventually(() => worker.health().running === 3, patience);
    finish.open();

    await eventually(() => {
      const { running, unsettled } = worker.health();
      return running === 0 && unsettled === 0;
    }, patience);
  });

  it("counts outcomes that could not be written yet", async () => {
    let isRefused = false;
    const database = intercepted(pgDatabase(databaseUrl()), async ({ text }, run) => {
      if (isRefused && text.includes("finish_jobs")) throw new Error("refused for now");
      return run();
    });
    onTestFinished(() => database.close());
    const pawl = await freshPawl(database);
    const worker = await startUnluckyWorker(pawl, { handlers, lease });
    isRefused = true;
    await pawl.enqueueMany([1, 2, 3].map((n) => task.job(n)));

    await eventually(() => worker.health().unsettled === 3, patience);
    isRefused = false;

    await eventually(() => worker.health().unsettled === 0, patience);
    expect(worker.errors).toContainEqual(expect.objectContaining({ message: "refused for now" }));
  });

  it("stays ready while long handlers take all places", async () => {
    const pawl = await freshPawl();
    // On a busy machine, a heartbeat may be late by such a short lease, which is an error.
    const worker = await startUnluckyWorker(pawl, {
      handlers: [task.handle(forever)],
      concurrency: 1,
      lease: "500ms",
    });
    await pawl.enqueueMany([1, 2].map((n) => task.job(n)));
    await eventually(() => worker.health().running === 1 && worker.health().isReady, patience);

    // Four leases long in a row, since a pause of this process makes the heartbeat late as well.
    let readyLooks = 0;
    await eventually(() => {
      readyLooks = worker.health().isReady ? readyLooks + 1 : 0;
      return readyLooks >= 200;
    }, patience);

    expect(worker.health().running).toBe(1);
  });

  it.each([
    ["looks for jobs", /as snapshot|claim_jobs/],
    ["keeps its lease", /set heartbeat_at = /],
  ])("is not ready while it no longer %s, and ready again by itself", async (_, pattern) => {
    let isRefused = false;
    const database = intercepted(pgDatabase(databaseUrl()), async ({ text }, run) => {
      if (isRefused && pattern.test(text)) throw new Error("refused for now");
      return run();
    });
    onTestFinished(() => database.close());
    // Without a thread, whose own connection nobody could stand in front of.
    const unthreaded = { ...database, threadConnection: () => undefined };
    const dedicated = (count: number) => ({
      ...database.dedicated(count),
      threadConnection: () => undefined,
    });
    const pawl = await freshPawl({ ...unthreaded, dedicated });
    const worker = await startUnluckyWorker(pawl, { handlers });
    await eventually(() => worker.health().isReady, patience);

    isRefused = true;
    await eventually(() => !worker.health().isReady, patience);
    isRefused = false;
    await eventually(() => worker.health().isReady, patience);

    expect(worker.state).toBe("running");
  });

  it("says that it is not ready when it has stopped", async () => {
    const worker = await startWorker(await freshPawl(), { handlers, lease });
    await eventually(() => worker.health().isReady, patience);

    await worker.stop();

    expect(worker.health()).toMatchObject({ state: "terminated", isReady: false, running: 0 });
  });
});
