import {
  defineTask,
  LocalQueue,
  typed,
  type HeldJob,
  type LocalQueueOptions,
  type Pawl,
} from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { eventually } from "../support/eventually.ts";
import { thrownBy } from "../support/producer.ts";

const task = defineTask({ name: "task", payload: typed<number>(), retry: "none" });
const other = defineTask({ name: "other", payload: typed<number>(), retry: "none" });

/** A queue of a Pawl with so many jobs; whatever it holds goes back when the test has ended. */
async function queueOver(
  jobs: number,
  options: LocalQueueOptions = {},
): Promise<{ pawl: Pawl; queue: LocalQueue<HeldJob> }> {
  const pawl = await freshPawl();
  await enqueue(pawl, jobs);
  const queue = new LocalQueue(pawl, "importer", options);
  onTestFinished(() => queue.stop(undefined, { release: true }).then(() => undefined));
  return { pawl, queue };
}

async function enqueue(pawl: Pawl, jobs: number): Promise<void> {
  await pawl.enqueueMany(Array.from({ length: jobs }, (_, n) => task.job(n)));
}

async function states(pawl: Pawl): Promise<string[]> {
  return (await pawl.jobs.list()).jobs.map(({ state }) => state);
}

describe("create-queue claims nothing before it starts", () => {
  it("leaves the jobs to others until then", async () => {
    const { pawl, queue } = await queueOver(2);
    const before = [queue.running, queue.depth, queue.stats().refetches, await states(pawl)];

    queue.start();
    await eventually(() => queue.depth === 2);

    expect(before).toEqual([false, 0, 0, ["ready", "ready"]]);
    expect(await states(pawl)).toEqual(["running", "running"]);
  });

  it("claims of the tasks that it is for, and none with forbidden flags", async () => {
    const { pawl, queue } = await queueOver(1, { tasks: ["other"], forbiddenFlags: ["gpu"] });
    await pawl.enqueue(other, 7, { flags: ["gpu"] });
    const wanted = await pawl.enqueue(other, 8);
    queue.start();

    const taken = await queue.take("10s");
    const none = await queue.take("300ms");

    expect(taken).toMatchObject({ id: wanted.job.id, payload: 8 });
    expect(none).toBeNull();
  });
});

describe("start! begins the polling, and a second time it throws", () => {
  it("says whether it runs", async () => {
    const { queue } = await queueOver(0);
    const before = queue.running;

    queue.start();
    const during = queue.running;
    const thrown = thrownBy(() => queue.start());
    await queue.stop();

    expect([before, during, queue.running]).toEqual([false, true, false]);
    expect(thrown).toMatchObject({ name: "WorkerError", code: "PAWL_WORKER_STATE" });
  });
});

describe("take-job! resolves with a job, or null after the timeout", () => {
  it("waits for a job that comes meanwhile", async () => {
    const { pawl, queue } = await queueOver(0, { pollInterval: "50ms" });
    queue.start();

    const taking = queue.take("15s");
    await enqueue(pawl, 1);

    expect(await taking).toMatchObject({ task: "task", payload: 0, attempt: 1 });
  });

  it("gives null when none has come, or the signal is aborted", async () => {
    const { queue } = await queueOver(0);
    queue.start();
    const giveUp = new AbortController();

    const startedAt = performance.now();
    const late = await queue.take("200ms");
    const tookMs = performance.now() - startedAt;
    const taking = queue.take("1h", { signal: giveUp.signal });
    giveUp.abort();

    expect(late).toBeNull();
    expect(tookMs).toBeGreaterThanOrEqual(199);
    expect(await taking).toBeNull();
  });

  it("serves those who wait in their order", async () => {
    const { pawl, queue } = await queueOver(0, { pollInterval: "50ms" });
    queue.start();

    const taking = [1, 2, 3].map(() => queue.take("15s"));
    await enqueue(pawl, 3);

    expect((await Promise.all(taking)).map((job) => job?.payload)).toEqual([0, 1, 2]);
  });

  it("gives no job that is older than the ttl", async () => {
    const { queue } = await queueOver(3, { ttl: "200ms", pollInterval: "1h" });
    queue.start();
    await eventually(() => queue.depth === 3);
    await eventually(() => queue.stats().expired === 3);

    const taken = await queue.take(0);

    expect(taken).toBeNull();
    expect(queue.depth).toBe(0);
  });
});

describe("what is older than the ttl goes back to the database at once, and is counted", () => {
  it("so that others have it long before a lease ends, and no failure is counted", async () => {
    const { pawl, queue } = await queueOver(2, { ttl: "100ms", pollInterval: "1h" });
    queue.start();
    await eventually(() => queue.stats().expired === 2);
    const expiredAt = performance.now();

    const jobs = await eventually(async () => {
      const ready = await pawl.jobs.claim("somebody else", { batchSize: 2 });
      return ready.length > 0 && ready;
    });

    expect(performance.now() - expiredAt).toBeLessThan(8_000); // a lease is ten seconds
    expect(jobs[0]).toMatchObject({ attempt: 2, failures: 0 });
    expect(queue.stats()).toMatchObject({ fetched: 2, dispatched: 0, expired: 2, errors: 0 });
  });
});

describe("offer-jobs! puts jobs straight into the buffer", () => {
  it("without a claim", async () => {
    const { pawl, queue } = await queueOver(2);
    const jobs = await pawl.jobs.claim("importer", { batchSize: 2 });

    queue.offer(jobs);
    const depth = queue.depth;
    const taken = [await queue.take(0), await queue.take(0)];

    expect(depth).toBe(2);
    expect(taken).toEqual(jobs);
    expect(queue.stats()).toMatchObject({ fetched: 0, dispatched: 2, refetches: 0 });
    await pawl.jobs.complete("importer", jobs);
  });

  it("and into the hands of whoever waits", async () => {
    const { pawl, queue } = await queueOver(1);
    const jobs = await pawl.jobs.claim("importer");

    const taking = queue.take("15s");
    queue.offer(jobs);

    expect(await taking).toBe(jobs[0]);
  });
});

describe("depth, stats and worker-id tell what the queue has done", () => {
  it("counts the fetched, the dispatched, the refetches, the expired and the errors", async () => {
    const { pawl, queue } = await queueOver(3, { size: 3, pollInterval: "1h" });
    const errors: unknown[] = [];
    queue.on("error", (error) => errors.push(error));
    const fresh = queue.stats();
    queue.start();
    await eventually(() => queue.depth === 3);
    await queue.take(0);

    const used = queue.stats();
    const { depth } = queue;
    await pawl.close();
    await eventually(async () => (await queue.take(0)) === null && !queue.running);

    expect(queue.workerId).toBe("importer");
    expect(fresh).toEqual({ fetched: 0, dispatched: 0, refetches: 0, expired: 0, errors: 0 });
    expect(used).toEqual({ fetched: 3, dispatched: 1, refetches: 1, expired: 0, errors: 0 });
    expect(depth).toBe(2);
    expect(queue.stats().errors).toBe(errors.length);
    expect(errors).toEqual([expect.objectContaining({ code: "PAWL_CLOSED" })]);
  });
});

describe("stop! stops polling, and returns the jobs that were buffered but not dispatched", () => {
  it("which are the caller's to settle", async () => {
    const { pawl, queue } = await queueOver(3);
    queue.start();
    await eventually(() => queue.depth === 3);
    const taken = await queue.take(0);

    const rest = await queue.stop("5s");
    const { refetches } = queue.stats();
    await pawl.jobs.complete("importer", [...rest, ...(taken === null ? [] : [taken])]);

    expect(rest.map(({ payload }) => payload)).toEqual([1, 2]);
    expect([queue.running, queue.depth]).toEqual([false, 0]);
    expect(await queue.take("10s")).toBeNull();
    expect(queue.stats().refetches).toBe(refetches);
    expect(await states(pawl)).toEqual([]);
  });

  it("gives them back when asked to", async () => {
    const { pawl, queue } = await queueOver(2);
    queue.start();
    await eventually(() => queue.depth === 2);

    const rest = await queue.stop("5s", { release: true });

    expect(rest).toEqual([]);
    expect(await states(pawl)).toEqual(["ready", "ready"]);
  });
});

describe("refetching happens by itself when the depth falls below the threshold", () => {
  it("and not only when the queue is empty", async () => {
    const { queue } = await queueOver(20, { size: 4, refetchThreshold: 3, pollInterval: "1h" });
    queue.start();
    await eventually(() => queue.depth === 4);

    await queue.take(0);
    const above = { depth: queue.depth, refetches: queue.stats().refetches };
    await queue.take(0);
    await eventually(() => queue.depth === 4);

    expect(above).toEqual({ depth: 3, refetches: 1 });
    expect(queue.stats()).toMatchObject({ fetched: 6, dispatched: 2, refetches: 2 });
  });
});

describe("the worker of pawl.worker is built on the same buffer", () => {
  it("and claims ahead of its handlers", async () => {
    const pawl = await freshPawl();
    await enqueue(pawl, 2_000);
    let done = 0;
    let mostBuffered = 0;
    const worker = pawl.worker({
      concurrency: 2,
      handlers: [
        task.handle(() => {
          done += 1;
          mostBuffered = Math.max(mostBuffered, worker.health().buffered);
        }),
      ],
    });
    await worker.start();

    await eventually(() => done === 2_000, { within: 30_000 });

    expect(mostBuffered).toBeGreaterThan(2);
  }, 60_000);
});

it("lives the life of the local queue's document: create, start, take, offer again, stop", async () => {
  const pawl = await freshPawl();
  await enqueue(pawl, 5);

  const queue = new LocalQueue(pawl, "worker-1", { size: 4, refetchDelay: "20ms" });
  queue.start();
  const done: unknown[] = [];
  for (let job = await queue.take("10s"); job !== null; job = await queue.take("500ms")) {
    if (job.payload === 3 && !done.includes("again")) {
      done.push("again");
      queue.offer([job]); // for re-dispatch
      continue;
    }
    done.push(job.payload);
    await pawl.jobs.complete(queue.workerId, [job]);
  }
  await enqueue(pawl, 1);
  await eventually(() => queue.depth === 1);
  const undispatched = await queue.stop("5s");
  await pawl.jobs.release("worker-1", undispatched);

  expect(done).toHaveLength(6);
  expect(new Set(done)).toEqual(new Set([0, 1, 2, 3, 4, "again"]));
  expect(queue.stats()).toMatchObject({ fetched: 6, dispatched: 6, expired: 0, errors: 0 });
  expect(undispatched).toHaveLength(1);
  const again = await pawl.jobs.claim("worker-2");
  await pawl.jobs.complete("worker-2", again);
  expect(await endedOutcomes(pawl, again[0] ?? { queue: "", id: "" })).toEqual([
    "released",
    "succeeded",
  ]);
});
