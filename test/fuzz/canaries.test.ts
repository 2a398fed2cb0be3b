import { once } from "node:events";
import { inspect } from "node:util";
import { defineTask, Pawl, typed } from "pawl";
import { expect, it } from "vitest";
import { moduleOf, startPawl } from "../cli/pawl-command.ts";
import { rejectionOf } from "../fixtures/by-hand.ts";
import { freshPawl, startUnluckyWorker } from "../fixtures/fresh-pawl.ts";
import { execute, freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

// Nothing that is logged may contain any of these.
const payload = "canary-in-a-payload";
const password = "canary-in-a-password";
const partial = "canary-in-partial-results";
const output = "canary-in-an-output";
const canaries = [payload, password, partial, output];
const within = 60_000;

/** What goes wrong in a worker, each with the payload `{ secret }`. */
const mishaps = `
  import { cancel, defineTask, partialSuccess, rateLimited, snooze, typed } from "pawl";
  const retry = { retries: 1, delays: [0] };
  const secret = typed();
  const choosy = { "~standard": { version: 1, vendor: "canary", validate: () => ({ issues: [{ message: "no" }] }) } };
  const make = (name, run, more = {}) => defineTask({ name, payload: secret, retry, run, ...more });
  export const tasks = [
    make("throws", () => { throw new Error("it went wrong"); }),
    make("throws-nothing", () => { throw undefined; }),
    make("throws-what-has-no-end", () => { const e = new Error("round"); e.cause = e; throw e; }),
    make("takes-too-long", ({ signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason))),
      { timeout: 50 }),
    make("ignores-its-timeout", () => new Promise((done) => setTimeout(done, 300)), { timeout: 50 }),
    make("refuses", () => undefined, { payload: choosy }),
    make("returns-no-json", () => ({ kept: ${JSON.stringify(output)}, n: 1n }), { storeOutput: true }),
    make("returns", () => ({ kept: ${JSON.stringify(output)} }), { storeOutput: true }),
    make("does-a-part", () => partialSuccess({ completedSteps: [${JSON.stringify(partial)}] })),
    make("does-no-json", () => partialSuccess({ results: { kept: ${JSON.stringify(partial)}, n: 1n } })),
    make("snoozes", ({ job }) => job.attempt === 1 ? snooze(0) : cancel("enough")),
    make("is-limited", ({ job }) => job.attempt === 1 ? rateLimited({ retryAfter: 0 }) : undefined),
    make("fails-in-its-transaction", async ({ tx }) => { await tx.query("select 1 / 0"); }, { transactional: true }),
    make("ends-its-session", async ({ tx }) => {
      await tx.query("select pg_terminate_backend(pg_backend_pid())");
    }, { transactional: true }),
    make("commits-by-hand", async ({ tx }) => { await tx.query("commit"); }, { transactional: true }),
    make("blocks", () => { const until = Date.now() + 700; while (Date.now() < until); }),
  ];`;
const names = [...mishaps.matchAll(/make\("([\w-]+)"/g)].map(([, name]) => name ?? "");

function expectNone(text: string): void {
  expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
}

it(
  "logs no payload, output or password, whatever goes wrong in a worker",
  { timeout: 120_000 },
  async () => {
    const own = await freshDatabase();
    const pawl = await freshPawl(own);
    const url = new URL(own);
    url.password ||= password;
    const tasks = moduleOf("mishaps.mjs", mishaps);
    for (const name of [...names, "nobody-handles-it"]) {
      await pawl.enqueueByName(name, { secret: payload }, { correlationId: name });
    }

    const worker = startPawl([
      ...["work", "--tasks", tasks, "--database", url.href, "--schema", pawl.schema],
      ...["--concurrency", "4", "--lease", "500"],
    ]);
    const ended = async (): Promise<number> => {
      const { attempts } = await pawl.history.list({ final: true, limit: 1_000 });
      return new Set(attempts.map(({ id }) => id)).size;
    };
    await eventually(async () => (await ended()) >= names.length, { within });
    // Every session is lost once, and the tables go away from under the worker.
    await execute(
      `select pg_terminate_backend(pid) from pg_stat_activity
      where pid <> pg_backend_pid() and datname = current_database()`,
      [],
      own,
    );
    await execute(`alter table ${pawl.schema}.jobs rename to hidden`, [], own);
    await worker.says("does not exist");
    await execute(`alter table ${pawl.schema}.hidden rename to jobs`, [], own);
    worker.process.kill("SIGTERM");
    const { stdout, stderr } = await worker.ended;

    for (const name of ["throws", "takes-too-long", "refuses"]) {
      expect(stderr).toContain(`"task":"${name}"`);
    }
    expectNone(stdout + stderr);
  },
);

it(
  "throws and emits no error that shows a payload or a password",
  { timeout: 60_000 },
  async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", payload: typed<unknown>(), retry: "none" });
    const strict = defineTask({
      name: "strict",
      payload: {
        "~standard": {
          version: 1 as const,
          vendor: "canary",
          validate: () => ({ issues: [{ message: "not this" }] }),
        },
      },
    });
    const errors: unknown[] = [];
    for (const bad of [NaN, 1n, "a\0b", new Map([["key", payload]]), () => payload]) {
      errors.push(await rejectionOf(pawl.enqueue(task, { secret: payload, bad })));
      errors.push(await rejectionOf(pawl.enqueueMany([task.job({ secret: payload, bad })])));
    }
    errors.push(await rejectionOf(pawl.enqueue(strict, { secret: payload } as never)));
    errors.push(await rejectionOf(pawl.enqueue(task, payload.repeat(100_000))));
    const nowhere = new Pawl({ database: `postgres://ada:${password}@127.0.0.1:1/app` });
    errors.push(await rejectionOf(nowhere.migrate()));
    errors.push(await rejectionOf(nowhere.queues.list()));
    await nowhere.close();

    const handlers = [task.handle(({ payload }) => Promise.reject(new Error(typeof payload)))];
    const worker = await startUnluckyWorker(pawl, { handlers });
    const failed = once(worker, "failed");
    await pawl.enqueue(task, { secret: payload });
    const events = await failed;
    await execute(`drop schema ${pawl.schema} cascade`);
    errors.push(await rejectionOf(pawl.enqueue(task, { secret: payload })));
    await eventually(() => worker.errors.length > 0);

    expect(errors.every((error) => error instanceof Error)).toBe(true);
    for (const shown of [...errors, ...worker.errors, ...events]) {
      expectNone(inspect(shown, { depth: Infinity, maxStringLength: Infinity }));
    }
  },
);
