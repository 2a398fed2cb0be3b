import { defineTask, Pawl, SchemaError, typed, WorkerError, type WorkerState } from "pawl";
import { describe, expect, it } from "vitest";
import { endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, makeWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { forever } from "../fixtures/aborted.ts";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const echo = defineTask({ name: "echo", payload: typed<number>() });
const handlers = [echo.handle(() => undefined)];

describe("the life of a worker", () => {
  it("goes from new over running and stopping to terminated", async () => {
    const pawl = await freshPawl();
    const worker = makeWorker(pawl, { handlers });
    const states: WorkerState[] = [worker.state];

    await worker.start();
    states.push(worker.state);
    const stopped = worker.stop();
    states.push(worker.state);
    await stopped;
    states.push(worker.state);

    expect(states).toEqual(["new", "running", "stopping", "terminated"]);
  });

  it("starts once", async () => {
    const worker = await startWorker(await freshPawl(), { handlers });

    const again = worker.start();

    await expect(again).rejects.toThrow(WorkerError);
    await expect(again).rejects.toMatchObject({
      code: "PAWL_WORKER_STATE",
      message: expect.stringContaining("running"),
    });
    expect(worker.state).toBe("running");
  });

  it("does not start again when it has stopped", async () => {
    const worker = await startWorker(await freshPawl(), { handlers });
    await worker.stop();

    const again = worker.start();

    await expect(again).rejects.toMatchObject({ code: "PAWL_WORKER_STATE" });
    expect(worker.state).toBe("terminated");
  });

  it("can be stopped before it was started, and then does not start", async () => {
    const worker = makeWorker(await freshPawl(), { handlers });

    await worker.stop();

    await worker.finished;
    expect(worker.state).toBe("terminated");
    await expect(worker.start()).rejects.toMatchObject({ code: "PAWL_WORKER_STATE" });
  });

  it("is finished when it has stopped, and not before", async () => {
    const worker = await startWorker(await freshPawl(), { handlers });
    let isFinished = false;
    const finished = worker.finished.then(() => (isFinished = true));

    await execute("select 1");
    expect(isFinished).toBe(false);
    await worker.stop();

    await finished;
    expect(worker.state).toBe("terminated");
  });

  it("may be stopped twice", async () => {
    const worker = await startWorker(await freshPawl(), { handlers });

    await Promise.all([worker.stop(), worker.stop()]);
    await worker.stop();

    expect(worker.state).toBe("terminated");
  });

  it("stops when it is disposed of", async () => {
    const worker = await startWorker(await freshPawl(), { handlers });

    await worker[Symbol.asyncDispose]();

    expect(worker.state).toBe("terminated");
  });

  it("ends when it is stopped while it starts, and says so once", async () => {
    const pawl = await freshPawl();
    const worker = makeWorker(pawl, { handlers });
    let stops = 0;
    worker.on("stopped", () => (stops += 1));

    const starting = worker.start().catch((error: unknown) => error);
    await worker.stop();
    const failure = await starting;
    await worker.finished;

    expect(worker.state).toBe("terminated");
    expect(failure === undefined || failure instanceof WorkerError).toBe(true);
    expect(stops).toBe(1);
    const alive = await execute(`select from "${pawl.schema}".workers where ended_at is null`);
    expect(alive).toEqual([]);
  });

  it("does not start where the schema is missing", async () => {
    const pawl = new Pawl({ database: databaseUrl(), schema: freshSchemaName() });
    const worker = makeWorker(pawl, { handlers });

    const starting = worker.start();

    await expect(starting).rejects.toThrow(SchemaError);
    await worker.finished;
    expect(worker.state).toBe("terminated");
    await pawl.close();
  });

  it.each([
    ["a grace that is no duration", { grace: "5 parsecs" }, "PAWL_OPTION_INVALID"],
    ["an option that does not exist", { patience: 5 }, "PAWL_OPTION_UNKNOWN"],
  ])("refuses to stop with %s, and goes on", async (_, options, code) => {
    const worker = await startWorker(await freshPawl(), { handlers });

    expect(() => worker.stop(options as object)).toThrow(expect.objectContaining({ code }));

    expect(worker.state).toBe("running");
  });

  it("is known by its name, and by an id that is new for each worker", async () => {
    const pawl = await freshPawl();

    const workers = [
      await startWorker(pawl, { handlers, name: "ada" }),
      await startWorker(pawl, { handlers, name: "ada" }),
    ];

    const ids = workers.map((worker) => worker.health().workerId);
    const rows = await execute<{ id: string; name: string }>(
      `select id::text, name from "${pawl.schema}".workers order by started_at`,
    );
    expect(new Set(ids).size).toBe(2);
    expect(rows).toEqual(ids.map((id) => ({ id, name: "ada" })));
  });
});

describe("how many handlers run at once", () => {
  it("is never more than the concurrency, and as many when there is enough to do", async () => {
    const pawl = await freshPawl();
    let running = 0;
    const seen: number[] = [];
    const task = echo.handle(async () => {
      seen.push(++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    });
    const jobs = await pawl.enqueueMany(Array.from({ length: 500 }, (_, n) => echo.job(n)));

    await startWorker(pawl, { handlers: [task], concurrency: 7 });
    await eventually(() => seen.length === jobs.length && running === 0, { within: 15_000 });

    expect(Math.max(...seen)).toBe(7);
  });

  it("is one with a concurrency of one", async () => {
    const pawl = await freshPawl();
    const order: string[] = [];
    const task = echo.handle(async ({ payload }) => {
      order.push(`+${payload}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`-${payload}`);
    });
    await pawl.enqueueMany([1, 2, 3].map((n) => echo.job(n)));

    await startWorker(pawl, { handlers: [task], concurrency: 1 });
    await eventually(() => order.length === 6);

    expect(order).toEqual(["+1", "-1", "+2", "-2", "+3", "-3"]);
  });

  it("leaves a hanging handler its place and goes on with the others", async () => {
    const pawl = await freshPawl();
    const task = echo.handle(({ payload }) => (payload === 0 ? forever() : undefined));
    const jobs = await pawl.enqueueMany([0, 1, 2, 3].map((n) => echo.job(n)));

    await startWorker(pawl, { handlers: [task], concurrency: 2 });

    for (const { job } of jobs.slice(1)) {
      expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    }
  });
});

describe("two workers", () => {
  it("share the jobs and run none twice", async () => {
    const pawl = await freshPawl();
    const runs: { worker: string; n: number }[] = [];
    const bothRun = gate();
    const handlerOf = (worker: string) =>
      echo.handle(async ({ payload }) => {
        runs.push({ worker, n: payload });
        if (new Set(runs.map((run) => run.worker)).size === 2) bothRun.open();
        await bothRun.opened;
      });
    await pawl.enqueueMany(Array.from({ length: 100 }, (_, n) => echo.job(n)));

    for (const name of ["ada", "grace"]) {
      await startWorker(pawl, { name, handlers: [handlerOf(name)], concurrency: 5 });
    }
    await eventually(() => runs.length >= 100, { within: 15_000 });

    expect(runs.map(({ n }) => n).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, n) => n),
    );
    expect(new Set(runs.map(({ worker }) => worker))).toEqual(new Set(["ada", "grace"]));
  });
});
