import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { pruneClaims, pruneClaimsOfGoneWorkers } from "#pawl/store/claims";
import { Claimer } from "#pawl/worker/claimer";
import { Cursors } from "#pawl/worker/cursors";
import { HandClaimer, released, succeeded } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { unheardClaimer } from "../support/unheard-claimer.ts";

const task = defineTask({ name: "task" });
const line = { concurrency: { key: "line", limit: 1 } };

describe("the ledger of claims", () => {
  it("says of each claim which jobs it has taken", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await enqueue(engine, 5);

    const first = await claimer.claim({ limit: 3 });
    const second = await claimer.claim();

    expect(await notedBy(engine, claimer)).toEqual([
      { claim_number: 1, queue: "default", ids: idsOf(first) },
      { claim_number: 2, queue: "default", ids: idsOf(second) },
    ]);
  });

  it("has no row for a claim that has found nothing", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);

    await claimer.claim();

    expect(await notedBy(engine, claimer)).toEqual([]);
  });

  it("has the jobs that a claim takes from a line", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await engine.pawl.enqueueMany([1, 2].map(() => task.job(undefined, line)));

    const [job] = await claimer.claim();

    expect(await notedBy(engine, claimer)).toMatchObject([{ ids: [job?.id] }]);
  });

  it("has the followers of a job in a lane", async () => {
    const engine = await freshEngine();
    await engine.pawl.enqueueMany([1, 2, 3].map(() => task.job(undefined, line)));
    const options = { ...unheardClaimer(), queues: ["default"] };

    const jobs = await new Claimer(engine.store, options).claim(10, 2);

    const noted = await engine.sql<{ id: string }>("select unnest(ids) as id from claims");
    expect(jobs).toHaveLength(3);
    expect(noted.map(({ id }) => id).sort()).toEqual(idsOf(jobs));
  });

  it("has the jobs with a rate limit that a claim lets start", async () => {
    const engine = await freshEngine();
    const options = { ...unheardClaimer(), queues: ["default"] };
    const claimer = new Claimer(engine.store, options);
    const rateLimit = { key: "limit", capacity: 10, interval: "1m" } as const;
    await engine.pawl.enqueueMany([1, 2].map(() => task.job(undefined, { rateLimit })));

    await claimer.claim(10);
    const { jobs } = await claimer.claimLimited("default", 10);

    const noted = await engine.sql<{ id: string }>("select unnest(ids) as id from claims");
    expect(jobs).toHaveLength(2);
    expect(noted.map(({ id }) => id).sort()).toEqual(idsOf(jobs));
  });

  it("leads a rescue to all that a dead worker holds, and forgets it then", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await enqueue(engine, 6);
    const [done, ...others] = await claimer.claim({ limit: 3 });
    others.push(...(await claimer.claim()));
    if (done !== undefined) await claimer.settle([succeeded(done)]);

    await claimer.loseAll({ running: 0 });

    const ready = await engine.sql<{ id: string }>("select id from jobs where state = 'ready'");
    expect(ready.map(({ id }) => id).sort()).toEqual(idsOf(others));
    expect(await notedBy(engine, claimer)).toEqual([]);
  });

  it("keeps a claim as long as its worker holds one of the jobs", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await enqueue(engine, 4);
    const [kept, ...settled] = await claimer.claim({ limit: 3 });
    const [over] = await claimer.claim();
    await claimer.settle(settled.map(succeeded));
    if (over !== undefined) await claimer.settle([released(over)]);

    await pruneClaims(engine.store, claimer.workerId);

    expect(await notedBy(engine, claimer)).toMatchObject([
      { claim_number: 1, ids: expect.arrayContaining([kept?.id]) as unknown },
    ]);
  });

  it("forgets a claim whose jobs the same worker has claimed again", async () => {
    const engine = await freshEngine();
    const claimer = new HandClaimer(engine.store);
    await enqueue(engine, 1);
    for (let time = 0; time < 3; time += 1) {
      await claimer.settle([released(await claimer.claimOne())]);
    }
    await claimer.claimOne();

    await pruneClaims(engine.store, claimer.workerId);

    expect(await notedBy(engine, claimer)).toMatchObject([{ claim_number: 4 }]);
  });

  it("is pruned to the end, however many claims are kept in front", async () => {
    const engine = await freshEngine();
    await engine.sql(
      `with made as (
         insert into jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, payload, worker_id, claim_number)
         select gen_random_uuid(), now(), now(), 1, 'default', 'task', 'ready', 'null', $1, n
           from generate_series(1, 1500) as n
         returning id, claim_number
       )
       insert into claims (worker_id, claim_number, queue, ids)
       select $1, made.claim_number, 'default', array[made.id] from made
        union all
       select $1, n, 'default', array[gen_random_uuid()] from generate_series(1, 3000) as n`,
      [workerId],
    );

    await pruneClaims(engine.store, workerId);

    expect(await engine.sql("select from claims")).toHaveLength(1_500);
  });

  it("forgets what workers have left behind that are gone, but not what they hold", async () => {
    const engine = await freshEngine();
    const [over, holding] = [new HandClaimer(engine.store), new HandClaimer(engine.store)];
    await enqueue(engine, 2);
    await over.settle([succeeded(await over.claimOne())]);
    await holding.claimOne();

    await pruneClaimsOfGoneWorkers(engine.store);

    expect(await notedBy(engine, over)).toEqual([]);
    expect(await notedBy(engine, holding)).toHaveLength(1);
  });
});

describe("the claims of a worker", () => {
  it("are forgotten while it runs, and when it stops", async () => {
    const engine = await freshEngine();
    const handler = task.handle(() => undefined);
    const { worker, settled } = await engine.work({ handlers: [handler], lease: "500ms" });

    let most = 0;
    for (let round = 1; round <= 40; round += 1) {
      await enqueue(engine, 5);
      await engine.until(() => settled.length === round * 5);
      most = Math.max(most, (await engine.sql("select from claims")).length);
    }
    // All of them are over, so a later look leaves none.
    await engine.until(async () => (await engine.sql("select from claims")).length === 0);
    await enqueue(engine, 5);
    await engine.until(() => settled.length === 41 * 5);
    await worker.stop();

    expect(most).toBeGreaterThan(0);
    expect(await engine.sql("select from claims")).toEqual([]);
  });

  it("are forgotten when it claims by hand", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 20);

    for (let time = 0; time < 10; time += 1) {
      const jobs = await engine.pawl.jobs.claim("ada", { batchSize: 2 });
      await engine.pawl.jobs.complete("ada", jobs);
    }
    expect(await engine.sql("select from claims")).not.toEqual([]);
    await engine.pawl.close();

    expect(await engine.sql("select from jobs")).toEqual([]);
    expect(await engine.sql("select from claims")).toEqual([]);
  });

  it("are not noted when they are settled in their own transaction", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 1);
    const handlers = [task.handle(() => undefined)];

    expect(await engine.pawl.workOnce({ handlers })).not.toBeNull();

    expect(await engine.sql("select from claims")).toEqual([]);
  });
});

describe("jobs that run", () => {
  it("are claimed by nobody else, neither from the front nor behind a cursor", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 10);
    const [first, second] = [
      new HandClaimer(engine.store),
      new HandClaimer(engine.store, new Cursors()),
    ];

    const mine = await first.claim({ limit: 4 });
    const others = await second.claim({ limit: 4 });
    const rest = await first.claim();

    expect(new Set([...mine, ...others, ...rest].map(({ id }) => id)).size).toBe(10);
    expect(await second.claim()).toEqual([]);
    expect(await new HandClaimer(engine.store).claim()).toEqual([]);
  });

  it("are claimed once each by claimers that meet", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 400);
    const claimers = Array.from({ length: 8 }, () => new HandClaimer(engine.store));

    const claimed = await Promise.all(
      claimers.map(async (claimer) => {
        const ids: string[] = [];
        for (let time = 0; time < 20; time += 1) {
          ids.push(...(await claimer.claim({ limit: 5 })).map(({ id }) => id));
        }
        return ids;
      }),
    );

    const ids = claimed.flat();
    expect(new Set(ids).size).toBe(ids.length);
    const left = await new HandClaimer(engine.store).claim();
    expect(ids.length + left.length).toBe(400);
  });

  it("are claimed again in their old place when they are given back, though no index has lost them", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 3);
    const claimer = new Claimer(engine.store, { ...unheardClaimer(), queues: ["default"] });
    const other = new HandClaimer(engine.store);
    const job = await other.claimOne();
    expect(await claimer.claim(10)).toHaveLength(2);

    await other.settle([released(job)]);
    await claimer.claim(10);
    await enqueue(engine, 1);
    const again = await claimer.claim(10);

    const running = await engine.sql<{ worker: string }>(
      "select worker_id::text as worker from jobs where id = $1",
      [job.id],
    );
    expect(running).not.toEqual([{ worker: other.workerId }]);
    expect(again.length).toBeGreaterThan(0);
    expect(await engine.sql("select from jobs where state = 'ready'")).toEqual([]);
  });

  it("are passed over once by a claimer that finds no others", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 20);
    await new HandClaimer(engine.store).claim();
    const cursors = new Cursors();

    await new HandClaimer(engine.store, cursors).claim();

    const [before] = new Cursors().ranges();
    expect(cursors.ranges()).not.toEqual([before]);
    const { job } = await engine.pawl.enqueue(task);
    const next = await new HandClaimer(engine.store, cursors).claim();
    expect(next.map(({ id }) => id)).toEqual([job.id]);
  });

  it("do not hide one that somebody has locked and does not take after all", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 20);
    const locking = await engine.connect();
    await locking.query("begin");
    const { rows } = await locking.query<{ id: string }>("select id from jobs limit 1 for update");
    await new HandClaimer(engine.store).claim();
    const claimer = new HandClaimer(engine.store, new Cursors());
    expect(await claimer.claim()).toEqual([]);

    await locking.query("rollback");

    expect((await claimer.claim()).map(({ id }) => id)).toEqual([rows[0]?.id]);
  });

  it("do not hide one that somebody had locked while claims behind it filled up", async () => {
    const engine = await freshEngine();
    await enqueue(engine, 20);
    const locking = await engine.connect();
    await locking.query("begin");
    const { rows } = await locking.query<{ id: string }>(
      "select id from jobs where id = (select id from jobs order by id offset 2 limit 1) for update",
    );
    const claimer = new HandClaimer(engine.store, new Cursors());
    expect(await claimer.claim({ limit: 5 })).toHaveLength(5);
    expect(await claimer.claim({ limit: 5 })).toHaveLength(5);

    await locking.query("rollback");

    const found = [...(await claimer.claim({ limit: 1 })), ...(await claimer.claim({ limit: 1 }))];
    expect(found.map(({ id }) => id)).toContain(rows[0]?.id);
  });
});

const workerId = randomUUID();

async function enqueue(engine: Engine, count: number): Promise<void> {
  await engine.pawl.enqueueMany(Array.from({ length: count }, () => task.job()));
}

function idsOf(jobs: readonly { readonly id: string }[]): string[] {
  return jobs.map(({ id }) => id).sort();
}

/** The rows of a worker, each with its ids in order. */
async function notedBy(engine: Engine, { workerId: id }: HandClaimer): Promise<object[]> {
  return engine.sql(
    `select claim_number::int, queue, array(select unnest(ids) as id order by id)::text[] as ids
       from claims
      where worker_id = $1
      order by claim_number`,
    [id],
  );
}
