import { defineTask, PayloadError, typed, type EnqueueOptions, type HeldJob } from "pawl";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { clockedPawl } from "../fixtures/clocked-pawl.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { migratedSchema, openPawl, rejectionOf } from "../support/producer.ts";

const minute = 60_000;
const email = defineTask({
  name: "send-email",
  payload: z.object({ to: z.email() }),
  queue: "email",
});
const task = defineTask({ name: "task", payload: typed<number>() });

describe("add-job validates the payload first, and returns the job and what became of it", () => {
  it("returns the created job", async () => {
    const pawl = await freshPawl();

    const { job, outcome } = await pawl.enqueue(email, { to: "x@y.com" });

    expect(outcome).toBe("created");
    expect(job).toMatchObject({ task: "send-email", queue: "email", state: "ready" });
    expect(await pawl.jobs.get(job)).toMatchObject({ id: job.id, payload: { to: "x@y.com" } });
  });

  it("refuses a wrong payload with its path, and writes nothing", async () => {
    const pawl = await freshPawl();

    const error = await rejectionOf(pawl.enqueue(email, { to: "nobody" }));

    expect(error).toBeInstanceOf(PayloadError);
    expect(error).toMatchObject({ issues: [{ path: "payload.to", message: expect.any(String) }] });
    expect((await pawl.jobs.list()).jobs).toEqual([]);
  });

  it("takes the queue, the time, the priority and the attempts of one job", async () => {
    const { pawl, clock } = await clockedPawl();
    const enqueued = async (options: EnqueueOptions): Promise<unknown> =>
      pawl.jobs.get((await pawl.enqueue(task, 1, options)).job);
    const runAt = new Date(clock.now + 90 * minute);

    expect(await enqueued({ queue: "urgent" })).toMatchObject({ queue: "urgent", state: "ready" });
    expect(await enqueued({ runAt })).toMatchObject({ state: "scheduled", runAt });
    expect(await enqueued({ delay: "2m" })).toMatchObject({
      state: "scheduled",
      runAt: new Date(clock.now + 2 * minute),
    });
    expect(await enqueued({ maxAttempts: 3 })).toMatchObject({ maxAttempts: 3 });
    await enqueued({ priority: 9, queue: "ordered" });
    await enqueued({ priority: -9, queue: "ordered" });
    const [first] = await pawl.jobs.claim("ada", { queues: ["ordered"] });
    expect(first).toMatchObject({ priority: -9 });
  });

  it("takes a unique key, flags, a rate limit and a concurrency key", async () => {
    const pawl = await freshPawl();
    const claims = async (queue: string, forbiddenFlags: string[] = []): Promise<HeldJob[]> =>
      pawl.jobs.claim("ada", { queues: [queue], batchSize: 9, forbiddenFlags });

    const unique = { key: "once" };
    const first = await pawl.enqueue(task, 1, { queue: "u", unique });
    const again = await pawl.enqueue(task, 2, { queue: "u", unique });
    await pawl.enqueue(task, 1, { queue: "f", flags: ["gpu"] });
    const rateLimit = { key: "api", capacity: 1, interval: "1h" };
    const concurrency = { key: "serial" };
    for (const n of [1, 2]) {
      await pawl.enqueue(task, n, { queue: "r", rateLimit });
      await pawl.enqueue(task, n, { queue: "c", concurrency });
    }

    expect(again).toMatchObject({ outcome: "kept", job: { id: first.job.id } });
    expect(await claims("f", ["gpu"])).toEqual([]);
    expect(await claims("f")).toMatchObject([{ flags: ["gpu"] }]);
    expect(await claims("r")).toHaveLength(1);
    expect(await claims("c")).toMatchObject([{ payload: 1, concurrencyKey: "serial" }]);
  });
});

describe("add-jobs validates all payloads before any is written, and is atomic", () => {
  it("returns the jobs in order", async () => {
    const pawl = await freshPawl();

    const results = await pawl.enqueueMany([
      task.job(1),
      email.job({ to: "x@y.com" }),
      task.job(2, { delay: "1h" }),
    ]);

    const found = await Promise.all(results.map(({ job }) => pawl.jobs.get(job)));
    expect(results.map(({ outcome }) => outcome)).toEqual(["created", "created", "created"]);
    expect(found).toMatchObject([
      { task: "task", payload: 1, state: "ready" },
      { task: "send-email", payload: { to: "x@y.com" }, queue: "email" },
      { task: "task", payload: 2, state: "scheduled" },
    ]);
  });

  it.each([
    ["a payload is wrong", email.job({ to: "nobody" }), "PAWL_PAYLOAD_INVALID"],
    [
      "the database refuses one",
      task.job(2, { rateLimit: { key: "nobody's" } }),
      "PAWL_RATE_LIMIT_UNKNOWN",
    ],
  ])("writes none when %s", async (_, wrong, code) => {
    const pawl = await freshPawl();

    const error = await rejectionOf(pawl.enqueueMany([task.job(1), wrong, task.job(3)]));

    expect(error).toMatchObject({ code });
    expect((await pawl.jobs.list()).jobs).toEqual([]);
  });
});

describe("the system map: a database, tasks, and a validator of the application's", () => {
  it("refuses what the validator refuses, with the issues' paths, and writes nothing", async () => {
    const seen: unknown[] = [];
    const pawl = openPawl(await migratedSchema(), {
      tasks: [email, task],
      validate: (name, payload) => {
        seen.push([name, payload]);
        return payload === 13
          ? [{ path: ["lucky", 0], message: "is 13" }, { message: "no" }]
          : undefined;
      },
    });

    const error = await rejectionOf(pawl.enqueue("task", 13));
    const errorOfMany = await rejectionOf(pawl.enqueueMany([task.job(1), task.job(13)]));
    const refused = (await pawl.jobs.list()).jobs;
    await pawl.enqueue("send-email", { to: "x@y.com" });

    const issues = [
      { path: "payload.lucky[0]", message: "is 13" },
      { path: "payload", message: "no" },
    ];
    expect(error).toBeInstanceOf(PayloadError);
    expect(error).toMatchObject({ issues });
    expect(errorOfMany).toBeInstanceOf(PayloadError);
    expect(refused).toEqual([]);
    expect(seen).toContainEqual(["send-email", { to: "x@y.com" }]);
    expect((await pawl.jobs.list()).jobs).toHaveLength(1);
  });
});

it("runs the job manager's worker loop over claim, complete and fail", async () => {
  const { pawl, clock } = await clockedPawl({ tasks: [email] });
  const workerId = "worker-1";
  const sent: string[] = [];
  const runTask = (job: HeldJob): void => {
    const { to } = job.payload as { to: string };
    if (to.startsWith("down") && job.attempt === 1) throw new Error("the mail server is down");
    sent.push(to);
  };
  const work = async (): Promise<number> => {
    const jobs = await pawl.jobs.claim(workerId, { batchSize: 5 });
    for (const job of jobs) {
      const startedAt = performance.now();
      const executionMs = (): number => performance.now() - startedAt;
      try {
        runTask(job);
        await pawl.jobs.complete(workerId, [job], { executionMs: executionMs() });
      } catch (error) {
        await pawl.jobs.fail(workerId, [{ job, error: error as Error }], {
          executionMs: executionMs(),
        });
      }
    }
    return jobs.length;
  };

  const addresses = ["a@y.com", "down@y.com", ...["c", "d", "e", "f"].map((n) => `${n}@y.com`)];
  for (const to of addresses) await pawl.enqueue(email, { to });
  const claimed = [await work(), await work(), await work()];
  clock.now += 1_000;
  claimed.push(await work());

  const { attempts } = await pawl.history.list();
  const outcomes = attempts.map(({ outcome }) => outcome).sort();
  expect(claimed).toEqual([5, 1, 0, 1]);
  expect(sent).toEqual([...addresses.filter((to) => to !== "down@y.com"), "down@y.com"]);
  expect(outcomes).toEqual(["failed", ...Array<string>(6).fill("succeeded")]);
  expect((await pawl.jobs.list()).jobs).toEqual([]);
});
