import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { defineTask, typed, type Pawl } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { startWorker } from "../support/producer.ts";

const mishap = new RangeError("failed on purpose");
const note = defineTask({ name: "note", payload: typed<string>(), retry: "none" });
const handlers = [note.handle(() => "done")];

async function pawlWithNotes(): Promise<{ pawl: Pawl; notes: () => Promise<unknown[]> }> {
  const pawl = await freshPawl();
  await execute(`create table "${pawl.schema}".notes (note text)`);
  const notes = async (): Promise<unknown[]> => {
    const rows = await execute<{ note: string }>(`select note from "${pawl.schema}".notes`);
    return rows.map((row) => row.note);
  };
  return { pawl, notes };
}

describe("work-once runs one job in one transaction", () => {
  it("gives null when there is none, and the job when it is done", async () => {
    const pawl = await freshPawl();
    const nothing = await pawl.workOnce({ handlers });
    const [first, second] = await pawl.enqueueMany([note.job("first"), note.job("second")]);

    const something = await pawl.workOnce({ handlers });

    expect(nothing).toBeNull();
    expect(something).toEqual({ job: expect.objectContaining({ id: first?.job.id }) });
    expect(await pawl.jobs.get(second?.job ?? "")).toMatchObject({ state: "ready" });
  });

  it("gives the exception of a failed job and does not throw it", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(note, "fails");

    const worked = await pawl.workOnce({ handlers: [note.handle(() => Promise.reject(mishap))] });

    expect(worked).toEqual({ job: expect.objectContaining({ id: job.id }), error: mishap });
    expect(await endedOutcomes(pawl, job)).toEqual(["failed"]);
  });

  it("looks at its queues in their order", async () => {
    const pawl = await freshPawl();
    const ran: unknown[] = [];
    for (const queue of ["a", "b", "c"]) await pawl.enqueue(note, queue, { queue });

    for (let turn = 0; turn < 4; turn += 1) {
      const worked = await pawl.workOnce({ queues: ["c", "a", "b"], handlers });
      ran.push(worked?.job.queue ?? null);
    }

    expect(ran).toEqual(["c", "a", "b", null]);
  });

  it("holds the job by a row lock, so that a crash gives it back at once", async () => {
    const { pawl, notes } = await pawlWithNotes();
    const hang = defineTask({ name: "hang", transactional: true });
    const { job } = await pawl.enqueue(hang);
    const program = fileURLToPath(new URL("../fixtures/work-once.mjs", import.meta.url));
    const given = JSON.stringify({ url: databaseUrl(), schema: pawl.schema });
    const child = fork(program, [given], { execArgv: [] });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child, "message");
    const taking = { handlers: [hang.handle(() => "done")] };
    const meanwhile = await pawl.workOnce(taking);

    child.kill("SIGKILL");
    await once(child, "exit");
    const worked = await eventually(() => pawl.workOnce(taking), { within: 5_000 });

    expect(meanwhile).toBeNull();
    expect(worked).toMatchObject({ job: { id: job.id, attempt: 1, failures: 0 } });
    expect(await notes()).toEqual([]);
  });
});

describe("the transaction of a job commits its writes if and only if the job is done", () => {
  const writes = defineTask({
    name: "writes",
    payload: typed<{ text: string; fails: boolean }>(),
    transactional: true,
    retry: "none",
  });
  const writing = (pawl: Pawl) => [
    writes.handle(async ({ tx, payload }) => {
      await tx.query(`insert into "${pawl.schema}".notes values ($1)`, [payload.text]);
      if (payload.fails) throw mishap;
    }),
  ];

  it.each(["a worker", "workOnce"])("in %s", async (who) => {
    const { pawl, notes } = await pawlWithNotes();
    const kept = await pawl.enqueue(writes, { text: "kept", fails: false });
    const undone = await pawl.enqueue(writes, { text: "undone", fails: true });

    if (who === "a worker") {
      const worker = await startWorker(pawl, { handlers: writing(pawl) });
      worker.on("failed", () => undefined);
    } else {
      for (let turn = 0; turn < 2; turn += 1) await pawl.workOnce({ handlers: writing(pawl) });
    }

    expect(await endedOutcomes(pawl, kept.job)).toEqual(["succeeded"]);
    expect(await endedAttempts(pawl, undone.job)).toMatchObject([
      { outcome: "failed", error: { name: "RangeError", message: "failed on purpose" } },
    ]);
    expect(await notes()).toEqual(["kept"]);
  });
});

describe("a job whose task a worker does not know", () => {
  const strange = defineTask({ name: "strange", payload: typed<string>() });
  const knowing = [strange.handle(() => "done")];

  it("is left to a living worker that does, and blocks nobody meanwhile", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, concurrency: 1 });
    const [stranger] = await pawl.enqueueMany(
      Array.from({ length: 50 }, () => strange.job("first in line", { priority: -1 })),
    );
    const behind = await pawl.enqueue(note, "behind them");
    const ended = await endedOutcomes(pawl, behind.job);
    const waiting = await pawl.jobs.get(stranger?.job ?? "");

    await startWorker(pawl, { handlers: knowing });

    expect(ended).toEqual(["succeeded"]);
    expect(waiting).toMatchObject({ state: "ready", attempt: 0, failures: 0 });
    expect(await endedAttempts(pawl, stranger?.job ?? { queue: "", id: "" })).toMatchObject([
      { outcome: "succeeded", attempt: 1 },
    ]);
  });

  it("fails with a clear error when none has known it for the grace period, without retries", async () => {
    const pawl = await freshPawl();
    await startWorker(pawl, { handlers, unknownTaskGrace: "500ms" });

    const { job } = await pawl.enqueue(strange, "nobody's");
    const attempts = await endedAttempts(pawl, job);

    expect(attempts).toMatchObject([
      {
        outcome: "failed",
        final: true,
        startedAt: null,
        error: { code: "PAWL_TASK_UNHANDLED", message: expect.stringMatching(/"strange"/) },
      },
    ]);
    expect(Number(attempts[0]?.finishedAt) - Number(job.runAt)).toBeGreaterThanOrEqual(499);
  });
});
