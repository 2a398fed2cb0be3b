import { defineTask, Pawl, typed } from "pawl";
import { Pool } from "pg";
import { expect, it, onTestFinished } from "vitest";
import { endedOutcomes } from "../fixtures/attempts.ts";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

it("runs Byplay's quickstart, from its set-up to its shutdown by a signal", async () => {
  const schema = freshSchemaName();
  const pool = new Pool({ connectionString: databaseUrl() });
  onTestFinished(() => pool.end());

  // Initialization: safe more than once.
  const pawl = new Pawl({ database: pool, schema });
  onTestFinished(() => pawl.close());
  await pawl.migrate();
  await pawl.migrate();
  await execute(`create table ${schema}.sums (queue text, sum integer)`);

  // Job definition.
  const myJob = defineTask({
    name: "my-job",
    payload: typed<{ x: number; y: number; z: number }>(),
    queue: "my-queue",
    transactional: true,
    retry: "none",
  });
  const running: number[] = [];
  const mayEnd = gate();
  const myJobHandler = myJob.handle(async ({ tx, job, payload: { x, y, z } }) => {
    running.push(x);
    await tx.query(`insert into ${schema}.sums values ($1, $2)`, [job.queue, x + y + z]);
    if (x < 0) throw new RangeError(`expected x to be positive, got ${x}`);
    if (x === 100) await mayEnd.opened;
  });

  // Scheduling, in a transaction of the application's.
  const connection = await pool.connect();
  await connection.query("begin");
  const { job } = await pawl.enqueue(myJob, { x: 1, y: 2, z: 3 }, { db: connection });
  await pawl.enqueue(myJob, { x: 4, y: 5, z: 6 }, { db: connection, queue: "another-queue" });
  await connection.query("commit");
  connection.release();

  // Working.
  const failures: string[] = [];
  const worker = pawl.worker({
    handlers: [myJobHandler],
    concurrency: 2,
    queues: ["my-queue"],
    pollInterval: "5s",
    onFailed: ({ job: { queue, task }, error }) => {
      failures.push(`${task} in ${queue}: ${String(error)}`);
    },
  });
  await worker.start();
  expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
  await pawl.enqueue(myJob, { x: -1, y: 0, z: 0 });
  await eventually(() => failures.length === 1);

  // Shutdown.
  process.once("SIGTERM", () => void worker.stop());
  const long = await pawl.enqueue(myJob, { x: 100, y: 0, z: 0 });
  await eventually(() => running.includes(100));
  process.kill(process.pid, "SIGTERM");
  await eventually(() => worker.state === "stopping");
  const late = await pawl.enqueue(myJob, { x: 7, y: 8, z: 9 });
  mayEnd.open();
  await worker.finished;

  expect(worker.state).toBe("terminated");
  expect(failures).toEqual(["my-job in my-queue: RangeError: expected x to be positive, got -1"]);
  expect(await endedOutcomes(pawl, long.job)).toEqual(["succeeded"]);
  expect(await pawl.jobs.get(late.job)).toMatchObject({ state: "ready", attempt: 0 });
  expect(await execute(`select queue, sum from ${schema}.sums order by sum`)).toEqual([
    { queue: "my-queue", sum: 6 },
    { queue: "my-queue", sum: 100 },
  ]);
  expect((await pawl.jobs.list({ queue: "another-queue" })).jobs).toHaveLength(1);
});
