import { randomBytes } from "node:crypto";
import { defineTask, Pawl, typed } from "pawl";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute, freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const task = defineTask({ name: "task", payload: typed<number>() });
const inTransaction = defineTask({ name: "in-transaction", transactional: true });

let url: string;
let migrates: string;
let runs: string;

/** The database as a role sees it. */
function as(role: string): string {
  return Object.assign(new URL(url), { username: role }).href;
}

beforeEach(async () => {
  url = await freshDatabase();
  const suffix = randomBytes(4).toString("hex");
  [migrates, runs] = [`migrates_${suffix}`, `runs_${suffix}`];
  await execute(`create role ${runs} login`);
  await execute(`create role ${migrates} login in role ${runs}`);
  const database = new URL(url).pathname.slice(1);
  await execute(`grant create on database ${database} to ${migrates}`, [], url);
  onTestFinished(async () => {
    await execute(`drop owned by ${migrates}, ${runs} cascade`, [], url);
    await execute(`drop role ${migrates}, ${runs}`, [], databaseUrl());
  });
  const pawl = new Pawl({ database: as(migrates) });
  await pawl.migrate({ grantTo: runs });
  await pawl.close();
});

describe("a role that Pawl was granted to", () => {
  it("enqueues, works, operates and keeps the history", async () => {
    const pawl = new Pawl({ database: as(runs), tasks: [task, inTransaction] });
    onTestFinished(() => pawl.close());
    let ran = 0;
    const handlers = [task.handle(() => ++ran), inTransaction.handle(() => ++ran)];
    await startWorker(pawl, { handlers });
    const keyed = {
      concurrency: { key: "key" },
      rateLimit: { key: "limit", capacity: 10, interval: "1s" },
    };

    await pawl.enqueue(task, 1);
    await pawl.enqueue(task, 2, keyed);
    await pawl.enqueue(inTransaction);
    await pawl.enqueue(task, 3, { unique: { key: "one" } });
    const late = await pawl.enqueue(task, 4, { delay: "1h" });
    await eventually(() => ran === 4);
    await pawl.jobs.cancel(late.job);
    await pawl.queues.pause("default");
    await pawl.queues.resume("default");

    const page = await pawl.history.list();
    expect(page.attempts).toHaveLength(5);
    await pawl.maintenance.pruneHistory();
    await pawl.maintenance.resetLockedJobs();
  });

  it("makes the partitions that its history needs, and drops those that have expired", async () => {
    const now = Date.UTC(2031, 4, 6, 12);
    const clock = { now };
    const pawl = new Pawl({ database: as(runs), clock: () => clock.now });
    onTestFinished(() => pawl.close());
    await startWorker(pawl, { handlers: [task.handle(() => undefined)] });
    const { job } = await pawl.enqueue(task, 1);
    await eventually(async () => (await pawl.history.attempts(job)).length === 1);

    clock.now += 40 * 86_400_000;
    // The worker does so as well: whoever comes second leaves it to the first.
    await eventually(async () => {
      await pawl.maintenance.pruneHistory();
      return (await pawl.history.attempts(job)).length === 0;
    });
  });

  it.each([
    "drop table pawl.jobs",
    "alter table pawl.jobs add column mine text",
    "drop function pawl.claim_jobs",
    "delete from pawl.migrations",
    "create or replace function pawl.now() returns timestamptz language sql as 'select null::timestamptz'",
  ])("cannot change what Pawl is made of: %s", async (statement) => {
    await expect(execute(statement, [], as(runs))).rejects.toMatchObject({ code: "42501" });
  });

  it("stays so when somebody else migrates again", async () => {
    const pawl = new Pawl({ database: as(migrates) });
    onTestFinished(() => pawl.close());

    await pawl.migrate({ grantTo: runs });
    await pawl.migrate();

    const app = new Pawl({ database: as(runs) });
    onTestFinished(() => app.close());
    expect((await app.enqueue(task, 1)).outcome).toBe("created");
  });
});

it("is refused where there is no such role", async () => {
  const pawl = new Pawl({ database: as(migrates) });
  onTestFinished(() => pawl.close());

  await expect(pawl.migrate({ grantTo: "nobody_has_this_name" })).rejects.toMatchObject({
    code: "PAWL_DATABASE_FAILED",
  });
});
