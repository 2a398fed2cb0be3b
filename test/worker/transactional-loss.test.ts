import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { execute, databaseUrl } from "../support/database.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { startLossyProxy } from "../support/lossy-proxy.ts";

const retried = defineTask({
  name: "retried",
  transactional: true,
  retry: { retries: 3, delays: [0] },
});
const once = defineTask({ name: "once", transactional: true, retry: "none" });

describe("a transactional handler whose connection dies", () => {
  it.each([
    ["and that notices", false],
    ["and that does not care", true],
  ])("by its own doing, %s, has failed without effects", async (_, isSwallowed) => {
    const engine = await freshEngine();
    const handler = once.handle(async ({ tx }) => {
      await engine.write(tx, "gone");
      const killed = tx.query("select pg_terminate_backend(pg_backend_pid())");
      await (isSwallowed ? killed.catch(() => undefined) : killed);
    });
    const { lost } = await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ attempt: 1, outcome: "failed", final: true }]);
    expect(await engine.notes()).toEqual([]);
    expect(lost).toEqual([]);
  });

  it("from outside, while it is idle, has failed without effects and runs again", async () => {
    const engine = await freshEngine();
    const handler = retried.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      if (job.attempt > 1) return;
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      await endBackend(Number(rows[0]?.pid));
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
    expect(await engine.notes()).toEqual(["attempt 2"]);
  });

  it("from outside, while its query runs, has failed without effects and runs again", async () => {
    const engine = await freshEngine();
    const handler = retried.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      if (job.attempt > 1) return;
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      const slow = tx.query("select pg_sleep(20)");
      await Promise.all([slow, endBackend(Number(rows[0]?.pid))]);
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
    expect(await engine.notes()).toEqual(["attempt 2"]);
  });

  it("takes no other job of the same worker with it", async () => {
    const engine = await freshEngine();
    const handler = once.handle(async ({ tx, job }) => {
      await engine.write(tx, job.correlationId ?? "");
      if (job.correlationId === "dies") {
        await tx.query("select pg_terminate_backend(pg_backend_pid())");
      }
    });
    await engine.work({ handlers: [handler] });

    const names = ["a", "b", "dies", "c", "d"];
    const results = await engine.pawl.enqueueMany(
      names.map((correlationId) => once.job(undefined, { correlationId })),
    );
    for (const { job } of results) await engine.finished(job);

    expect(await engine.notes()).toEqual(["a", "b", "c", "d"]);
  });
});

// Begin and commit travel by themselves on a fresh connection, and with the statements beside them on a used one.
const connections = [
  ["fresh", 0],
  ["used", 1],
] as const;

describe.each(connections)("a transactional handler on a %s connection whose COMMIT", (_, uses) => {
  it("does not arrive has failed without effects and runs again", async () => {
    const proxy = await startLossyProxy(databaseUrl());
    const engine = await freshEngine({ url: proxy.url, connections: 1 });
    let cut: Promise<void> | undefined;
    const handler = retried.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      cut ??= proxy.lose("commit\0", "before it arrives");
    });
    await engine.work({ handlers: [handler, once.handle(() => undefined)] });
    await use(engine, uses);

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);
    await cut;

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
    expect(await engine.notes()).toEqual(["attempt 2"]);
  });

  it("succeeds with its reply lost is done, once, and not a lost lease", async () => {
    const proxy = await startLossyProxy(databaseUrl());
    const engine = await freshEngine({ url: proxy.url, connections: 1 });
    let cut: Promise<void> | undefined;
    const handler = retried.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      cut ??= proxy.lose("commit\0", "before the reply");
    });
    const handlers = [handler, once.handle(() => undefined)];
    const { settled, lost } = await engine.work({ handlers });
    await use(engine, uses);

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);
    await cut;
    await eventually(() => settled.some(({ job: { id } }) => id === job.id));

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["succeeded"]);
    expect(await engine.notes()).toEqual(["attempt 1"]);
    expect(settled.at(-1)).toMatchObject({ outcome: "succeeded", final: true });
    expect(lost).toEqual([]);
  });
});

describe("a transactional handler without a query", () => {
  it("for longer than two leases keeps its transaction while it is alive", async () => {
    const engine = await freshEngine();
    const isOver = gate();
    const handler = once.handle(async ({ tx }) => {
      await engine.write(tx, "kept");
      await isOver.opened;
    });
    const { errors } = await engine.work({ handlers: [handler], lease: "2s" });

    const { job } = await engine.pawl.enqueue(once);
    await eventually(() => hasBeenOpenFor(engine.schema, "4500 milliseconds"), { within: 15_000 });
    isOver.open();
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ attempt: 1, outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
    expect(errors).toEqual([]);
  });

  it("loses its transaction when it asks the server not to wait for it", async () => {
    const engine = await freshEngine();
    const handler = once.handle(async ({ tx }) => {
      await engine.write(tx, "gone");
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      await tx.query("set local idle_in_transaction_session_timeout = '50ms'");
      await endOfBackend(Number(rows[0]?.pid));
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(await engine.notes()).toEqual([]);
  });
});

describe("a transactional handler whose transaction cannot begin", () => {
  it.each(connections)(
    "on a %s connection: its job goes back and no failure counts",
    async (_, uses) => {
      const proxy = await startLossyProxy(databaseUrl());
      const engine = await freshEngine({ url: proxy.url, connections: 1 });
      const handler = retried.handle(({ tx }) => engine.write(tx, "kept"));
      await engine.work({ handlers: [handler, once.handle(() => undefined)] });
      await use(engine, uses);
      const cut = proxy.lose("pawl_begin\0", "before it arrives");

      const { job } = await engine.pawl.enqueue(retried);
      await cut;
      const attempts = await engine.finished(job);

      expect(attempts).toMatchObject([
        { outcome: "released", final: false, startedAt: null },
        { outcome: "succeeded", final: true },
      ]);
      expect(await engine.notes()).toEqual(["kept"]);
    },
  );
});

describe("a transactional handler whose session forgets what it had prepared", () => {
  it("by its own doing is done, once", async () => {
    const engine = await freshEngine({ connections: 1 });
    const handler = retried.handle(async ({ tx }) => {
      await tx.query("deallocate all");
      await engine.write(tx, "kept");
    });
    await engine.work({ handlers: [handler, once.handle(() => undefined)] });
    await use(engine, 1);

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
  });

  it("before it begins goes back and runs, and no failure counts", async () => {
    const engine = await freshEngine({ connections: 1 });
    const handler = retried.handle(({ tx }) => engine.write(tx, "kept"));
    await engine.work({ handlers: [handler, once.handle(() => undefined)] });
    await use(engine, 1);
    await engine.pool.query("deallocate all");

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts.at(-1)).toMatchObject({ outcome: "succeeded" });
    expect(attempts.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(await engine.notes()).toEqual(["kept"]);
  });
});

/** Runs jobs on the connection that the next one will get. */
async function use(engine: Engine, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const { job } = await engine.pawl.enqueue(once);
    await engine.finished(job);
  }
}

async function endBackend(pid: number): Promise<void> {
  await execute("select pg_terminate_backend($1)", [pid]);
  await endOfBackend(pid);
}

async function endOfBackend(pid: number): Promise<void> {
  await eventually(
    async () => (await execute("select from pg_stat_activity where pid = $1", [pid])).length === 0,
  );
}

function openTransactions(schema: string): Promise<object[]> {
  return execute(
    "select xact_start from pg_stat_activity where state = 'idle in transaction' and pid in " +
      "(select pid from pg_locks where relation = to_regclass($1))",
    [`${schema}.notes`],
  );
}

async function hasBeenOpenFor(schema: string, time: string): Promise<boolean> {
  const [open] = await openTransactions(schema);
  if (open === undefined) return false;
  const [row] = await execute<{ is_old: boolean }>(
    "select clock_timestamp() - $1::timestamptz > $2::interval as is_old",
    [Reflect.get(open, "xact_start"), time],
  );
  return row?.is_old === true;
}
