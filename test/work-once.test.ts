import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { defineTask, typed, type Pawl, type TransactionClient } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { clockedPawl } from "./fixtures/clocked-pawl.ts";
import { freshPawl } from "./fixtures/fresh-pawl.ts";
import { databaseUrl, execute } from "./support/database.ts";
import { eventually } from "./support/eventually.ts";

const mishap = new RangeError("failed on purpose");
const plain = defineTask({ name: "plain", payload: typed<string>(), retry: "none" });
const writes = defineTask({
  name: "writes",
  payload: typed<string>(),
  transactional: true,
  retry: { retries: 1, delays: ["1h"] },
});

async function notingPawl(): Promise<Pawl> {
  const pawl = await freshPawl();
  await execute(`create table "${pawl.schema}".notes (note text)`);
  return pawl;
}

async function notes({ schema }: Pawl): Promise<unknown[]> {
  const rows = await execute<{ note: string }>(`select note from "${schema}".notes order by 1`);
  return rows.map(({ note }) => note);
}

/** Handlers that write their payload as a note; what `then` does comes after. */
function noting(pawl: Pawl, then: (tx: TransactionClient) => unknown = () => undefined) {
  return [
    writes.handle(async ({ tx, payload }) => {
      await tx.query(`insert into "${pawl.schema}".notes values ('${payload}')`);
      await then(tx);
    }),
  ];
}

describe("workOnce", () => {
  it("gives null when there is no job", async () => {
    const pawl = await freshPawl();

    expect(await pawl.workOnce({ handlers: [plain.handle(() => "done")] })).toBeNull();
  });

  it("runs one job, and gives it", async () => {
    const pawl = await freshPawl();
    const ran: string[] = [];
    const handlers = [plain.handle(({ payload }) => void ran.push(payload))];
    const [first, second] = await pawl.enqueueMany([plain.job("first"), plain.job("second")]);

    const result = await pawl.workOnce({ handlers });

    expect(result).toEqual({ job: expect.objectContaining({ id: first?.job.id, attempt: 1 }) });
    expect(ran).toEqual(["first"]);
    expect(await outcomes(pawl, first)).toEqual(["succeeded"]);
    expect(await outcomes(pawl, second)).toEqual([]);
  });

  it("commits what the handler wrote together with the job's end", async () => {
    const pawl = await notingPawl();
    const result = await pawl.enqueue(writes, "kept");

    await pawl.workOnce({ handlers: noting(pawl) });

    expect(await notes(pawl)).toEqual(["kept"]);
    expect(await outcomes(pawl, result)).toEqual(["succeeded"]);
  });

  it("gives what a handler threw, undoes what it wrote, and puts the job back as its task says", async () => {
    const pawl = await notingPawl();
    const result = await pawl.enqueue(writes, "undone");

    const worked = await pawl.workOnce({ handlers: noting(pawl, () => Promise.reject(mishap)) });

    expect(worked).toMatchObject({ job: { id: result.job.id } });
    expect(worked?.error).toBe(mishap);
    expect(await notes(pawl)).toEqual([]);
    expect(await outcomes(pawl, result)).toEqual(["failed"]);
    expect(await pawl.jobs.get(result.job)).toMatchObject({ state: "scheduled", failures: 1 });
  });

  it("ends a plain task's job that fails without a retry", async () => {
    const pawl = await freshPawl();
    const result = await pawl.enqueue(plain, "fails");

    const worked = await pawl.workOnce({ handlers: [plain.handle(() => Promise.reject(mishap))] });

    expect(worked?.error).toBe(mishap);
    expect(await outcomes(pawl, result)).toEqual(["failed"]);
    expect(await pawl.jobs.get(result.job)).toMatchObject({ state: "finished" });
  });

  it.each([
    ["swallows an SQL error", (tx: TransactionClient) => tx.query("select 1 / 0").catch(() => 0)],
    ["says rollback", (tx: TransactionClient) => tx.query("rollback").catch(() => 0)],
    [
      "loses its connection",
      (tx: TransactionClient) => tx.query("select pg_terminate_backend(pg_backend_pid())"),
    ],
  ])("records the failure of a handler that %s", async (_what, breaks) => {
    const pawl = await notingPawl();
    const result = await pawl.enqueue(writes, "undone");

    const worked = await pawl.workOnce({ handlers: noting(pawl, breaks) });

    expect(worked?.error).toBeInstanceOf(Error);
    expect(await notes(pawl)).toEqual([]);
    expect(await outcomes(pawl, result)).toEqual(["failed"]);
    expect(await pawl.jobs.get(result.job)).toMatchObject({
      state: "scheduled",
      attempt: 1,
      failures: 1,
    });
  });

  it("records the failure of a deferred constraint", async () => {
    const pawl = await notingPawl();
    await execute(
      `alter table "${pawl.schema}".notes add unique (note) deferrable initially deferred`,
    );
    const result = await pawl.enqueue(writes, "twice");
    const handlers = noting(pawl, (tx) =>
      tx.query(`insert into "${pawl.schema}".notes values ('twice')`),
    );

    const worked = await pawl.workOnce({ handlers });

    expect(worked?.error).toBeInstanceOf(Error);
    expect(await notes(pawl)).toEqual([]);
    expect(await outcomes(pawl, result)).toEqual(["failed"]);
  });

  it("takes the queues in their order", async () => {
    const pawl = await freshPawl();
    const ran: string[] = [];
    const handlers = [plain.handle(({ payload }) => void ran.push(payload))];
    for (const queue of ["a", "b", "c"]) await pawl.enqueue(plain, queue, { queue });

    for (let turn = 0; turn < 3; turn += 1) {
      await pawl.workOnce({ queues: ["c", "a", "b"], handlers });
    }

    expect(ran).toEqual(["c", "a", "b"]);
    expect(await pawl.workOnce({ queues: ["c", "a", "b"], handlers })).toBeNull();
  });

  it("takes any queue when none is named, and leaves others alone when some are", async () => {
    const pawl = await freshPawl();
    const handlers = [plain.handle(() => "done")];
    const { job } = await pawl.enqueue(plain, "there", { queue: "somewhere" });

    expect(await pawl.workOnce({ queues: ["elsewhere"], handlers })).toBeNull();
    expect(await pawl.workOnce({ handlers })).toMatchObject({ job: { id: job.id } });
  });

  it("leaves jobs of unknown tasks alone", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(writes, "unknown");
    const known = await pawl.enqueue(plain, "known");
    const handlers = [plain.handle(() => "done")];

    expect(await pawl.workOnce({ handlers })).toMatchObject({ job: { id: known.job.id } });
    expect(await pawl.workOnce({ handlers })).toBeNull();
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "ready", attempt: 0 });
  });

  it("gives a job back at once when its process is killed", async () => {
    const pawl = await notingPawl();
    const hang = defineTask({ name: "hang", transactional: true });
    const { job } = await pawl.enqueue(hang);
    const program = fileURLToPath(new URL("fixtures/work-once.mjs", import.meta.url));
    const given = JSON.stringify({ url: databaseUrl(), schema: pawl.schema });
    const child = fork(program, [given], { execArgv: [] });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child, "message");
    const handlers = [hang.handle(() => "done")];
    expect(await pawl.workOnce({ handlers })).toBeNull();

    child.kill("SIGKILL");
    await once(child, "exit");
    const worked = await eventually(() => pawl.workOnce({ handlers }), { within: 5_000 });

    expect(worked).toMatchObject({ job: { id: job.id, attempt: 1 } });
    expect(await notes(pawl)).toEqual([]);
  });
});

async function outcomes(
  pawl: Pawl,
  result: { readonly job: { readonly queue: string; readonly id: string } } | undefined,
): Promise<string[]> {
  if (result === undefined) return [];
  return (await pawl.history.attempts(result.job)).map(({ outcome }) => outcome);
}
