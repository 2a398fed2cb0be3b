import { describe, expect, it, onTestFinished } from "vitest";
import { ClaimedJob, type ClaimedRow } from "#pawl/store/claimed-job";
import type { FlagFilter } from "#pawl/worker/flag-filter";
import type { Runner } from "#pawl/worker/runner";
import type { Settler } from "#pawl/worker/settler";
import { Starter } from "#pawl/worker/starter";
import { WorkerQueue } from "#pawl/worker/worker-queue";
import { eventually } from "../support/eventually.ts";

interface Stage {
  readonly starter: Starter;
  readonly started: readonly string[];
  readonly givenBack: readonly string[];
  /** Handlers of the worker's former sessions that still run. */
  elsewhere: number;
  /** A claim brings these. */
  arrive(...jobs: ClaimedJob[]): Promise<void>;
  /** A handler returns. */
  end(): void;
}

/** A starter whose claims, handlers and settles are played; nothing ends by itself. */
function stage(): Stage {
  const coming: ClaimedJob[] = [];
  const started: string[] = [];
  const givenBack: string[] = [];
  let running = 0;
  const runner = {
    get runningCount() {
      return running;
    },
    start({ id }: ClaimedJob) {
      running += 1;
      started.push(id);
    },
  };
  const release = (jobs: readonly ClaimedJob[]): void => {
    givenBack.push(...jobs.map(({ id }) => id));
  };
  const queue = new WorkerQueue({
    workerId: "worker",
    claim: () => Promise.resolve(coming.splice(0)),
    freeSlots: () => 10,
    longestPauseMs: () => 5,
    isWoken: () => false,
    release,
    onJobs: () => {
      starter.startReady();
    },
    onError: () => undefined,
    random: () => 0.5,
  });
  const starter = new Starter({
    queue,
    runner: runner as unknown as Runner,
    settler: { pending: 0 } as unknown as Settler,
    concurrency: 4,
    flagFilter: { allow: () => true } as unknown as FlagFilter,
    busyElsewhere: () => set.elsewhere,
    isLeaseKept: () => true,
    release,
  });
  const set: Stage = {
    ...{ starter, started, givenBack, elsewhere: 0 },
    arrive: async (...jobs) => {
      const looks = queue.lastClaimAt;
      coming.push(...jobs);
      queue.wake();
      await eventually(() => coming.length === 0 && queue.lastClaimAt !== looks);
    },
    end: () => {
      running -= 1;
      starter.startReady();
    },
  };
  queue.start();
  onTestFinished(async () => {
    await queue.stop();
  });
  return set;
}

function jobCalled(id: string, { crashes = 0, isLimited = false } = {}): ClaimedJob {
  const keys = isLimited ? JSON.stringify({ rateLimitKey: "key", startWithinMs: 60_000 }) : null;
  const askedAt = performance.now();
  return new ClaimedJob("default", 1, { id, keys, crashes } as ClaimedRow, askedAt); // nothing else of it is looked at
}

it("starts jobs in the order in which they were claimed", async () => {
  const played = stage();

  await played.arrive(jobCalled("a"), jobCalled("b"));
  await played.arrive(jobCalled("c"));

  expect(played.started).toEqual(["a", "b", "c"]);
});

const suspect = jobCalled("suspect", { crashes: 3 });

describe("a job that is to run alone", () => {
  it("waits until nothing else runs, and what came with it goes back at once", async () => {
    const played = stage();
    await played.arrive(jobCalled("before"));

    await played.arrive(suspect, jobCalled("behind"));
    const startedBefore = [...played.started];
    played.end();

    expect(startedBefore).toEqual(["before"]);
    expect(played.givenBack).toEqual(["behind"]);
    expect(played.started).toEqual(["before", "suspect"]);
  });

  it("waits for the handlers of former sessions", async () => {
    const played = stage();
    played.elsewhere = 1;
    await played.arrive(suspect);
    const startedBefore = [...played.started];

    played.elsewhere = 0;
    played.starter.startReady();

    expect(startedBefore).toEqual([]);
    expect(played.started).toEqual(["suspect"]);
  });

  it("waits for what comes in a place that was reserved before", async () => {
    const played = stage();
    const places = await played.starter.reserve(1);
    await played.arrive(suspect);

    played.starter.startReserved(places, [jobCalled("limited", { isLimited: true })]);
    const startedBefore = [...played.started];
    played.end();

    expect(startedBefore).toEqual(["limited"]);
    expect(played.started).toEqual(["limited", "suspect"]);
  });

  it("does not cost others the start that their rate limit has granted", async () => {
    const played = stage();
    const places = await played.starter.reserve(2);

    played.starter.startReserved(places, [
      jobCalled("suspect", { crashes: 3, isLimited: true }),
      jobCalled("limited", { isLimited: true }),
    ]);
    const startedBefore = [...played.started];
    played.end();

    expect(startedBefore).toEqual(["suspect"]);
    expect(played.started).toEqual(["suspect", "limited"]);
    expect(played.givenBack).toEqual([]);
  });

  it("has what comes while it runs given back at once", async () => {
    const played = stage();
    await played.arrive(suspect);

    await played.arrive(jobCalled("late"), jobCalled("later"));

    expect(played.started).toEqual(["suspect"]);
    expect(played.givenBack).toEqual(["late", "later"]);
  });
});
