import { defineTask, Pawl, typed } from "pawl";
import { expect, it, onTestFinished } from "vitest";
import { startWorker } from "../fixtures/fresh-pawl.ts";
import { execute, freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const trap = `returns text language plpgsql as $$ begin raise 'somebody else''s function was called'; end $$`;

// What Pawl has, and what it uses of PostgreSQL, under the same names in a schema that comes first.
const hostile = `
  create schema evil;
  create table evil.jobs (id text);
  create table evil.history (id text);
  create table evil.workers (id text);
  create table evil.queues (name text);
  create table evil.claims (worker_id text);
  create type evil.claimed_job as (nothing text);
  create function evil.now() ${trap};
  create function evil.claim_jobs() ${trap};
  create function evil.wake_workers(text) ${trap};
  create function evil.rewind_queue(text) ${trap};
  create function evil.unnest(uuid[]) ${trap};
  create function evil.jsonb_array_elements(jsonb) ${trap};`;

it("uses nothing of another schema, whatever the search path says", async () => {
  const url = await freshDatabase();
  await execute(hostile, [], url);
  const name = new URL(url).pathname.slice(1);
  await execute(`alter database ${name} set search_path = evil, public`, [], url);
  const task = defineTask({
    name: "task",
    payload: typed<number>(),
    retry: { retries: 1, delays: [0] },
  });
  const inTransaction = defineTask({ name: "in-transaction", transactional: true });
  const pawl = new Pawl({ database: url, tasks: [task, inTransaction] });
  onTestFinished(() => pawl.close());
  await pawl.migrate();
  const ran: number[] = [];
  await startWorker(pawl, {
    handlers: [
      task.handle(({ payload, job }) => {
        ran.push(payload);
        if (payload === 3 && job.attempt === 1) throw new Error("on purpose");
      }),
      inTransaction.handle(({ enqueue }) => enqueue(task, 9)),
    ],
    onFailed: () => undefined,
  });

  await pawl.enqueue(inTransaction);
  await pawl.enqueueMany([
    task.job(1, { concurrency: { key: "key" } }),
    task.job(2, { rateLimit: { key: "limit", capacity: 5, interval: "1s" } }),
    task.job(3, { unique: { key: "one" } }),
    task.job(4, { delay: 50 }),
  ]);
  await eventually(() => ran.length === 6);

  expect(ran.sort()).toEqual([1, 2, 3, 3, 4, 9]);
  expect(await execute("select from evil.jobs", [], url)).toEqual([]);
});

it("works in two schemas of a database at once, and mixes nothing up", async () => {
  const url = await freshDatabase();
  const seen = new Map<string, number[]>();
  const task = defineTask({ name: "task", payload: typed<number>() });
  const both = ["first", "second"].map((schema) => new Pawl({ database: url, schema }));
  for (const pawl of both) {
    onTestFinished(() => pawl.close());
    await pawl.migrate();
    seen.set(pawl.schema, []);
    const handlers = [task.handle(({ payload }) => void seen.get(pawl.schema)?.push(payload))];
    await startWorker(pawl, { handlers });
  }

  for (const [place, pawl] of both.entries()) {
    await pawl.enqueueMany([1, 2, 3].map((n) => task.job(n + 10 * place)));
  }
  await eventually(() => [...seen.values()].flat().length === 6);

  expect(seen.get("first")?.sort()).toEqual([1, 2, 3]);
  expect(seen.get("second")?.sort()).toEqual([11, 12, 13]);
  // A handler has ended a moment before its outcome is written.
  for (const pawl of both) {
    const attempts = await eventually(async () => {
      const page = await pawl.history.list();
      return page.attempts.length >= 3 && page.attempts;
    });
    expect(attempts).toHaveLength(3);
  }
});
