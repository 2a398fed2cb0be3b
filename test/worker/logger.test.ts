import { Writable } from "node:stream";
import { defineTask, Pawl, typed, type Logger } from "pawl";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeWorker, startUnluckyWorker } from "../fixtures/fresh-pawl.ts";
import { endListener, namedUrl } from "../fixtures/sessions.ts";
import { databaseUrl, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const task = defineTask({
  name: "task",
  payload: typed<{ readonly secret: string; readonly fails: boolean }>(),
  retry: { retries: 1, delays: [0] },
});
const handlers = [
  task.handle(({ payload }) => {
    if (payload.fails) throw new RangeError("failed on purpose");
  }),
];
const patience = { within: 15_000 };
const lease = "30s";

interface LogRecord {
  readonly level: number;
  readonly msg: string;
  readonly worker?: string;
  readonly [field: string]: unknown;
}

/** A logger as applications have it, and what it has written. */
function realLogger(level: string): {
  logger: Logger;
  text: () => string;
  records: () => LogRecord[];
} {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const records = (): LogRecord[] =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogRecord); // pino's
  return { logger: pino({ level }, stream), text: () => text, records };
}

async function loggingPawl(logger: Logger): Promise<Pawl> {
  const pawl = new Pawl({ database: databaseUrl(), schema: freshSchemaName(), logger });
  onTestFinished(() => pawl.close());
  await pawl.migrate();
  return pawl;
}

describe("a logger", () => {
  it("is told what a worker does, and what failed, at the level that fits", async () => {
    const { logger, records } = realLogger("info");
    const pawl = await loggingPawl(logger);
    const worker = makeWorker(pawl, { handlers, lease, name: "ada" });
    await worker.start();
    const { workerId } = worker.health();

    const { job } = await pawl.enqueue(task, { secret: "hush", fails: true });
    await eventually(() => records().length === 3, patience);
    await worker.stop();
    await eventually(() => records().length === 4, patience);

    const error = { name: "RangeError", message: "failed on purpose" };
    const attempt = { worker: "ada", jobId: job.id, task: "task", queue: "default", error };
    expect(records()).toMatchObject([
      { level: 30, worker: "ada", workerId, msg: "worker started" },
      { level: 40, ...attempt, attempt: 1, final: false },
      { level: 50, ...attempt, attempt: 2, final: true },
      { level: 30, worker: "ada", msg: "worker stopped" },
    ]);
  });

  it("is told of every enqueue and attempt when it wants to know", async () => {
    const { logger, records } = realLogger("debug");
    const pawl = await loggingPawl(logger);
    const worker = makeWorker(pawl, { handlers, lease });
    await worker.start();

    const { job } = await pawl.enqueue(task, { secret: "hush", fails: false });
    await eventually(() => records().length === 3, patience);

    expect(records().slice(1)).toMatchObject([
      { level: 20, jobId: job.id, task: "task", outcome: "created", msg: "job enqueued" },
      { level: 20, jobId: job.id, attempt: 1, outcome: "succeeded", msg: "attempt settled" },
    ]);
  });

  it("never sees a payload", async () => {
    const { logger, text, records } = realLogger("debug");
    const pawl = await loggingPawl(logger);
    const worker = makeWorker(pawl, { handlers, lease });
    await worker.start();

    await pawl.enqueue(task, { secret: "hush", fails: true });
    await eventually(() => records().length === 4, patience);

    expect(text()).not.toContain("hush");
  });

  it("is told of an error that the worker gets over, without the password", async () => {
    const { logger, text, records } = realLogger("info");
    const pawl = await loggingPawl(logger);
    const url = new URL(namedUrl(pawl.schema));
    const named = new Pawl({ database: url.href, schema: pawl.schema, logger });
    onTestFinished(() => named.close());
    await startUnluckyWorker(named, { handlers, lease });

    await endListener(pawl.schema);
    const failure = await eventually(() => records().find(({ level }) => level === 40), patience);

    expect(failure).toMatchObject({ err: { type: "DatabaseError" } });
    expect(url.password === "" || !text().includes(url.password)).toBe(true);
  });

  it("of a worker's own takes the place of the Pawl's", async () => {
    const general = realLogger("info");
    const own = realLogger("info");
    const pawl = await loggingPawl(general.logger);

    const worker = makeWorker(pawl, { handlers, lease, logger: own.logger });
    await worker.start();

    expect(own.records()).toMatchObject([{ msg: "worker started" }]);
    expect(general.records()).toEqual([]);
  });
});
