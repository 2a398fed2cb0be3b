import { defineTask, OptionError, typed, type Pawl, type WorkerOptions } from "pawl";
import { pgDatabase } from "pawl/pg";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, makeWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { intercepted, recorder } from "../support/intercepted-database.ts";

const note = defineTask({ name: "note", payload: typed<string>() });
const within = 30_000;
// What a worker asks for by the clock, however many looks for jobs there are meanwhile.
const chores = /\.workers|promote_due_jobs|make_history_partition/;

/** Runs a worker that notes the payloads of its jobs, one after another. */
async function noting(
  pawl: Pawl,
  options: Omit<WorkerOptions, "handlers"> = {},
): Promise<readonly string[]> {
  const noted: string[] = [];
  const handlers = [note.handle(({ payload }) => void noted.push(payload))];
  await startWorker(pawl, { concurrency: 1, lease: "30s", ...options, handlers });
  return noted;
}

/** A transaction with an id, as every one that has written has. */
async function openTransaction(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl() });
  onTestFinished(() => client.end());
  await client.connect();
  await client.query("begin");
  await client.query("select pg_current_xact_id()");
  return client;
}

describe("the queues of a worker", () => {
  it("are drained in the order in which they are given", async () => {
    const pawl = await freshPawl();
    for (const queue of ["a", "b", "c"]) {
      await pawl.enqueueMany(
        Array.from({ length: 20 }, (_, n) => note.job(`${queue}${n}`, { queue })),
      );
    }

    const noted = await noting(pawl, { queues: ["c", "a", "b"] });
    await eventually(() => noted.length === 60, { within });

    const numbered = (queue: string): string[] =>
      Array.from({ length: 20 }, (_, n) => `${queue}${n}`);
    expect(noted).toEqual([...numbered("c"), ...numbered("a"), ...numbered("b")]);
  });

  it("are looked at in order again after each job, so that an earlier queue goes first", async () => {
    const pawl = await freshPawl();
    const noted: string[] = [];
    const first = gate();
    const handler = note.handle(async ({ payload }) => {
      noted.push(payload);
      await first.opened;
    });
    await pawl.enqueueMany(["b1", "b2"].map((text) => note.job(text, { queue: "b" })));
    await startWorker(pawl, { queues: ["a", "b"], concurrency: 1, handlers: [handler] });
    await eventually(() => noted.length === 1);

    await pawl.enqueue(note, "a1", { queue: "a" });
    first.open();
    await eventually(() => noted.length === 3);

    expect(noted).toEqual(["b1", "a1", "b2"]);
  });

  it("are any queue when none is given, also those made later", async () => {
    const pawl = await freshPawl();
    await pawl.enqueue(note, "early", { queue: "early" });

    const noted = await noting(pawl);
    await eventually(() => noted.includes("early"));
    await pawl.enqueue(note, "late", { queue: "late" });

    await eventually(() => noted.includes("late"));
    expect(noted).toEqual(["early", "late"]);
  });

  it("are the only ones that it serves", async () => {
    const pawl = await freshPawl();
    const { job: other } = await pawl.enqueue(note, "other", { queue: "other" });
    const { job: own } = await pawl.enqueue(note, "own", { queue: "own" });

    const noted = await noting(pawl, { queues: ["own", "empty"] });
    await endedOutcomes(pawl, own);

    expect(noted).toEqual(["own"]);
    expect(await pawl.jobs.get(other)).toMatchObject({ state: "ready", attempt: 0 });
  });

  it("take turns when it serves any, so that a short one does not wait for a long one", async () => {
    const pawl = await freshPawl();
    await pawl.enqueueMany(
      Array.from({ length: 300 }, (_, n) => note.job(`long${n}`, { queue: "long" })),
    );
    await pawl.enqueue(note, "short", { queue: "short" });

    const noted = await noting(pawl);
    await eventually(() => noted.length === 301, { within });

    expect(noted.indexOf("short")).toBeLessThan(150);
  });

  it.each(["a,b", "{}", '"quoted"', "back\\slash", "NULL", " ", "it's", "ü".repeat(31), "%"])(
    "may be called %j",
    async (queue) => {
      const pawl = await freshPawl();
      const { job } = await pawl.enqueue(note, "found", { queue });

      await noting(pawl, { queues: [queue, "other"] });

      expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    },
  );

  it.each([
    ["an empty list", []],
    ["an empty name", [""]],
    ["a name that is too long", ["q".repeat(64)]],
  ])("are refused when they are %s", async (_, queues) => {
    const pawl = await freshPawl();

    expect(() => makeWorker(pawl, { queues, handlers: [note.handle(() => undefined)] })).toThrow(
      OptionError,
    );
  });
});

describe("a thousand queues", { timeout: 60_000 }, () => {
  const names = Array.from({ length: 1_000 }, (_, n) => `queue ${n}`);

  it.each([
    ["named", names],
    ["any", undefined],
  ])("are all served by one worker (%s)", async (_, queues) => {
    const pawl = await freshPawl();
    await pawl.enqueueMany(names.map((queue) => note.job(queue, { queue })));

    const noted = await noting(pawl, { concurrency: 20, ...(queues && { queues }) });
    await eventually(() => noted.length === 1_000, { within });

    expect(new Set(noted)).toEqual(new Set(names));
  });

  it("cost an idle worker a constant number of statements per look", async () => {
    const { texts, intercept } = recorder();
    const database = intercepted(pgDatabase(databaseUrl()), intercept);
    onTestFinished(() => database.close());
    const pawl = await freshPawl(database);
    const older = await openTransaction();
    await pawl.enqueueMany(names.map((queue) => note.job(queue, { queue })));
    const noted = await noting(pawl, { queues: names, concurrency: 50, pollInterval: "50ms" });
    await eventually(() => noted.length === 1_000, { within });
    await eventually(
      async () => (await execute(`select from "${pawl.schema}".jobs`)).length === 0,
      {
        within,
      },
    );
    const looks = (): number => texts.filter((text) => text.includes("as snapshot")).length;
    const settled = looks() + 3;
    await eventually(() => looks() >= settled, { within });

    texts.length = 0;
    await eventually(() => looks() >= 10, { within });
    await older.query("commit");
    await eventually(() => looks() >= 20, { within });

    expect(texts.filter((text) => text.includes("claim_jobs"))).toEqual([]);
    expect(texts.filter((text) => !chores.test(text)).length).toBeLessThan(100);
  });
});

describe("the order of jobs in a queue", () => {
  it("is by priority, lower first, then by age", async () => {
    const pawl = await freshPawl();
    const priorities = [5, 0, -32_768, 7, 0, -1, 32_767, -1];
    await pawl.enqueueMany(
      priorities.map((priority, place) => note.job(`${priority}/${place}`, { priority })),
    );

    const noted = await noting(pawl);
    await eventually(() => noted.length === priorities.length);

    expect(noted).toEqual(["-32768/2", "-1/5", "-1/7", "0/1", "0/4", "5/0", "7/3", "32767/6"]);
  });

  it("lets an urgent job that comes later go before those that wait", async () => {
    const pawl = await freshPawl();
    const noted: string[] = [];
    const first = gate();
    const handler = note.handle(async ({ payload }) => {
      noted.push(payload);
      await first.opened;
    });
    await pawl.enqueueMany(["first", "second", "third"].map((text) => note.job(text)));
    await startWorker(pawl, { concurrency: 1, handlers: [handler] });
    await eventually(() => noted.length === 1);

    await pawl.enqueue(note, "urgent", { priority: -1 });
    first.open();
    await eventually(() => noted.length === 4);

    expect(noted).toEqual(["first", "urgent", "second", "third"]);
  });

  it("takes the priority of the task, unless the job has its own", async () => {
    const pawl = await freshPawl();
    const urgent = defineTask({ name: "urgent", payload: typed<string>(), priority: -5 });
    const noted: string[] = [];
    const handlers = [note, urgent].map((task) =>
      task.handle(({ payload }) => void noted.push(payload)),
    );
    await pawl.enqueue(note, "plain");
    await pawl.enqueue(urgent, "relaxed", { priority: 5 });
    await pawl.enqueue(urgent, "urgent");

    await startWorker(pawl, { concurrency: 1, handlers });
    await eventually(() => noted.length === 3);

    expect(noted).toEqual(["urgent", "plain", "relaxed"]);
  });

  it("holds for a thousand jobs", async () => {
    const pawl = await freshPawl();
    await pawl.enqueueMany(Array.from({ length: 1_000 }, (_, n) => note.job(String(n))));

    const noted = await noting(pawl);
    await eventually(() => noted.length === 1_000, { within });

    expect(noted).toEqual(Array.from({ length: 1_000 }, (_, n) => String(n)));
  });
});
