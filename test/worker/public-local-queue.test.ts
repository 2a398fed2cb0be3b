import { defineTask, LocalQueue, typed, WorkerError, type LocalQueueOptions } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

interface PlayedJob {
  readonly queue: string;
  readonly id: string;
}

/** A source of so many jobs, whose claims and releases are kept; a claim may be held up. */
function playedSource(ready: number, until: Promise<void> = Promise.resolve()) {
  const claims: number[] = [];
  const released: string[] = [];
  let next = 1;
  let left = ready;
  const source = {
    claim: async (_workerId: string, { batchSize }: { batchSize: number }) => {
      claims.push(batchSize);
      await until;
      const count = Math.min(batchSize, left);
      left -= count;
      return Array.from({ length: count }, () => ({ queue: "default", id: String(next++) }));
    },
    release: (_workerId: string, jobs: readonly PlayedJob[]) => {
      released.push(...jobs.map(({ id }) => id));
    },
  };
  return { jobs: source, claims, released };
}

function localQueue(source: ReturnType<typeof playedSource>, options: LocalQueueOptions = {}) {
  const queue = new LocalQueue<PlayedJob>(source, "by hand", { pollInterval: "20ms", ...options });
  onTestFinished(async () => {
    await queue.stop();
  });
  return queue;
}

const job = (id: string): PlayedJob => ({ queue: "default", id });

describe("a local queue over a source of one's own", () => {
  it("serves those who wait in the order in which they came", async () => {
    const queue = localQueue(playedSource(0));

    const taken = [1, 2, 3].map(() => queue.take("10s"));
    queue.offer([job("a"), job("b"), job("c")]);

    expect(await Promise.all(taken)).toEqual([job("a"), job("b"), job("c")]);
  });

  it("passes over whoever has stopped waiting", async () => {
    const queue = localQueue(playedSource(0));
    const giveUp = new AbortController();

    const first = queue.take("10s", { signal: giveUp.signal });
    const second = queue.take("10s");
    giveUp.abort();
    queue.offer([job("a")]);

    expect(await first).toBeNull();
    expect(await second).toEqual(job("a"));
  });

  it("gives nothing to whoever comes with an aborted signal", async () => {
    const queue = localQueue(playedSource(0));
    queue.offer([job("a")]);

    expect(await queue.take(0, { signal: AbortSignal.abort() })).toBeNull();
    expect(queue.depth).toBe(1);
  });

  it("claims more when its depth falls below the threshold, and no earlier", async () => {
    const source = playedSource(100);
    const queue = localQueue(source, { size: 4, refetchThreshold: 3, pollInterval: "1h" });
    queue.start();
    await eventually(() => queue.depth === 4);

    await queue.take(0);
    const depthAbove = queue.depth;
    const claimsAbove = source.claims.length;
    await queue.take(0);
    await eventually(() => queue.depth === 4);

    expect({ depthAbove, claimsAbove }).toEqual({ depthAbove: 3, claimsAbove: 1 });
    expect(source.claims).toEqual([4, 2]);
    expect(queue.stats()).toEqual({
      fetched: 6,
      dispatched: 2,
      refetches: 2,
      expired: 0,
      errors: 0,
    });
  });

  it("gives back what nobody took in time, and claims again when somebody takes", async () => {
    const source = playedSource(3);
    const queue = localQueue(source, { ttl: "30ms", size: 2, refetchDelay: 0 });
    queue.start();

    await eventually(() => source.released.length === 2);
    const claimsBefore = source.claims.length;
    const taken = await queue.take("10s");

    expect(source.released).toEqual(["1", "2"]);
    expect(claimsBefore).toBe(1);
    expect(taken).toEqual(job("3"));
    expect(queue.stats()).toMatchObject({ expired: 2, dispatched: 1, fetched: 3 });
  });

  it("waits with its stop for the claim under way, and returns its jobs", async () => {
    const answer = gate();
    const source = playedSource(2, answer.opened);
    const queue = localQueue(source, { size: 2 });
    queue.start();
    const taken = queue.take("10s");
    await eventually(() => source.claims.length === 1);

    const stopped = queue.stop();
    const running = queue.running;
    const served = await taken;
    answer.open();

    expect({ running, served }).toEqual({ running: false, served: null });
    expect(await stopped).toEqual([job("1"), job("2")]);
    expect(await queue.take("10s")).toBeNull();
    expect(await queue.stop()).toEqual([]);
  });

  it("gives back the jobs of a claim for which its stop did not wait", async () => {
    const answer = gate();
    const source = playedSource(2, answer.opened);
    const queue = localQueue(source, { size: 2 });
    queue.start();
    await eventually(() => source.claims.length === 1);

    const returned = await queue.stop(1);
    answer.open();
    await eventually(() => source.released.length === 2);

    expect(returned).toEqual([]);
  });

  it("gives back what nobody took when it is disposed of", async () => {
    const source = playedSource(0);
    {
      await using queue = localQueue(source);
      queue.offer([job("a"), job("b")]);
    }

    expect(source.released).toEqual(["a", "b"]);
  });

  it("tries again to give back what could not be given back", async () => {
    const source = playedSource(0);
    const errors: unknown[] = [];
    const { release } = source.jobs;
    source.jobs.release = (workerId, jobs) => {
      if (errors.length < 2) throw new Error("down");
      release(workerId, jobs);
    };
    const queue = localQueue(source, { ttl: "1ms" });
    queue.on("error", (error) => errors.push(error));
    queue.offer([job("a")]);

    queue.start();
    await eventually(() => source.released.length === 1);

    expect(errors).toHaveLength(2);
    expect(queue.stats()).toMatchObject({ errors: 2, expired: 1 });
  });

  it("starts once, and takes no jobs after its end", async () => {
    const queue = localQueue(playedSource(0));
    queue.start();
    const state = { code: "PAWL_WORKER_STATE" };

    expect(() => queue.start()).toThrow(WorkerError);
    await queue.stop();

    expect(() => queue.start()).toThrow(expect.objectContaining(state));
    expect(() => queue.offer([job("a")])).toThrow(expect.objectContaining(state));
  });
});

describe("a local queue over a Pawl", () => {
  const task = defineTask({ name: "task", payload: typed<number>(), retry: "none" });

  function stateOf(pawl: { schema: string }): Promise<{ state: string; count: number }[]> {
    return execute(
      `select state, count(*)::integer from ${pawl.schema}.jobs group by state order by state`,
    );
  }

  it("claims nothing before it starts, then takes jobs in order, each to be completed by its taker", async () => {
    const pawl = await freshPawl();
    await pawl.enqueueMany([1, 2, 3].map((n) => task.job(n)));
    await using queue = new LocalQueue(pawl, "by hand", { size: 2, refetchThreshold: 2 });
    const before = { running: queue.running, jobs: await stateOf(pawl) };

    queue.start();
    const payloads: unknown[] = [];
    for (let job = await queue.take("10s"); job !== null; job = await queue.take("1s")) {
      payloads.push(job.payload);
      await pawl.jobs.complete(queue.workerId, [job], { executionMs: 1 });
    }

    expect(before).toEqual({ running: false, jobs: [{ state: "ready", count: 3 }] });
    expect(payloads).toEqual([1, 2, 3]);
    expect(queue.stats()).toMatchObject({ fetched: 3, dispatched: 3, expired: 0, errors: 0 });
    expect(await stateOf(pawl)).toEqual([]);
  });

  it("releases what is older than its ttl, so that others can run it, and does not count a failure", async () => {
    const pawl = await freshPawl();
    await pawl.enqueue(task, 1);
    await using queue = new LocalQueue(pawl, "by hand", { ttl: "50ms" });
    queue.start();

    await eventually(() => queue.stats().expired === 1);
    const job = await eventually(async () => (await pawl.jobs.claim("other"))[0]);

    expect(job).toMatchObject({ attempt: 2, failures: 0 });
    expect(queue.depth).toBe(0);
    await pawl.jobs.complete("other", [job]);
  });

  it("returns with its stop what nobody took, to be settled by the caller", async () => {
    const pawl = await freshPawl();
    await pawl.enqueueMany([1, 2].map((n) => task.job(n)));
    const queue = new LocalQueue(pawl, "by hand", { tasks: ["task"], queues: ["default"] });
    queue.start();
    await eventually(() => queue.depth === 2);

    const jobs = await queue.stop("5s");
    const held = await stateOf(pawl);
    await pawl.jobs.complete("by hand", jobs);

    expect(jobs.map(({ payload }) => payload)).toEqual([1, 2]);
    expect(held).toEqual([{ state: "running", count: 2 }]);
    expect(await stateOf(pawl)).toEqual([]);
  });

  it("gives back with its stop what nobody took, when asked to", async () => {
    const pawl = await freshPawl();
    await pawl.enqueueMany([1, 2].map((n) => task.job(n)));
    const queue = new LocalQueue(pawl, "by hand");
    queue.start();
    await eventually(() => queue.depth === 2);

    const jobs = await queue.stop("5s", { release: true });

    expect(jobs).toEqual([]);
    expect(await stateOf(pawl)).toEqual([{ state: "ready", count: 2 }]);
  });

  it("ends with its Pawl", async () => {
    const pawl = await freshPawl();
    const errors: unknown[] = [];
    const queue = new LocalQueue(pawl, "by hand", { pollInterval: "20ms" });
    queue.on("error", (error) => errors.push(error));
    queue.start();
    const taken = queue.take("1h");
    await eventually(() => queue.stats().refetches > 0);

    await pawl.close();

    expect(await taken).toBeNull();
    expect(queue.running).toBe(false);
    expect(errors).toEqual([expect.objectContaining({ code: "PAWL_CLOSED" })]);
  });
});
