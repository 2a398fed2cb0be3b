import { defineTask, rateLimited, typed, type TaskHandler } from "pawl";
import { describe, expect, it } from "vitest";
import { freshEngine, type Engine } from "../support/engine.ts";

const payload = typed<{ weight: number }>();

/** Starts of handlers, as this machine's clock has them, which is the database's as well. */
interface Start {
  readonly at: number;
  readonly weight: number;
}

describe("a rate limit", () => {
  it("lets no more start in a window than its capacity, for all workers together", async () => {
    const engine = await freshEngine();
    const windows = await watchWindows(engine);
    const { starts, handler, jobs } = limitedTask({ capacity: 5, interval: "1s" }, 22);
    await engine.pawl.enqueueMany(jobs);

    for (let count = 0; count < 3; count += 1) await engine.work({ handlers: [handler] });
    await engine.until(() => starts.length === 22);

    const counts = (await windows()).map(
      (from) => starts.filter(({ at }) => at >= from && at < from + 1_000).length,
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(22);
    expect(Math.max(...counts)).toBeLessThanOrEqual(5);
  });

  it("lets no more start in any interval when it is sliding", async () => {
    const engine = await freshEngine();
    const limit = { capacity: 4, interval: "1s", mode: "sliding" } as const;
    const { starts, handler, jobs } = limitedTask(limit, 18);
    await engine.pawl.enqueueMany(jobs);

    for (let count = 0; count < 2; count += 1) await engine.work({ handlers: [handler] });
    await engine.until(() => starts.length === 18);

    const gaps = starts.slice(4).map(({ at }, place) => at - (starts[place]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
  });

  it("counts the weights of jobs", async () => {
    const engine = await freshEngine();
    const windows = await watchWindows(engine);
    const { starts, handler, task } = limitedTask({ capacity: 10, interval: "1s" }, 0);
    const weights = [4, 4, 4, 1, 10, 3, 3, 3, 3];
    await engine.pawl.enqueueMany(
      weights.map((weight) => task.job({ weight }, { rateLimit: { weight } })),
    );

    await engine.work({ handlers: [handler] });
    await engine.until(() => starts.length === weights.length);

    for (const from of await windows()) {
      const inWindow = starts.filter(({ at }) => at >= from && at < from + 1_000);
      expect(inWindow.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(10);
    }
    expect(starts.map(({ weight }) => weight)).toEqual(weights);
  });

  it("keeps the jobs of one key from holding up those of another, and plain ones", async () => {
    const engine = await freshEngine();
    const { starts, handler, task } = limitedTask({ capacity: 1, interval: "1h" }, 0);
    const plain = defineTask({ name: "plain" });
    const keys = ["a", "a", "b", "b", "c"];
    await engine.pawl.enqueueMany([
      ...keys.map((key) => task.job({ weight: 1 }, { rateLimit: { key } })),
      plain.job(),
    ]);

    const { settled } = await engine.work({ handlers: [handler, plain.handle(() => undefined)] });
    await engine.until(() => settled.length === 4);

    expect(starts).toHaveLength(3);
    expect(await jobStates(engine)).toEqual([{ state: "ready", count: 2, attempts: 0 }]);
  });

  it("claims no job that cannot start at once", async () => {
    const engine = await freshEngine();
    const { task } = limitedTask({ capacity: 100, interval: "1m" }, 0);
    const ended: (() => void)[] = [];
    const handler = task.handle(() => new Promise<void>((resolve) => ended.push(resolve)));
    await engine.pawl.enqueueMany(Array.from({ length: 10 }, () => task.job({ weight: 1 })));

    await engine.work({ handlers: [handler], concurrency: 2 });
    await engine.until(() => ended.length === 2);

    expect(await jobStates(engine)).toContainEqual({ state: "running", count: 2, attempts: 2 });
    for (let left = 10; left > 0; left -= 1) {
      await engine.until(() => ended.length > 0);
      ended.shift()?.();
    }
    await engine.until(async () => (await jobStates(engine)).length === 0);
  });

  it("makes a job wait without its being claimed again and again", async () => {
    const engine = await freshEngine();
    const { starts, handler, jobs } = limitedTask({ capacity: 2, interval: "1s" }, 6);
    await engine.pawl.enqueueMany(jobs);

    await engine.work({ handlers: [handler] });
    await engine.until(() => starts.length === 6);

    const rows = await engine.sqlUntil<{ attempts: number; count: number }>(
      `select max(attempt) as attempts, count(*)::integer as count from history
        where final having count(*) = 6`,
    );
    expect(rows).toEqual([{ attempts: 1, count: 6 }]);
  });

  it("is held back for all its jobs by a handler, which is no failure", async () => {
    const engine = await freshEngine();
    const { task } = limitedTask({ capacity: 100, interval: "1m" }, 0);
    const starts: { attempt: number; at: number }[] = [];
    const handler = task.handle(({ job }) => {
      starts.push({ attempt: job.attempt, at: Date.now() });
      return starts.length === 1 ? rateLimited({ retryAfter: "700ms" }) : undefined;
    });
    await engine.pawl.enqueue(task, { weight: 1 });

    const { settled } = await engine.work({ handlers: [handler], concurrency: 1 });
    await engine.until(() => settled.length === 1);
    await engine.pawl.enqueue(task, { weight: 1 });
    await engine.until(() => settled.length === 3);

    const [first, ...others] = starts;
    expect(settled[0]).toMatchObject({ outcome: "rate-limited", final: false });
    for (const { at } of others) expect(at - (first?.at ?? 0)).toBeGreaterThanOrEqual(700);
    const counts = await engine.sql("select outcome, count(*)::integer from history group by 1");
    expect(counts).toContainEqual({ outcome: "succeeded", count: 2 });
  });

  it("fails a job that weighs more than it will ever let start", async () => {
    const engine = await freshEngine();
    await engine.pawl.rateLimits.register("small", { capacity: 5, interval: "1m" });
    const task = defineTask({ name: "heavy", rateLimit: { key: "small", weight: 5 } });
    const { job } = await engine.pawl.enqueue(task);
    await engine.pawl.rateLimits.register("small", { capacity: 3, interval: "1m" });

    await engine.work({ handlers: [task.handle(() => undefined)] });

    const [attempt] = await engine.finished(job);
    expect(attempt).toMatchObject({
      outcome: "failed",
      error: { code: "PAWL_RATE_LIMIT_WEIGHT" },
      startedAt: null,
    });
  });

  it("takes a new capacity from the newest enqueue, also for what waits", async () => {
    const engine = await freshEngine();
    const slow = limitedTask({ capacity: 1, interval: "1h" }, 3);
    await engine.pawl.enqueueMany(slow.jobs);
    await engine.work({ handlers: [slow.handler] });
    await engine.until(() => slow.starts.length === 1);

    const quick = limitedTask({ capacity: 50, interval: "1h" }, 1);
    await engine.pawl.enqueueMany(quick.jobs);

    await engine.until(() => slow.starts.length === 4);
  });

  it("goes together with a concurrency key", async () => {
    const engine = await freshEngine();
    const { starts, handler, task } = limitedTask({ capacity: 3, interval: "1s" }, 0);
    await engine.pawl.enqueueMany(
      Array.from({ length: 7 }, () => task.job({ weight: 1 }, { concurrency: { key: "one" } })),
    );

    await engine.work({ handlers: [handler] });
    await engine.until(() => starts.length === 7);

    const [first, , , fourth, , , seventh] = starts.map(({ at }) => at);
    expect((fourth ?? 0) - (first ?? 0)).toBeGreaterThan(500);
    expect((seventh ?? 0) - (fourth ?? 0)).toBeGreaterThan(500);
  });
});

interface Limit {
  readonly capacity: number;
  readonly interval: string;
  readonly mode?: "fixed" | "sliding";
}

function limitedTask(limit: Limit, count: number) {
  const starts: Start[] = [];
  const task = defineTask({ name: "limited", payload, rateLimit: { key: "limit", ...limit } });
  const handler: TaskHandler = task.handle(({ payload: { weight } }) => {
    starts.push({ at: Date.now(), weight });
  });
  const jobs = Array.from({ length: count }, () => task.job({ weight: 1 }));
  return { starts, task, handler, jobs };
}

/** Remembers when every window of the limits began; the result tells. */
async function watchWindows(engine: Engine): Promise<() => Promise<number[]>> {
  await engine.sql("create table windows (started_at timestamptz)");
  await engine.sql(
    `create function note_window() returns trigger language plpgsql as
     $$ begin
       if new.window_started_at is distinct from old.window_started_at then
         insert into ${engine.schema}.windows values (new.window_started_at);
       end if;
       return null;
     end $$`,
  );
  await engine.sql(
    "create trigger note_window after update on rate_limits for each row execute function note_window()",
  );
  return async () => {
    const rows = await engine.sql<{ at: number }>(
      "select (extract(epoch from started_at) * 1000)::double precision as at from windows order by 1",
    );
    return rows.map(({ at }) => at);
  };
}

function jobStates(engine: Engine): Promise<{ state: string; count: number; attempts: number }[]> {
  return engine.sql(
    `select state, count(*)::integer as count, sum(attempt)::integer as attempts
       from jobs group by state order by state`,
  );
}
