import { defineTask, typed } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { Claimer } from "#pawl/worker/claimer";
import { freshPawl, startUnluckyWorker } from "../fixtures/fresh-pawl.ts";
import { numbers, observed, payload, serial } from "../fixtures/serial-jobs.ts";
import { databaseUrl } from "../support/database.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { intercepted } from "../support/intercepted-database.ts";
import { unheardClaimer } from "../support/unheard-claimer.ts";

const task = defineTask({ name: "task", payload });
const inLine = (n: number, key = "a", limit = 1) => task.job(n, { concurrency: { key, limit } });

describe("a claim that finds nothing ready", () => {
  it("takes of what arrives as many as it has places, and makes the others ready", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueueMany(numbers(5).map((n) => inLine(n, "a", 4)));

    const jobs = await claimerOf(engine).claim(2);

    expect(jobs).toHaveLength(2);
    const rows = await engine.sql(
      `select state, concurrency_lane as lane, worker_id is not null as held, attempt
         from jobs order by concurrency_order`,
    );
    expect(rows).toEqual([
      { state: "running", lane: 1, held: true, attempt: 1 },
      { state: "running", lane: 2, held: true, attempt: 1 },
      { state: "ready", lane: 3, held: false, attempt: 0 },
      { state: "ready", lane: 4, held: false, attempt: 0 },
      { state: "blocked", lane: null, held: false, attempt: 0 },
    ]);
  });

  it("leaves what it may not take: another task, a forbidden flag, a rate limit", async () => {
    const engine = await freshEngine();
    const other = defineTask({ name: "other", payload });
    await engine.pawl.rateLimits.register("r", { capacity: 1, interval: "1h" });
    await engine.pawl.enqueueMany([
      other.job(0, { concurrency: { key: "other" } }),
      task.job(1, { concurrency: { key: "flag" }, flags: ["heavy"] }),
      task.job(2, { concurrency: { key: "limit" }, rateLimit: { key: "r" } }),
      inLine(3),
    ]);

    const jobs = await claimerOf(engine, { forbiddenFlags: ["heavy"] }).claim(10);

    expect(jobs.map(({ concurrencyKey }) => concurrencyKey)).toEqual(["a"]);
    const states = await engine.sql(
      "select state, worker_id from jobs where concurrency_key <> 'a'",
    );
    expect(states).toEqual(Array.from({ length: 3 }, () => ({ state: "ready", worker_id: null })));
  });

  it("misses no plain job that is committed behind it", async () => {
    const engine = await freshEngine();
    const claimer = claimerOf(engine);
    const late = await engine.connect();
    await late.query("begin");
    await engine.pawl.enqueue(task, 0, { db: late });
    await engine.pawl.enqueueMany([task.job(1)]);
    expect(await claimer.claim(10)).toHaveLength(1);
    await engine.pawl.enqueueMany([inLine(2)]);
    expect(await claimer.claim(10)).toHaveLength(1);

    await late.query("commit");
    // The first look sees that the transaction has ended.
    const found = [...(await claimer.claim(10)), ...(await claimer.claim(10))];

    expect(found).toHaveLength(1);
  });
});

describe("arrivals", () => {
  it("of a busy key do not keep other keys waiting, however many they are", async () => {
    const engine = await freshEngine();
    const { started, run } = observed((n) => (n === 0 ? 8_000 : 1));
    await engine.work({ handlers: [serial.handle(run)], concurrency: 5 });
    await engine.pawl.enqueue(serial, 0);
    await engine.until(() => started.length === 1);
    await engine.sql(
      `insert into arrivals (queue, concurrency_key, concurrency_limit, is_enqueue)
       select 'default', 'a', 1, true from generate_series(1, 5000)`,
    );

    const askedAt = performance.now();
    await engine.pawl.enqueue(serial, 1, { concurrency: { key: "b" } });
    await engine.until(() => started.includes(1));

    expect(performance.now() - askedAt).toBeLessThan(4_000);
  });

  it("with a rate limit that an open transaction changes hold up no other job", async () => {
    const engine = await freshEngine();
    const limited = { key: "r", capacity: 5, interval: "1h" } as const;
    const { started, run } = observed();
    await engine.pawl.rateLimits.register("r", { capacity: 2, interval: "1h" });
    const open = await engine.connect();
    await open.query("begin");
    await open.query("select register_rate_limit('r', 3, 3600000, false)");
    const mail = defineTask({ name: "mail", payload, rateLimit: limited });
    await engine.work({ handlers: [serial.handle(run), mail.handle(run)] });
    await engine.pawl.enqueueMany(numbers(5).map((n) => mail.job(n)));

    await engine.pawl.enqueueMany(numbers(3).map((n) => serial.job(10 + n)));
    await engine.until(() => [10, 11, 12].every((n) => started.includes(n)));
    await open.query("commit");
    await engine.until(() => started.length === 8);

    expect(await engine.sql("select capacity from rate_limits")).toEqual([{ capacity: 5 }]);
  });

  it("are taken again after a failed admission, of which the worker tells", async () => {
    const failures: string[] = [];
    const database = intercepted(pgDatabase(databaseUrl()), ({ text }, run) => {
      if (!text.includes("take_arrivals($1") || failures.length > 0) return run();
      failures.push(text);
      return Promise.reject(new Error("refused for now"));
    });
    onTestFinished(() => database.close());
    const pawl = await freshPawl(database);
    const { started, run } = observed();
    const plain = defineTask({ name: "plain", payload: typed<number>() });
    await pawl.enqueueMany([...numbers(50).map((n) => plain.job(n)), serial.job(0)]);

    const { errors } = await startUnluckyWorker(pawl, {
      handlers: [plain.handle(() => undefined), serial.handle(run)],
    });
    await eventually(() => started.length === 1, { within: 10_000 });

    expect(failures).toHaveLength(1);
    expect(errors).toMatchObject([{ message: "refused for now" }]);
  });

  it("bring the last limit of a call, also for jobs with a unique key", async () => {
    const engine = await freshEngine();
    const job = (name: string, limit: number) =>
      task.job(0, { concurrency: { key: "a", limit }, unique: { key: name } });
    await engine.pawl.enqueueMany([job("z", 7), job("m", 8), job("a", 9)]);
    await claimerOf(engine).claim(1);
    expect(await limitOf(engine)).toBe(9);

    // One of them is kept, and so brings nothing.
    await engine.pawl.enqueueMany([job("b", 9), job("y", 4), job("a", 3)]);
    const claimer = claimerOf(engine);
    await claimer.claim(1);
    await claimer.stop();

    expect(await limitOf(engine)).toBe(4);
  });

  it("of an SQL enqueue without a limit have the limit 1", async () => {
    const engine = await freshEngine();
    const { started, seen, run } = observed();
    await engine.sql(
      `select enqueue('task', to_json(n), concurrency_key => 'a', concurrency_limit => null)
         from generate_series(0, 2) as n`,
    );

    await engine.work({ handlers: [task.handle(run)] });
    await engine.until(() => started.length === 3);

    expect(seen.most).toBe(1);
  });
});

function claimerOf(
  engine: Engine,
  { forbiddenFlags = [] }: { readonly forbiddenFlags?: readonly string[] } = {},
): Claimer {
  const options = { ...unheardClaimer(forbiddenFlags), queues: ["default"] };
  return new Claimer(engine.store, options);
}

async function limitOf(engine: Engine): Promise<number | undefined> {
  const [row] = await engine.sql<{ limit: number }>(
    'select max_running as "limit" from concurrency_keys',
  );
  return row?.limit;
}
