import { describe, expect, it, onTestFinished } from "vitest";
import { defineTask } from "pawl";
import type { ClaimedJob } from "#pawl/store/claimed-job";
import type { Settlement } from "#pawl/store/settles";
import { storeOn } from "#pawl/store/store";
import { Settler } from "#pawl/worker/settler";
import { failed, HandClaimer, retentionMs, succeeded } from "../support/claiming.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { intercepted, type Call } from "../support/intercepted-database.ts";

const task = defineTask({ name: "task" });

describe("the settler", () => {
  it.each([
    [1, 1],
    [200, 1],
    [1_024, 1],
    [2_400, 3],
  ])("writes %i outcomes of the same turn in %i statements", async (count, expected) => {
    const { settler, jobs, calls, settled } = await prepare(count);

    for (const job of jobs) settler.add(succeeded(job));
    await settler.drained();

    expect(settled).toHaveLength(count);
    expect(calls.map(({ text }) => text.includes("finish_jobs"))).toEqual(
      Array.from({ length: expected }, () => true),
    );
  });

  // Where hooks are given, an attempt holds its place until then: told too soon, nobody would start the next.
  it("tells that outcomes are written when they no longer count as unwritten", async () => {
    const { settler, jobs, settled, left } = await prepare(3);

    for (const job of jobs) settler.add(succeeded(job));
    await settler.drained();

    expect(settled).toHaveLength(3);
    expect(left).toEqual([0]);
  });

  it("collects what comes while two flushes are under way, and writes it in one", async () => {
    const { settler, jobs, calls, hold } = await prepare(102);
    const release = hold();
    settler.add(succeeded(at(jobs, 0)));
    await untilCalls(calls, 1);
    settler.add(succeeded(at(jobs, 1)));
    await untilCalls(calls, 2);

    for (const job of jobs.slice(2)) settler.add(succeeded(job));
    release();
    await settler.drained();

    expect(calls.map(idsIn).map((ids) => ids.length)).toEqual([1, 1, 100]);
  });

  it("writes what goes for good and what goes back in one statement each", async () => {
    const { settler, jobs, calls, engine } = await prepare(20);

    jobs.forEach((job, place) => {
      settler.add(place % 2 === 0 ? succeeded(job) : failed(job, 60_000));
    });
    await settler.drained();

    expect(calls).toHaveLength(2);
    expect(await engine.sql("select outcome, count(*)::int from history group by 1")).toEqual(
      expect.arrayContaining([
        { outcome: "failed", count: 10 },
        { outcome: "succeeded", count: 10 },
      ]),
    );
  });

  it("names one queue in each statement", async () => {
    const { settler, calls, claimer, engine } = await prepare(0);
    const queues = ["a", "b", "c"];
    await engine.pawl.enqueueMany(
      queues.flatMap((queue) => [task.job(undefined, { queue }), task.job(undefined, { queue })]),
    );
    const jobs = await Promise.all(queues.map((queue) => claimer.claim({ queue })));

    for (const job of jobs.flat()) settler.add(succeeded(job));
    await settler.drained();

    expect(calls.map(({ values }) => values[0]).sort()).toEqual(queues);
  });

  it("gives ids in order, which is the one order of locks", async () => {
    const { settler, jobs, calls } = await prepare(50);

    for (const job of [...jobs].reverse()) settler.add(succeeded(job));
    await settler.drained();

    const ids = idsIn(at(calls, 0));
    expect(ids).toHaveLength(50);
    expect(ids).toEqual([...ids].sort());
  });

  it("settles the others of a batch in which one row is refused", async () => {
    const { settler, jobs, engine, settled, lost } = await prepare(100);

    jobs.forEach((job, place) => {
      settler.add({ ...succeeded(job), output: place === 37 ? "not JSON" : "1" });
    });
    await settler.drained();

    expect(settled).toHaveLength(100);
    expect(lost).toEqual([]);
    expect(await engine.sql("select count(*)::int from history where output is not null")).toEqual([
      { count: 99 },
    ]);
  });

  it("keeps what became of the job whose row is refused, and notes why", async () => {
    const { settler, jobs, engine } = await prepare(2);
    const [bad, good] = [at(jobs, 0), at(jobs, 1)];

    settler.add({ ...failed(bad, 60_000), output: "{" });
    settler.add(failed(good, 60_000));
    await settler.drained();

    const [row] = await engine.sql(
      "select outcome, output, error ->> 'message' as message from history where id = $1",
      [bad.id],
    );
    expect(row).toMatchObject({ outcome: "failed", output: null });
    expect(row).toMatchObject({ message: expect.stringMatching(/json/i) });
    expect(await engine.sql("select failures from jobs")).toEqual([
      { failures: 1 },
      { failures: 1 },
    ]);
  });

  it("settles the others while a row is refused whatever is left out of it", async () => {
    const { settler, jobs, settled } = await prepare(4);
    const [one, other, good, late] = [at(jobs, 0), at(jobs, 1), at(jobs, 2), at(jobs, 3)];

    settler.add(failed(one, 1e300));
    settler.add(failed(other, 1e300));
    settler.add(failed(good, 60_000));
    await waitFor(() => settled.length === 1);
    settler.add(failed(late, 60_000));
    await waitFor(() => settled.length === 2);

    expect(settled.map(({ job }) => job.id)).toEqual([good.id, late.id]);
  });

  it("settles the others of a batch in which a trigger of the user's refuses one", async () => {
    const { settler, jobs, engine, settled, errors } = await prepare(20);
    await engine.sql(refusing(at(jobs, 7).id));

    for (const job of jobs) settler.add(succeeded(job));
    await waitFor(() => settled.length === 19);
    await engine.sql("drop trigger refuse on history");
    await settler.drained();

    expect(settled).toHaveLength(20);
    expect(errors.map(String).join()).toContain("not this one");
  });

  it("tries a row that is refused again and again more and more slowly", async () => {
    const { settler, jobs, errors } = await prepare(1);
    const times: number[] = [];

    settler.add(failed(at(jobs, 0), 1e300));
    await waitFor(() => {
      if (errors.length > times.length) times.push(performance.now());
      return errors.length >= 8;
    });

    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(200);
  });
});

describe("a settle that misses its history partition", () => {
  it("makes it", async () => {
    const { settler, jobs, engine, settled } = await prepare(3);
    await dropPartitions(engine);

    for (const job of jobs) settler.add(succeeded(job));
    await settler.drained();

    expect(settled).toHaveLength(3);
    expect(await engine.sql("select count(*)::int from history")).toEqual([{ count: 3 }]);
  });

  it("makes it for a retention that nobody has had before", async () => {
    const { settler, jobs, engine } = await prepare(1, { retentionMs: 400 * 86_400_000 });

    settler.add(succeeded(at(jobs, 0)));
    await settler.drained();

    const [row] = await engine.sql(
      "select round(extract(epoch from expires_at - finished_at) / 86400)::int as days from history",
    );
    expect(row).toEqual({ days: 400 });
  });

  it("does it behind an idle reader of the history", async () => {
    const { settler, jobs, engine, settled } = await prepare(1);
    await dropPartitions(engine);
    const reader = await engine.connect();
    await reader.query("begin");
    await reader.query("select from history");

    settler.add(succeeded(at(jobs, 0)));
    await settler.drained();

    expect(settled).toHaveLength(1);
  });

  it("happens to a transactional handler's job as well, and the job is done", async () => {
    const engine = await freshEngine();
    const once = defineTask({
      name: "once",
      transactional: true,
      retry: { retries: 1, delays: [0] },
    });
    const handler = once.handle(async ({ tx, job }) => {
      await engine.write(tx, "kept");
      if (job.attempt === 1) await dropPartitions(engine);
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts.at(-1)).toMatchObject({ outcome: "succeeded", final: true });
    expect(await engine.notes()).toEqual(["kept"]);
  });
});

async function prepare(count: number, options: { retentionMs?: number } = {}) {
  const engine = await freshEngine();
  const claimer = new HandClaimer(engine.store);
  await engine.pawl.enqueueMany(Array.from({ length: count }, () => task.job()));
  const jobs = count === 0 ? [] : await claimer.claim({ limit: count });
  const calls: Call[] = [];
  const settled: Settlement[] = [];
  const lost: ClaimedJob[] = [];
  const errors: unknown[] = [];
  let held = Promise.resolve();
  const db = intercepted(engine.store.db, async (call, run) => {
    calls.push(call);
    await held;
    return run();
  });
  const left: number[] = [];
  const settler: Settler = new Settler(storeOn(engine.store, db), {
    workerId: claimer.workerId,
    historyOf: () => ({ keep: "all", retentionMs: options.retentionMs ?? retentionMs }),
    isAdmitting: true,
    random: () => 1,
    onSettled: (settlements) => settled.push(...settlements),
    onWritten: () => left.push(settler.pending),
    onLost: (names) => lost.push(...names),
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => settler.abandon());
  const hold = (): (() => void) => {
    let release = (): void => undefined;
    held = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  };
  return { engine, claimer, jobs, settler, calls, settled, lost, errors, left, hold };
}

/** Looks after every turn of the event loop, which a settler in a hurry does not leave much of. */
async function waitFor(fact: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`it did not come true: ${fact.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function untilCalls(calls: readonly Call[], count: number): Promise<void> {
  return waitFor(() => calls.length === count);
}

function idsIn({ values }: Call): string[] {
  return String(values[2]).slice(1, -1).split(",");
}

function at<T>(list: readonly T[], place: number): T {
  const value = list[place];
  if (value === undefined) throw new RangeError(`expected a value at ${place}`);
  return value;
}

function refusing(id: string): string {
  return `
    create function refuse() returns trigger language plpgsql as $$
    begin
      raise exception 'not this one';
    end $$;
    create trigger refuse before insert on history
      for each row when (new.id = '${id}') execute function refuse();`;
}

async function dropPartitions(engine: Engine): Promise<void> {
  const partitions = await engine.sql<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'history'::regclass",
  );
  for (const { name } of partitions) await engine.sql(`drop table ${name}`);
}
