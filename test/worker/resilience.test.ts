import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { DatabaseError, defineTask, Pawl, typed } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { forever } from "../fixtures/aborted.ts";
import { freshPawl, makeWorker, startUnluckyWorker } from "../fixtures/fresh-pawl.ts";
import { freeze, ownServer, takeDown } from "../fixtures/own-server.ts";
import { namedUrl } from "../fixtures/sessions.ts";
import { act, startWorkerProcess } from "../fixtures/worker-process.ts";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const leaseMs = 1_000;
const task = defineTask({ name: "task", payload: typed<number>() });
const handlers = [task.handle(() => undefined)];
const within = 15_000;
const server = ownServer();

/** Lets a while pass by watching the clock: there is no fact to wait for but that nothing has happened. */
function after(ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  return eventually(() => performance.now() >= until, { within: ms + 1_000 });
}

/** Has everything that was committed so far on disk: a claim does not wait for it. */
async function flush(pawl: Pawl): Promise<void> {
  await pawl.enqueue(task, 0, { queue: "elsewhere", delay: "1 day" });
}

describe("an outage of the database", () => {
  it("may last from before the start: the worker starts, and works when the database is there", async () => {
    const { url } = server.current;
    const { schema } = await freshPawl(url);
    const pawl = new Pawl({ database: url, schema });
    onTestFinished(() => pawl.close());
    await takeDown(server.current);

    const worker = await startUnluckyWorker(pawl, { handlers });
    const before = worker.health();
    await server.current.restart();
    const { job } = await pawl.enqueue(task, 1);

    expect(before).toMatchObject({ state: "running", isReady: false });
    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    expect(worker.errors[0]).toBeInstanceOf(DatabaseError);
  });

  it("turns readiness off and, when it is over, on again, and the worker claims within two seconds", async () => {
    const pawl = await freshPawl(server.current.url);
    const ran = new Map<number, number>();
    const noting = task.handle(({ payload }) => void ran.set(payload, performance.now()));
    const worker = await startUnluckyWorker(pawl, { handlers: [noting] });
    await eventually(() => worker.health().isReady);
    await pawl.enqueue(task, 1, { delay: "1500ms" });

    await takeDown(server.current);
    await eventually(() => !worker.health().isReady, { within });
    await after(2 * leaseMs);
    await server.current.restart();
    const upAt = performance.now();
    const ranAt = await eventually(() => ran.get(1), { within });
    await eventually(() => worker.health().isReady, { within });

    expect(ranAt - upAt).toBeLessThan(3_000);
    expect(worker.state).toBe("running");
  });

  it("does not run the jobs of living workers twice: no lease is judged before a full lease has passed", async () => {
    const { url } = server.current;
    const pawl = await freshPawl(url);
    // Before the outage nobody may fall silent for a lease, on a busy machine either.
    const worker = { concurrency: 2, lease: 4 * leaseMs };
    const workers = [
      await startWorkerProcess(pawl, { url, worker }),
      await startWorkerProcess(pawl, { url, worker }),
    ];
    const results = await pawl.enqueueMany(
      Array.from({ length: 4 }, () => act.job({ does: "wait", ms: 12_000 })),
    );
    const jobs = results.map(({ job }) => job);
    await eventually(() => jobs.every((job) => workers.some((one) => one.said("running", job))), {
      within,
    });
    await flush(pawl);

    await takeDown(server.current);
    await after(5 * leaseMs);
    await server.current.restart();

    for (const job of jobs) {
      expect(await endedAttempts(pawl, job)).toMatchObject([{ outcome: "succeeded", attempt: 1 }]);
    }
    expect(workers.some((one) => one.said("lease lost") || one.said("unhandled"))).toBe(false);
  }, 60_000);

  it("keeps the outcomes of handlers that end while it lasts, and they are written afterwards", async () => {
    const pawl = await freshPawl(server.current.url);
    const finish = gate();
    const worker = await startUnluckyWorker(pawl, {
      handlers: [task.handle(() => finish.opened)],
      concurrency: 5,
    });
    const results = await pawl.enqueueMany([1, 2, 3, 4, 5].map((n) => task.job(n)));
    await eventually(() => worker.health().running === 5);
    await flush(pawl);

    await takeDown(server.current);
    finish.open();
    await eventually(() => worker.health().unsettled === 5, { within });
    await server.current.restart();

    for (const { job } of results) {
      expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    }
  });

  it.each([
    ["one queue", ["default"]],
    ["any queue", undefined],
  ])("may lose a claim, but not the job, which is found and run again (%s)", async (_, queues) => {
    const pawl = await freshPawl(server.current.url);
    const finish = gate();
    const runs: number[] = [];
    const handler = task.handle(async ({ job }) => {
      runs.push(job.attempt);
      await finish.opened;
    });
    await startUnluckyWorker(pawl, { handlers: [handler], ...(queues && { queues }) });
    // Has the WAL writer begin its ten seconds of rest now, so that it does not save the claim at the last moment.
    await execute("select pg_reload_conf()", [], server.current.url);
    const { job } = await pawl.enqueue(task, 1);
    await eventually(() => runs.length === 1);

    await takeDown(server.current);
    await server.current.restart();
    finish.open();

    expect((await endedOutcomes(pawl, job)).at(-1)).toBe("succeeded");
    // The crash took the claim with it, so that the job was at its first attempt once more.
    expect(runs).toEqual([1, 1]);
  });

  it("loses no job of many when the server crashes in the middle", async () => {
    const pawl = await freshPawl(server.current.url);
    const ran = new Set<number>();
    const noting = task.handle(({ payload }) => void ran.add(payload));
    await startUnluckyWorker(pawl, { handlers: [noting], concurrency: 10 });
    const numbers = Array.from({ length: 20_000 }, (_, n) => n);
    await pawl.enqueueMany(numbers.map((n) => task.job(n)));
    await eventually(() => ran.size > 500, { within });

    await takeDown(server.current);
    await server.current.restart();
    await eventually(
      async () =>
        (await execute(`select from "${pawl.schema}".jobs limit 1`, [], server.current.url))
          .length === 0,
      { within: 45_000 },
    );

    expect(ran.size).toBe(numbers.length);
    const [row] = await execute(
      `select count(*)::int as rows, count(distinct id)::int as jobs
         from "${pawl.schema}".history where final and outcome = 'succeeded'`,
      [],
      server.current.url,
    );
    expect(row).toEqual({ rows: numbers.length, jobs: numbers.length });
  }, 80_000);

  it.each([
    ["an idle worker", undefined],
    ["a handler that ignores its signal", forever],
  ])(
    "does not keep a worker from stopping: with %s",
    async (_, run) => {
      const pawl = await freshPawl(server.current.url);
      const handler = task.handle(() => run?.());
      const worker = await startUnluckyWorker(pawl, { handlers: [handler] });
      if (run !== undefined) await pawl.enqueue(task, 1);
      await eventually(() => worker.health().running === (run === undefined ? 0 : 1));

      await takeDown(server.current);
      const startedAt = performance.now();
      await worker.stop({ grace: "100ms" });
      await worker.finished;

      expect(worker.state).toBe("terminated");
      expect(performance.now() - startedAt).toBeLessThan(20_000);
    },
    40_000,
  );

  it("does not keep a worker from stopping that has never reached the database", async () => {
    const { url } = server.current;
    await takeDown(server.current);
    const pawl = new Pawl({ database: url, schema: freshSchemaName() });
    const worker = await startUnluckyWorker(pawl, { handlers });

    const startedAt = performance.now();
    await pawl.close();

    expect(worker.state).toBe("terminated");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe("a database that no waiting brings back", () => {
  it("is an error of the start", async () => {
    const url = new URL(databaseUrl());
    url.pathname = "/there_is_no_such_database";
    const pawl = new Pawl({ database: url.href });
    onTestFinished(() => pawl.close());
    const worker = makeWorker(pawl, { handlers });

    await expect(worker.start()).rejects.toThrow(DatabaseError);

    expect(worker.state).toBe("terminated");
  });
});

describe("connections that go silent", () => {
  it("are given up after the deadline when the whole server is frozen, and the worker goes on when it wakes", async () => {
    const patient = await freshPawl(server.current.url);
    const database = pgDatabase(server.current.url, { queryTimeout: "700ms" });
    const pawl = new Pawl({ database, schema: patient.schema });
    onTestFinished(async () => {
      await pawl.close();
      await database.close();
    });
    const worker = await startUnluckyWorker(pawl, { handlers });
    await eventually(() => worker.health().isReady);

    const wake = freeze(server.current);
    await eventually(() => !worker.health().isReady && worker.errors.length > 2, { within });
    wake();
    const { job } = await patient.enqueue(task, 1);

    // The server may still do a claim that was given up while it was frozen: what it took is given back.
    const outcomes = await endedOutcomes(patient, job);
    expect(outcomes.filter((outcome) => outcome !== "released")).toEqual(["succeeded"]);
    await eventually(() => worker.health().isReady, { within });
    expect(worker.errors).toContainEqual(
      expect.objectContaining({ code: "PAWL_DATABASE_TIMEOUT" }),
    );
  });

  it("are replaced when the network between has forgotten them, listener and heartbeat included", async () => {
    const proxy = await startTcpProxy();
    const { schema } = await freshPawl();
    const database = pgDatabase(proxy.url, { queryTimeout: "700ms" });
    const pawl = new Pawl({ database, schema });
    onTestFinished(async () => {
      await pawl.close();
      await database.close();
    });
    const worker = await startUnluckyWorker(pawl, { handlers });
    await eventually(() => worker.health().isReady);

    proxy.silence();
    const silencedAt = Date.now();
    const { job } = await pawl.enqueue(task, 1);

    // A claim whose reply took too long on a busy machine is given back.
    const outcomes = await endedOutcomes(pawl, job);
    expect(outcomes.filter((outcome) => outcome !== "released")).toEqual(["succeeded"]);
    await eventually(() => Number(worker.health().lastBeatAt) > silencedAt, { within });
    await eventually(() => worker.health().isReady, { within });
  });
});

describe("sessions that are ended every 100 ms for three seconds, under load", () => {
  it("lose nothing, run nothing unexpected, and leave no rejection unhandled", async () => {
    const { schema } = await freshPawl();
    const program = fileURLToPath(new URL("../fixtures/storm.mjs", import.meta.url));
    const child = fork(program, [namedUrl(schema), schema], { execArgv: [], stdio: "inherit" });
    onTestFinished(() => void child.kill("SIGKILL"));
    const exited = once(child, "exit");
    await once(child, "message");

    const isEnough = async (): Promise<boolean> =>
      (await execute(`select from "${schema}".history limit 101`)).length > 100;
    for (let strike = 0; strike < 30 || !(await isEnough()); strike++) {
      await after(100);
      await execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
        [schema],
      );
    }
    child.send("over");
    const [{ acknowledged, rejected, errors }] = (await once(child, "message")) as [
      { acknowledged: string[]; rejected: string[]; errors: string[] },
    ];
    await eventually(async () => (await execute(`select from "${schema}".jobs`)).length === 0, {
      within: 20_000,
    });
    child.send("close");
    const [{ unhandled }] = (await once(child, "message")) as [{ unhandled: number }];
    const [status] = (await exited) as [number | null];

    const succeeded = await execute<{ id: string }>(
      `select id::text from "${schema}".history where final and outcome = 'succeeded'`,
    );
    const ids = succeeded.map(({ id }) => id);
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(rejected).toEqual([]);
    expect(ids).toHaveLength(new Set(ids).size);
    expect(new Set(ids)).toEqual(new Set(acknowledged));
    expect(errors.length).toBeGreaterThan(0);
    expect({ unhandled, status }).toEqual({ unhandled: 0, status: 0 });
  }, 40_000);
});
