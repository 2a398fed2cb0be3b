import { expect, it, onTestFinished } from "vitest";
import { defineTask, Pawl, type JobReference, type HistoryAttempt, type WorkerOptions } from "pawl";
import { freshSchemaName } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import type { Driver } from "./driver.ts";

const patience = { within: 15_000 };
const note = defineTask({ name: "note" });
const book = defineTask({
  name: "book",
  transactional: true,
  retry: { retries: 1, delays: ["10ms"] },
});

/** What an application does with Pawl, on each driver. */
export function workerClauses(driver: Driver): void {
  it("runs a job", async () => {
    const app = await startApp(driver);
    let runs = 0;
    await app.work({ handlers: [note.handle(() => (runs += 1))] });

    const { job } = await app.pawl.enqueue(note);

    expect(await app.outcomes(job)).toEqual(["succeeded"]);
    expect(runs).toBe(1);
  });

  it("runs a job that is due later", async () => {
    const app = await startApp(driver);
    await app.work({ handlers: [note.handle(() => undefined)] });

    const { job } = await app.pawl.enqueue(note, undefined, { delay: "200ms" });

    expect(job.state).toBe("scheduled");
    expect(await app.outcomes(job)).toEqual(["succeeded"]);
  });

  it("enqueues with the commit of the caller's transaction", async () => {
    const app = await startApp(driver);
    const user = await driver.beginAsUser(app.url);
    await user.query(`insert into ${app.schema}.notes values ('kept')`);

    const { job } = await app.pawl.enqueue(note, undefined, { db: user.db as object });

    await user.commit();
    await user.end();
    expect(await app.pawl.jobs.get(job)).toMatchObject({ task: "note", state: "ready" });
    expect(await app.notes()).toEqual(["kept"]);
  });

  it("enqueues nothing when the caller's transaction rolls back", async () => {
    const app = await startApp(driver);
    const user = await driver.beginAsUser(app.url);

    const { job } = await app.pawl.enqueue(note, undefined, { db: user.db as object });

    await user.rollback();
    await user.end();
    expect(await app.pawl.jobs.get(job)).toBeUndefined();
  });

  it("commits what a transactional handler wrote and enqueued", async () => {
    const app = await startApp(driver);
    const noted: unknown[] = [];
    await app.work({
      handlers: [
        note.handle(({ job }) => noted.push(job.id)),
        book.handle(async ({ tx, enqueue }) => {
          await driver.queryHandle(tx, `insert into ${app.schema}.notes values ('booked')`);
          await enqueue(note);
        }),
      ],
    });

    const { job } = await app.pawl.enqueue(book);

    expect(await app.outcomes(job)).toEqual(["succeeded"]);
    expect(await app.notes()).toEqual(["booked"]);
    await eventually(() => noted.length === 1, patience);
  });

  it("rolls back what a transactional handler wrote before it failed, and tries again", async () => {
    const app = await startApp(driver);
    const handle = book.handle(async ({ tx, job, enqueue }) => {
      await driver.queryHandle(tx, `insert into ${app.schema}.notes values ('${job.attempt}')`);
      await enqueue(note);
      if (job.attempt === 1) throw new Error("not yet");
    });
    await app.work({ queues: ["books"], handlers: [handle] });

    const { job } = await app.pawl.enqueue(book, undefined, { queue: "books" });

    expect(await app.outcomes(job)).toEqual(["failed", "succeeded"]);
    expect(await app.notes()).toEqual(["2"]);
  });

  it("is woken by an enqueue", async () => {
    const app = await startApp(driver);
    await app.work({ pollInterval: "1h", handlers: [note.handle(() => undefined)] });
    const idle = `select from ${app.schema}.workers where idle`;
    await eventually(
      async () => (await driver.server.execute(idle, [], app.url)).length === 1,
      patience,
    );

    const { job } = await app.pawl.enqueue(note);

    expect(await app.outcomes(job)).toEqual(["succeeded"]);
  });

  it("stops, and leaves the application its connections", async () => {
    const app = await startApp(driver);
    const worker = await app.work({ handlers: [note.handle(() => undefined)] });

    await app.pawl.close();

    expect(worker.state).toBe("terminated");
    const workers = `select ended_at is not null as ended from ${app.schema}.workers`;
    expect(await driver.server.execute(workers, [], app.url)).toEqual([{ ended: true }]);
  });

  if (driver.sessions === "one") oneSessionClauses(driver);
}

function oneSessionClauses(driver: Driver): void {
  it("refuses what a transactional handler does beside its transaction", async () => {
    const app = await startApp(driver);
    const refusals: unknown[] = [];
    const handle = book.handle(async ({ tx }) => {
      const beside = [
        () => app.pawl.enqueue(note),
        () => app.pawl.history.attempts({ queue: "default", id: crypto.randomUUID() }),
      ];
      for (const call of beside) {
        refusals.push(await codeOf(call()));
      }
      await app.pawl.enqueue(note, undefined, { db: tx });
    });
    await app.work({ queues: ["books"], handlers: [handle] });

    const { job } = await app.pawl.enqueue(book, undefined, { queue: "books" });

    expect(await app.outcomes(job)).toEqual(["succeeded"]);
    expect(refusals).toEqual(["PAWL_TRANSACTION_REQUIRED", "PAWL_TRANSACTION_REQUIRED"]);
  });

  it("lets what others do wait for a transactional handler", async () => {
    const app = await startApp(driver);
    let begun = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    let finish = (): void => undefined;
    const mayFinish = new Promise<void>((resolve) => (finish = resolve));
    const handle = book.handle(async () => {
      begun();
      await mayFinish;
    });
    const worker = await app.work({ lease: "1s", queues: ["books"], handlers: [handle] });
    const { job } = await app.pawl.enqueue(book, undefined, { queue: "books" });
    await hasBegun;

    const enqueued = app.pawl.enqueue(note);
    finish();

    expect((await enqueued).outcome).toBe("created");
    expect(await app.outcomes(job)).toEqual(["succeeded"]);
    expect(worker.health().heartbeat).toBe("event loop");
  });
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  return Reflect.get(Object(error), "code");
}

interface App {
  readonly pawl: Pawl;
  readonly schema: string;
  readonly url: string;
  work(options: WorkerOptions): Promise<ReturnType<Pawl["worker"]>>;
  /** The outcomes of a job's attempts, once it has ended. */
  outcomes(job: JobReference): Promise<HistoryAttempt["outcome"][]>;
  notes(): Promise<string[]>;
}

async function startApp(driver: Driver): Promise<App> {
  const schema = freshSchemaName();
  const url = driver.server.databaseUrl();
  const { execute } = driver.server;
  const database = driver.open(url);
  const pawl = new Pawl({ database, schema });
  onTestFinished(async () => {
    await pawl.close();
    await execute(`drop schema ${schema} cascade`, [], url);
    await database.close();
  });
  await pawl.migrate();
  await execute(`create table ${schema}.notes (text text)`, [], url);
  return {
    pawl,
    schema,
    url,
    async work(options) {
      const worker = pawl.worker({ pollInterval: "200ms", shutdownGrace: 0, ...options });
      worker.on("error", () => undefined);
      await worker.start();
      return worker;
    },
    outcomes: (job) =>
      eventually(async () => {
        const attempts = await pawl.history.attempts(job);
        return attempts.at(-1)?.final === true && attempts.map(({ outcome }) => outcome);
      }, patience),
    async notes() {
      const text = `select text from ${schema}.notes order by text`;
      return (await execute<{ text: string }>(text, [], url)).map((row) => row.text);
    },
  };
}
