import { setTimeout as wait } from "node:timers/promises";
import { defineTask, snooze } from "pawl";
import { describe, expect, it } from "vitest";
import { numbers, observed, payload, serial } from "../fixtures/serial-jobs.ts";
import { freshEngine } from "../support/engine.ts";

describe("jobs with a concurrency key", () => {
  it("run one after another, in the order of their enqueue", async () => {
    const engine = await freshEngine();
    const { started, seen, run } = observed((n) => n % 3);
    await engine.pawl.enqueueMany(numbers(60).map((n) => serial.job(n)));

    const { errors } = await engine.work({ handlers: [serial.handle(run)], concurrency: 10 });
    await engine.until(() => started.length === 60 && seen.running === 0);

    expect(started).toEqual(numbers(60));
    expect(seen.most).toBe(1);
    expect(errors).toEqual([]);
  });

  it("do so as well when they come while others run, one by one and with plain ones between", async () => {
    const engine = await freshEngine();
    const plain = defineTask({ name: "plain", payload });
    const { started, seen, run } = observed();
    let plainOnes = 0;
    await engine.work({
      handlers: [
        serial.handle(run),
        plain.handle(() => {
          plainOnes += 1;
        }),
      ],
      concurrency: 10,
    });

    for (const n of numbers(40)) {
      await engine.pawl.enqueue(serial, n);
      await engine.pawl.enqueueMany([plain.job(n), plain.job(n), plain.job(n)]);
    }
    await engine.until(() => started.length === 40 && plainOnes === 120);

    expect(started).toEqual(numbers(40));
    expect(seen.most).toBe(1);
  });

  it("run as many at a time as their limit says, on all workers together", async () => {
    const engine = await freshEngine();
    const three = defineTask({ name: "three", payload, concurrency: { key: "a", limit: 3 } });
    const { started, seen, run } = observed(() => 20);
    for (let worker = 0; worker < 2; worker += 1) {
      await engine.work({ handlers: [three.handle(run)], concurrency: 5 });
    }

    await engine.pawl.enqueueMany(numbers(30).map((n) => three.job(n)));
    await engine.until(() => started.length === 30 && seen.running === 0);

    expect(seen.most).toBe(3);
  });

  it("run in the order of their priority, and then of their enqueue", async () => {
    const engine = await freshEngine();
    const { started, run } = observed();
    const priorities = [5, 0, -5, 0, 5, -5];
    await engine.pawl.enqueueMany(priorities.map((priority, n) => serial.job(n, { priority })));

    await engine.work({ handlers: [serial.handle(run)] });
    await engine.until(() => started.length === 6);

    expect(started).toEqual([2, 5, 1, 3, 0, 4]);
  });

  it("let the others of their key pass while they wait for a retry, unless the task says hold", async () => {
    const engine = await freshEngine();
    const retry = { retries: 1, delays: ["300ms"] } as const;
    const aside = defineTask({ name: "aside", payload, retry, concurrency: { key: "aside" } });
    const holding = { key: "hold", whileRetrying: "hold" } as const;
    const hold = defineTask({ name: "hold", payload, retry, concurrency: holding });
    const ended: string[] = [];
    const handlers = [aside, hold].map((task) =>
      task.handle(({ payload: n, job }) => {
        if (n === 0 && job.attempt === 1) throw new Error("once");
        ended.push(`${task.name} ${n}`);
      }),
    );
    await engine.pawl.enqueueMany(numbers(3).flatMap((n) => [aside.job(n), hold.job(n)]));

    await engine.work({ handlers });
    await engine.until(() => ended.length === 6);

    expect(ended.filter((text) => text.startsWith("aside"))).toEqual([
      "aside 1",
      "aside 2",
      "aside 0",
    ]);
    expect(ended.filter((text) => text.startsWith("hold"))).toEqual(["hold 0", "hold 1", "hold 2"]);
  });

  it.each([1, 10])(
    "are in order when some of them hold their lane, with %i at a time and others claimed ahead",
    async (concurrency) => {
      const engine = await freshEngine();
      const options = {
        retry: { retries: 1, delays: [30] },
        concurrency: { key: "a", whileRetrying: "hold" },
      } as const;
      const task = defineTask({ name: "task", payload, ...options });
      const ended: number[] = [];
      await engine.pawl.enqueueMany(numbers(60).map((n) => task.job(n)));

      await engine.work({
        concurrency,
        handlers: [
          task.handle(({ payload: n, job }) => {
            if (n % 10 === 9 && job.failures === 0) throw new Error("once");
            ended.push(n);
          }),
        ],
      });
      await engine.until(() => ended.length === 60);

      expect(ended).toEqual(numbers(60));
    },
  );

  it("keep their lane while they are snoozed, when the task says hold", async () => {
    const engine = await freshEngine();
    const concurrency = { key: "a", whileRetrying: "hold" } as const;
    const task = defineTask({ name: "task", payload, concurrency });
    const begun: number[] = [];
    await engine.pawl.enqueueMany([task.job(0), task.job(1)]);

    await engine.work({
      handlers: [
        task.handle(({ payload: n, job }) => {
          begun.push(n);
          return n === 0 && job.attempt < 3 ? snooze(100) : undefined;
        }),
      ],
    });
    await engine.until(() => begun.includes(1));

    expect(begun).toEqual([0, 0, 0, 1]);
  });

  it("join their line when they are due, in front of those that came later", async () => {
    const engine = await freshEngine();
    const { started, run } = observed((n) => (n === 0 ? 600 : 1));
    await engine.work({ handlers: [serial.handle(run)] });

    await engine.pawl.enqueue(serial, 0);
    await engine.until(() => started.length === 1);
    await engine.pawl.enqueue(serial, 1, { delay: 200 });
    await engine.pawl.enqueue(serial, 2);
    await wait(400);
    await engine.pawl.enqueue(serial, 3);
    await engine.until(() => started.length === 4);

    expect(started).toEqual([0, 2, 1, 3]);
  });

  it("have the limit of the newest enqueue, whether it is higher or lower", async () => {
    const engine = await freshEngine();
    const { started, seen, run } = observed(() => 30);
    const job = (n: number, limit: number) => serial.job(n, { concurrency: { key: "a", limit } });
    await engine.pawl.enqueueMany(numbers(6).map((n) => job(n, 1)));
    await engine.pawl.enqueueMany(numbers(6).map((n) => job(n, 3)));

    await engine.work({ handlers: [serial.handle(run)] });
    await engine.sqlUntil("select where not exists (select from jobs)");
    expect(seen.most).toBe(3);

    seen.most = 0;
    await engine.pawl.enqueueMany([...numbers(6).map((n) => job(n, 3)), job(6, 2)]);
    await engine.sqlUntil("select where not exists (select from jobs)");
    expect(started).toHaveLength(19);
    expect(seen.most).toBe(2);
  });

  it("start no more while as many as a lowered limit still run", async () => {
    const engine = await freshEngine();
    const { started, seen, run } = observed((n) => [100, 100, 700][n] ?? 20);
    const job = (n: number, limit: number) => serial.job(n, { concurrency: { key: "a", limit } });
    await engine.work({ handlers: [serial.handle(run)] });
    await engine.pawl.enqueueMany(numbers(3).map((n) => job(n, 3)));
    await engine.until(() => started.length === 3);

    await engine.pawl.enqueueMany(numbers(6).map((n) => job(3 + n, 2)));
    await engine.until(() => seen.running < 3);
    seen.most = 0;
    await engine.until(() => started.length === 9 && seen.running === 0);

    expect(seen.most).toBe(2);
  });

  it("are not held up by a transaction that has enqueued one and stays open", async () => {
    const engine = await freshEngine();
    const { started, run } = observed();
    await engine.work({ handlers: [serial.handle(run)] });
    const [open, undone] = [await engine.connect(), await engine.connect()];
    for (const client of [open, undone]) await client.query("begin");
    await engine.pawl.enqueue(serial, 0, { db: open });
    await engine.pawl.enqueue(serial, 1, { db: undone });

    await engine.pawl.enqueueMany([serial.job(2), serial.job(3)]);
    await engine.until(() => started.length === 2);
    await undone.query("rollback");
    await open.query("commit");
    await engine.until(() => started.length === 3);

    expect(started).toEqual([2, 3, 0]);
  });

  it.each(["first", "second"])(
    "are not passed by those behind them while somebody's transaction has the %s of them locked",
    async (which) => {
      const engine = await freshEngine();
      const { started, run } = observed();
      const results = await engine.pawl.enqueueMany(numbers(6).map((n) => serial.job(n)));
      const client = await engine.connect();
      await client.query("begin");
      const locked = results[which === "first" ? 0 : 1]?.job.id;
      await client.query("select from jobs where id = $1 for update", [locked]);

      await engine.work({ handlers: [serial.handle(run)], concurrency: 5 });
      await wait(500);
      const before = [...started];
      await client.query("commit");
      await engine.until(() => started.length === 6);

      expect(before).toEqual(which === "first" ? [] : [0]);
      expect(started).toEqual(numbers(6));
    },
  );

  it("are not passed by those behind them when this worker does not take them", async () => {
    const engine = await freshEngine();
    const other = defineTask({ name: "other", payload, concurrency: { key: "a" } });
    const mine = observed();
    await engine.pawl.enqueueMany([
      serial.job(0),
      other.job(1),
      serial.job(2, { flags: ["heavy"] }),
      serial.job(3),
    ]);
    await engine.work({ handlers: [serial.handle(mine.run)], forbiddenFlags: ["heavy"] });
    await engine.until(() => mine.started.length === 1);
    await wait(300);
    expect(mine.started).toEqual([0]);

    const theirs = observed();
    await engine.work({ handlers: [other.handle(theirs.run), serial.handle(theirs.run)] });
    await engine.until(() => mine.started.length + theirs.started.length === 4);
    expect(theirs.started.slice(0, 2)).toEqual([1, 2]);
  });

  it("obey their rate limit as well", async () => {
    const engine = await freshEngine();
    await engine.pawl.rateLimits.register("r", { capacity: 2, interval: "1h" });
    const { started, seen, run } = observed();
    const limited = { rateLimit: { key: "r" } };
    await engine.pawl.enqueueMany(numbers(4).map((n) => serial.job(n, limited)));

    await engine.work({ handlers: [serial.handle(run)] });
    await engine.until(() => started.length === 2);
    await wait(300);

    expect(started).toEqual([0, 1]);
    expect(seen.most).toBe(1);
  });

  it("come from every queue of a worker, also when the first queue never runs dry", async () => {
    const engine = await freshEngine();
    const plain = defineTask({ name: "plain", payload, queue: "first" });
    const { started, run } = observed();
    let stopped = false;
    await engine.pawl.enqueueMany(numbers(500).map((n) => plain.job(n)));
    await engine.pawl.enqueueMany(numbers(5).map((n) => serial.job(n, { queue: "second" })));
    const { worker } = await engine.work({
      queues: ["second", "first"],
      concurrency: 2,
      handlers: [
        serial.handle(run),
        plain.handle(async () => {
          if (!stopped) await engine.pawl.enqueue(plain, 0);
        }),
      ],
    });

    await engine.until(() => started.length === 5);
    stopped = true;
    await worker.stop();

    expect(started).toEqual(numbers(5));
  });
});
