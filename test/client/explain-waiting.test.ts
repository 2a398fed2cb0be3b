import { defineTask, rateLimited } from "pawl";
import { describe, expect, it } from "vitest";
import {
  enqueue,
  explain,
  explained,
  kindsOf,
  task,
  waitingWorker,
} from "../fixtures/explanations.ts";
import { knownWorker, loseWorker } from "../fixtures/known-workers.ts";
import { freshEngine } from "../support/engine.ts";

const hourMs = 3_600_000;

describe("a job that no worker takes", () => {
  it.each([
    ["any", undefined, 0],
    ["queue", { queues: ["other"] }, 1],
    ["task", { tasks: ["other"] }, 1],
  ] as const)("is said to lack one: %s", async (missing, worker, living) => {
    const engine = await freshEngine();
    if (worker !== undefined) await knownWorker(engine, worker);
    const lost = await knownWorker(engine);
    await loseWorker(engine, lost, { column: "heartbeat_at", ago: "1 minute" });
    const job = await enqueue(engine);

    expect((await explain(engine, job)).reasons).toMatchObject([
      { kind: "noWorker", missing, living },
    ]);
  });

  it("has a flag that every worker refuses", async () => {
    const engine = await freshEngine();
    await knownWorker(engine, { forbiddenFlags: ["gpu", "eu"] });
    await knownWorker(engine, { forbiddenFlags: ["gpu"] });
    await knownWorker(engine, { queues: ["other"] });
    const job = await enqueue(engine, { flags: ["us", "gpu"] });

    const explanation = await explain(engine, job);

    expect(explanation.reasons).toMatchObject([
      { kind: "flagsRefused", flags: ["gpu"], workers: 2 },
    ]);
    expect(explanation.text).toContain('refuses a flag of the job: "gpu"');
  });

  it("is taken by a worker that refuses other flags", async () => {
    const engine = await freshEngine();
    await knownWorker(engine, { forbiddenFlags: ["gpu"] });
    await knownWorker(engine, { forbiddenFlags: ["eu"] });
    const job = await enqueue(engine, { flags: ["gpu"] });

    expect(kindsOf(await explain(engine, job))).toEqual(["next"]);
  });

  it("has a flag that a worker refuses by its list from the start", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(() => undefined)], forbiddenFlags: ["gpu"] });
    const job = await enqueue(engine, { flags: ["gpu"] });

    expect(kindsOf(await explain(engine, job))).toEqual(["flagsRefused"]);
  });

  it("has a flag that the function of a worker refuses, as it last said", async () => {
    const engine = await freshEngine();
    let flags = ["gpu"];
    await engine.work({ handlers: [task.handle(() => undefined)], forbiddenFlags: () => flags });
    const job = await enqueue(engine, { flags: ["gpu"] });

    await explained(engine, job, "flagsRefused");
    flags = [];
    await explained(engine, job, "finished");

    expect(await engine.sql("select forbidden_flags from workers")).toEqual([
      { forbidden_flags: null },
    ]);
  });

  it("has a flag that those who claim by hand refuse", async () => {
    const engine = await freshEngine();
    const job = await enqueue(engine, { flags: ["gpu"] });

    expect(await engine.pawl.jobs.claim("grace", { forbiddenFlags: ["gpu"] })).toEqual([]);

    expect(kindsOf(await explain(engine, job))).toEqual(["flagsRefused"]);
  });
});

describe("a job with a concurrency key", () => {
  const concurrency = { key: "account 7" };

  it("waits for the job that holds the key, and for those before it in the line", async () => {
    const engine = await freshEngine();
    const { started, finish } = await waitingWorker(engine, { name: "grace" });
    const first = await enqueue(engine, { concurrency });
    await engine.until(() => started.includes(first.id));
    const second = await enqueue(engine, { concurrency });
    const third = await enqueue(engine, { concurrency });

    const [next, last] = [await explain(engine, second), await explain(engine, third)];
    finish();

    const holder = { queue: "default", id: first.id, state: "running", workerName: "grace" };
    const keyHeld = { kind: "keyHeld", key: "account 7", limit: 1, holders: [holder] };
    expect(next).toMatchObject({ state: "blocked", reasons: [keyHeld] });
    expect(last.reasons).toMatchObject([
      keyHeld,
      { kind: "behind", line: "concurrencyKey", count: 1, isAtLeast: false },
    ]);
    expect(next.text).toContain(`job ${first.id} holds it on worker "grace" for `);
    expect(last.text).toContain("1 job in the line of its concurrency key comes first.");
  });

  it("waits for a handler that has not returned although its job was taken away", async () => {
    const engine = await freshEngine();
    const { started, finish } = await waitingWorker(engine);
    const first = await enqueue(engine, { concurrency });
    await engine.until(() => started.includes(first.id));
    const second = await enqueue(engine, { concurrency });
    await engine.pawl.concurrencyKeys.forceUnlock("account 7");

    const explanation = await explain(engine, second);
    finish();

    expect(explanation.reasons[0]).toMatchObject({
      kind: "keyHeld",
      holders: [{ id: first.id, state: "returning" }],
    });
  });

  it("waits for the job that keeps the key until its next attempt", async () => {
    const engine = await freshEngine();
    const keeping = defineTask({
      name: "keeping",
      retry: { retries: 1, delays: ["1h"] },
      concurrency: { key: "account 7", whileRetrying: "hold" },
    });
    const fail = (): never => {
      throw new Error("no luck");
    };
    await engine.work({ handlers: [keeping.handle(fail), task.handle(() => undefined)] });
    const { job: first } = await engine.pawl.enqueue(keeping);
    await explained(engine, first, "scheduled");
    const second = await enqueue(engine, { concurrency });

    expect((await explain(engine, second)).reasons).toMatchObject([
      { kind: "keyHeld", holders: [{ id: first.id, state: "scheduled", workerId: null }] },
    ]);
  });

  it("is next when a lane is free", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    const job = await enqueue(engine, { concurrency });

    expect(await explain(engine, job)).toMatchObject({
      state: "blocked",
      reasons: [{ kind: "next" }],
    });
  });
});

describe("a job with a rate limit", () => {
  const rateLimit = { key: "api" };

  it.each(["fixed", "sliding"] as const)("waits until a %s one has room", async (mode) => {
    const engine = await freshEngine();
    await engine.pawl.rateLimits.register("api", { capacity: 2, interval: "1h", mode });
    await engine.work({ handlers: [task.handle(() => undefined)] });
    const first = await enqueue(engine, { rateLimit: { key: "api", weight: 2 } });
    await engine.finished(first);
    const second = await enqueue(engine, { rateLimit });
    const third = await enqueue(engine, { rateLimit });

    const explanation = await explain(engine, second);

    const [reason] = explanation.reasons;
    expect(reason).toMatchObject({ kind: "rateLimit", key: "api", because: "empty" });
    const until = reason?.kind === "rateLimit" ? (reason.until?.getTime() ?? 0) : 0;
    expect(until - second.runAt.getTime()).toBeGreaterThan(hourMs - 60_000);
    expect(until - second.runAt.getTime()).toBeLessThan(hourMs + 60_000);
    expect(explanation.text).toMatch(
      /^Its rate limit "api" is used up until .*, for \d+ minutes\.$/,
    );
    expect((await explain(engine, third)).reasons).toMatchObject([
      { kind: "rateLimit" },
      { kind: "behind", line: "rateLimit", count: 1 },
    ]);
  });

  it("waits while a handler holds it back", async () => {
    const engine = await freshEngine();
    await engine.pawl.rateLimits.register("api", { capacity: 9, interval: "1m" });
    await engine.work({ handlers: [task.handle(() => rateLimited({ retryAfter: "1h" }))] });
    const first = await enqueue(engine, { rateLimit });
    await explained(engine, first, "scheduled");
    const second = await enqueue(engine, { rateLimit });

    const explanation = await explain(engine, second);

    expect(explanation.reasons).toMatchObject([{ kind: "rateLimit", because: "held" }]);
    expect(explanation.text).toContain('A handler holds its rate limit "api" back until ');
  });

  it("waits for ever when nobody has registered it", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    await engine.pawl.rateLimits.register("api", { capacity: 9, interval: "1m" });
    const job = await enqueue(engine, { rateLimit });
    await engine.sql("delete from rate_limits");

    expect((await explain(engine, job)).reasons).toMatchObject([
      { kind: "rateLimit", because: "unregistered", until: null },
    ]);
  });

  it("fails when it weighs more than there can be", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    await engine.pawl.rateLimits.register("api", { capacity: 5, interval: "1m" });
    const job = await enqueue(engine, { rateLimit: { key: "api", weight: 5 } });
    await engine.pawl.rateLimits.register("api", { capacity: 3, interval: "1m" });

    const explanation = await explain(engine, job);

    expect(explanation.reasons).toMatchObject([{ kind: "rateLimit", because: "tooSmall" }]);
    expect(explanation.text).toContain('the weight 5, and its rate limit "api" the capacity 3');
  });

  it("is next when it has room, also when only its enqueue has registered it", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    const job = await enqueue(engine, { rateLimit: { key: "api", capacity: 9, interval: "1m" } });

    expect(kindsOf(await explain(engine, job))).toEqual(["next"]);
  });
});

describe("a ready job", () => {
  it("stands behind others of its queue, by priority and then by time", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    const urgent = await enqueue(engine, { priority: -1 });
    await enqueue(engine);
    await enqueue(engine, { queue: "other" });
    const job = await enqueue(engine);
    await enqueue(engine, { priority: 1 });

    expect((await explain(engine, job)).reasons).toEqual([
      {
        ...{ kind: "behind", line: "queue", count: 2, isAtLeast: false },
        text: "2 jobs of its queue come first.",
      },
    ]);
    expect(kindsOf(await explain(engine, urgent))).toEqual(["next"]);
  });

  it("stands behind at least a thousand, when there are more", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    const requests = Array.from({ length: 1_500 }, () => task.job("x"));
    const job = (await engine.pawl.enqueueMany(requests)).at(-1)?.job;

    const explanation = await explain(engine, job?.id ?? "");

    expect(explanation.reasons).toMatchObject([{ kind: "behind", count: 1_000, isAtLeast: true }]);
    expect(explanation.text).toBe("At least 1,000 jobs of its queue come first.");
  });

  it("waits for workers whose places are all taken", async () => {
    const engine = await freshEngine();
    const { started, finish } = await waitingWorker(engine, { concurrency: 1 });
    await enqueue(engine);
    await engine.until(() => started.length === 1);
    await engine.pawl.enqueueMany(Array.from({ length: 50 }, () => task.job("x")));
    const job = await enqueue(engine);

    const explanation = await explained(engine, job, "workersBusy");
    finish();

    expect(explanation.reasons.at(-1)).toMatchObject({ workers: 1, places: 1 });
    expect(explanation.text).toContain("The only place of the worker that takes it is taken");
  });

  it("is next when nothing is in its way", async () => {
    const engine = await freshEngine();
    await knownWorker(engine);
    const job = await enqueue(engine);

    const explanation = await explain(engine, job);

    expect(explanation.reasons).toEqual([{ kind: "next", text: explanation.text }]);
  });
});
