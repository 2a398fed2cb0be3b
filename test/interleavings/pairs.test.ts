import { defineTask, typed, type EnqueueResult } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import { cancelJobs } from "#pawl/store/commands";
import { failed, HandClaimer, succeeded } from "../support/claiming.ts";
import type { Engine } from "../support/engine.ts";
import { freshEngine } from "../support/engine.ts";
import { lengthOf, ordersOf, Stepper, type Outcome, type Script } from "./stepper.ts";

const task = defineTask({ name: "task", payload: typed<number>() });

interface Pair {
  /** Makes what the scripts need, and the scripts. */
  readonly prepare: () => Promise<readonly Script[]>;
  /** What must be true whatever the order was. */
  readonly check: (outcomes: readonly Outcome[]) => Promise<void>;
  /** The first two scripts are the same: of two orders that differ only in which is which, one is run. */
  readonly isTwin?: boolean;
}

let engine: Engine;

beforeEach(async () => {
  engine = await freshEngine();
});

/** Runs the pair in every order, each in tables that are empty. */
async function inEveryOrder(pair: Pair): Promise<void> {
  const stepper = new Stepper(engine);
  const lengths = (await pair.prepare()).map(lengthOf);
  const orders = ordersOf(lengths).filter(
    (order) => pair.isTwin !== true || order.indexOf(0) < order.indexOf(1),
  );
  for (const order of orders) {
    await engine.sql(
      "truncate jobs, claims, history, workers, arrivals, concurrency_keys, concurrency_holds, queues",
    );
    const outcomes = await stepper.run(await pair.prepare(), order);
    try {
      await pair.check(outcomes);
    } catch (cause) {
      throw new Error(`expected it to hold in the order ${order.join(" ")}`, { cause });
    }
  }
}

/** A step that claims as this worker. */
function claiming(claimer: HandClaimer, limit: number): Script[number] {
  return ({ store }) => claimer.on(store).claim({ limit });
}

async function rows(): Promise<
  { id: string; state: string; worker_id: string | null; attempt: number }[]
> {
  return engine.sql("select id, state, worker_id, attempt from jobs order by id");
}

async function outcomesOf(id: string): Promise<string[]> {
  const found = await engine.sql<{ outcome: string }>(
    "select outcome from history where id = $1 order by attempt, finished_at",
    [id],
  );
  return found.map(({ outcome }) => outcome);
}

/** What each worker can still get, one after another, until there is nothing. */
async function drain(): Promise<string[]> {
  const last = new HandClaimer(engine.store);
  const ids: string[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    const jobs = await last.claim({ limit: 10 });
    for (const job of jobs) {
      ids.push(job.id);
      await last.settle([succeeded(job)]);
    }
  }
  return ids;
}

describe("in every order of their statements", () => {
  it("two claims take no job twice, and leave none", async () => {
    const workers = [new HandClaimer(engine.store), new HandClaimer(engine.store)] as const;
    await inEveryOrder({
      prepare: async () => {
        await engine.pawl.enqueueMany([task.job(1), task.job(2), task.job(3)]);
        return workers.map((worker) => [claiming(worker, 2)]);
      },
      check: async (outcomes) => {
        const claimed = outcomes.map(({ returned }) => returned[0] as ClaimedJob[]);
        const ids = claimed.flat().map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const held = (await rows()).filter(({ worker_id }) => worker_id !== null);
        expect(held.map(({ id }) => id).sort()).toEqual([...ids].sort());
        expect([...ids, ...(await drain())]).toHaveLength(3);
      },
    });
  });

  it("a claim and a rescue give a dead worker's job to one", async () => {
    const living = new HandClaimer(engine.store);
    let job: ClaimedJob | undefined;
    await inEveryOrder({
      prepare: async () => {
        const dead = await deadWorker();
        job = dead.job;
        return [[claiming(living, 1)], [({ store }) => dead.worker.on(store).rescue()]];
      },
      check: async ([claim]) => {
        const claimed = claim?.returned[0] as ClaimedJob[];
        const [row] = await rows();
        expect(await outcomesOf(job?.id ?? "")).toEqual(["crashed"]);
        if (claimed.length === 0) expect(row).toMatchObject({ state: "ready", attempt: 1 });
        else expect(row).toMatchObject({ worker_id: living.workerId, attempt: 2 });
        expect(await drain()).toHaveLength(1 - claimed.length);
      },
    });
  });

  it("a settle and a rescue end one attempt once", async () => {
    let job: ClaimedJob | undefined;
    await inEveryOrder({
      prepare: async () => {
        const dead = await deadWorker();
        job = dead.job;
        return [
          [({ store }) => dead.worker.on(store).settle([succeeded(dead.job)])],
          [({ store }) => dead.worker.on(store).rescue()],
        ];
      },
      check: async ([settle]) => {
        const hasSettled = settle?.returned[0] === 1;
        const left = await rows();
        // A rescue that found the row locked comes again.
        const outcomes = await outcomesOf(job?.id ?? "");
        if (hasSettled) {
          expect(left).toEqual([]);
          expect(outcomes).toEqual(["succeeded"]);
        } else {
          expect(left).toMatchObject([{ state: "ready", attempt: 1 }]);
          expect(outcomes).toEqual(["crashed"]);
        }
      },
    });
  });

  it("a failure and a cancellation end the job", async () => {
    let job: ClaimedJob | undefined;
    await inEveryOrder({
      prepare: async () => {
        const worker = new HandClaimer(engine.store);
        await engine.pawl.enqueue(task, 1);
        const held = await worker.claimOne();
        job = held;
        return [
          [({ store }) => worker.on(store).settle([failed(held, 0)])],
          [({ store }) => cancelJobs(store, [{ queue: "default", id: held.id }], "not wanted")],
        ];
      },
      check: async ([, cancel]) => {
        expect(cancel?.error).toBeUndefined();
        expect(await rows()).toEqual([]);
        expect((await outcomesOf(job?.id ?? "")).at(-1)).toBe("cancelled");
      },
    });
  });

  it("two enqueues with one unique key make one job", async () => {
    await inEveryOrder({
      prepare: () => {
        const enqueue: Script = [
          ({ client }) =>
            engine.pawl.enqueue(task, 1, { db: client, unique: { key: "one", mode: "keep" } }),
        ];
        return Promise.resolve([enqueue, enqueue]);
      },
      check: async (outcomes) => {
        const results = outcomes.map(({ returned }) => returned[0] as EnqueueResult);
        expect(results.map(({ outcome }) => outcome).sort()).toEqual(["created", "kept"]);
        expect(new Set(results.map(({ job }) => job.id)).size).toBe(1);
        expect(await rows()).toHaveLength(1);
      },
    });
  });

  it("the end of a job and a claim let the next of its key run, and only one", async () => {
    const other = new HandClaimer(engine.store);
    await inEveryOrder({
      prepare: async () => {
        const worker = new HandClaimer(engine.store);
        const concurrency = { key: "one" };
        for (const n of [1, 2, 3]) await engine.pawl.enqueue(task, n, { concurrency });
        const held = await worker.claimOne();
        return [[({ store }) => worker.on(store).settle([succeeded(held)])], [claiming(other, 10)]];
      },
      check: async ([, claim]) => {
        const claimed = claim?.returned[0] as ClaimedJob[];
        const running = (await rows()).filter(({ state }) => state === "running");
        expect(running.length).toBeLessThanOrEqual(1);
        expect(running).toHaveLength(claimed.length);
        await other.settle(claimed.map(succeeded));
        expect(claimed.length + (await drain()).length).toBe(2);
      },
    });
  });

  it("a migration and a claim do not get in each other's way", async () => {
    const worker = new HandClaimer(engine.store);
    await inEveryOrder({
      prepare: async () => {
        await engine.pawl.enqueue(task, 1);
        return [[claiming(worker, 1)], [() => engine.pawl.migrate()]];
      },
      check: async ([claim, migration]) => {
        expect(claim?.returned).toHaveLength(1);
        expect(migration?.error).toBeUndefined();
        expect((await rows()).map(({ worker_id }) => worker_id)).toEqual([worker.workerId]);
      },
    });
  });

  it("two claims and the settle of a third share what there is", { timeout: 180_000 }, async () => {
    const workers = [new HandClaimer(engine.store), new HandClaimer(engine.store)] as const;
    await inEveryOrder({
      isTwin: true,
      prepare: async () => {
        const third = new HandClaimer(engine.store);
        await engine.pawl.enqueueMany([task.job(1), task.job(2)]);
        const held = await third.claimOne();
        return [
          ...workers.map((worker) => [claiming(worker, 1)]),
          [({ store }) => third.on(store).settle([failed(held, 0)])],
        ];
      },
      check: async (outcomes) => {
        const ids = outcomes.slice(0, 2).flatMap(({ returned }) => returned[0] as ClaimedJob[]);
        expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length);
        const held = (await rows()).filter(({ worker_id }) => worker_id !== null);
        expect(held).toHaveLength(ids.length);
        expect(ids.length + (await drain()).length).toBe(2);
      },
    });
  });
});

async function deadWorker(): Promise<{ worker: HandClaimer; job: ClaimedJob }> {
  const worker = new HandClaimer(engine.store);
  await worker.register();
  await engine.pawl.enqueue(task, 1);
  return { worker, job: await worker.claimOne() };
}
