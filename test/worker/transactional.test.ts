import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { freshEngine, type Engine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";

const once = defineTask({ name: "once", transactional: true, retry: "none" });
const retried = defineTask({
  name: "retried",
  transactional: true,
  retry: { retries: 5, delays: [0] },
});

describe("a transactional handler that returns", () => {
  it("commits its writes together with the end of the job", async () => {
    const engine = await freshEngine();
    const handler = once.handle(({ tx }) => engine.write(tx, "written"));
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ attempt: 1, outcome: "succeeded", final: true }]);
    expect(await engine.notes()).toEqual(["written"]);
    expect(await engine.pawl.jobs.get(job)).toMatchObject({ state: "finished" });
  });

  it("has shown nothing to others before: neither its writes nor the end of the job", async () => {
    const engine = await freshEngine();
    let seen: unknown;
    const handler = once.handle(async ({ tx, job }) => {
      await engine.write(tx, "written");
      const live = await engine.pawl.jobs.get(job);
      seen = { notes: await engine.notes(), state: live?.state };
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    await engine.finished(job);

    expect(seen).toEqual({ notes: [], state: "running" });
  });

  it.each(["on", "off"])(
    "keeps what it returns to the letter, with standard_conforming_strings %s",
    async (setting) => {
      const engine = await freshEngine();
      const told = defineTask({ name: "told", transactional: true, storeOutput: true });
      const output = { text: "it's $1, $12; commit -- \\' \\\\ \n {} \"é\"" };
      const handler = told.handle(async ({ tx }) => {
        await tx.query(`set local standard_conforming_strings = ${setting}`);
        return output;
      });
      await engine.work({ handlers: [handler] });

      const { job } = await engine.pawl.enqueue(told, undefined, { queue: "it's \\ $2" });
      const attempts = await engine.finished(job);

      expect(attempts).toMatchObject([{ outcome: "succeeded", output }]);
    },
  );

  it("writes as many rows as there are jobs, however many run at once", async () => {
    const engine = await freshEngine();
    const handler = once.handle(({ tx, job }) => engine.write(tx, job.id));
    await engine.work({ handlers: [handler] });

    const results = await engine.pawl.enqueueMany(Array.from({ length: 60 }, () => once.job()));
    for (const { job } of results) await engine.finished(job);

    expect(await engine.notes()).toEqual(results.map(({ job }) => job.id).sort());
  });

  it("may give a part up by a savepoint of its own", async () => {
    const engine = await freshEngine();
    const handler = once.handle(async ({ tx }) => {
      await engine.write(tx, "kept");
      await tx.query("savepoint part");
      await engine.write(tx, "given up");
      await tx.query("select 1 / 0").catch(() => undefined);
      await tx.query("rollback to savepoint part");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
  });

  it("is told that its transaction has ended when it uses `tx` later", async () => {
    const engine = await freshEngine();
    const late = gate<unknown>();
    const handler = once.handle(({ tx, job }) => {
      void engine.finished(job).then(() => engine.write(tx, "late").catch(late.open));
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);

    expect(await late.opened).toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
    await engine.finished(job);
    expect(await engine.notes()).toEqual([]);
  });

  it("is told so from the moment in which it has returned", async () => {
    const engine = await freshEngine();
    const late = gate<unknown>();
    const handler = once.handle(({ tx }) => {
      setImmediate(() => void engine.write(tx, "late").catch(late.open));
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    await engine.finished(job);

    expect(await engine.notes()).toEqual([]);
    expect(await late.opened).toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
  });

  it("takes the queries that it did not await into its transaction", async () => {
    const engine = await freshEngine();
    const handler = once.handle(({ tx }) => {
      void tx.query(`insert into ${engine.schema}.notes select 'not awaited' from pg_sleep(0.1)`);
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["not awaited"]);
  });
});

describe("a transactional handler that throws", () => {
  it("leaves nothing behind but its failed attempt", async () => {
    const engine = await freshEngine();
    const handler = once.handle(async ({ tx }) => {
      await engine.write(tx, "gone");
      throw new Error("no luck");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(once);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([
      { attempt: 1, outcome: "failed", final: true, error: { name: "Error", message: "no luck" } },
    ]);
    expect(await engine.notes()).toEqual([]);
  });

  it("runs again, and only what its last attempt wrote is there", async () => {
    const engine = await freshEngine();
    const handler = retried.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      if (job.attempt < 3) throw new Error("not yet");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "succeeded"]);
    expect(await engine.notes()).toEqual(["attempt 3"]);
  });

  it("tells the next attempt how often it has failed, and with what", async () => {
    const engine = await freshEngine();
    let second: unknown;
    const handler = retried.handle(({ job }) => {
      if (job.attempt === 1) throw new Error("the first time");
      second = { failures: job.failures, lastError: job.lastError };
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(retried);
    await engine.finished(job);

    expect(second).toEqual({ failures: 1, lastError: "the first time" });
  });

  it("gives its job's row free, so that others can have it at once", async () => {
    const engine = await freshEngine();
    const slow = defineTask({
      name: "slow",
      transactional: true,
      retry: { retries: 1, delays: ["1h"] },
    });
    const handler = slow.handle(() => Promise.reject(new Error("no luck")));
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(slow);
    await engine.attempts(job, (attempts) => attempts.length === 1);

    const rows = await engine.sql("select state, failures from jobs for update nowait");
    expect(rows).toEqual([{ state: "scheduled", failures: 1 }]);
  });
});

describe("a transactional handler that leaves its transaction broken", () => {
  it("has failed when it swallowed an SQL error", async () => {
    const { engine, attempts } = await runOnce(async (engine, query) => {
      await query(`insert into ${engine.schema}.notes values ('gone')`);
      await query("select 1 / 0").catch(() => undefined);
    });

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(JSON.stringify(attempts[0]?.error)).toContain("25P02");
    expect(await engine.notes()).toEqual([]);
  });

  it("has failed with the SQL error that it let through", async () => {
    const { engine, attempts } = await runOnce(async (engine, query) => {
      await query(`insert into ${engine.schema}.notes values ('gone')`);
      await query("select 1 / 0");
    });

    expect(attempts).toMatchObject([{ outcome: "failed", error: { code: "22012" } }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("has failed when a query that it did not await failed", async () => {
    const { engine, attempts } = await runOnce(async (engine, query) => {
      await query(`insert into ${engine.schema}.notes values ('gone')`);
      query("select 1 / 0").catch(() => undefined);
    });

    expect(attempts).toMatchObject([{ outcome: "failed" }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("has failed when a deferred constraint does not hold", async () => {
    const { engine, attempts } = await runOnce(async (engine, query) => {
      const table = `${engine.schema}.seats`;
      await query(`create table ${table} (seat int unique deferrable initially deferred)`);
      await query(`insert into ${engine.schema}.notes values ('gone')`);
      await query(`insert into ${table} values (1), (1)`);
    });

    expect(attempts).toMatchObject([{ outcome: "failed", error: { cause: { code: "23505" } } }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("has failed when it put off the constraints that Pawl checks before the end", async () => {
    const { engine, attempts } = await runOnce(async (engine, query) => {
      const table = `${engine.schema}.seats`;
      await query(`create table ${table} (seat int unique deferrable)`);
      await query("set constraints all deferred");
      await query(`insert into ${engine.schema}.notes values ('gone')`);
      await query(`insert into ${table} values (1), (1)`);
    });

    expect(attempts).toMatchObject([{ outcome: "failed" }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("has failed when only the COMMIT itself fails", async () => {
    const { engine, attempts } = await runOnce(async (engine, query) => {
      await query(failsAtCommit(engine.schema));
      await query(`insert into ${engine.schema}.notes values ('gone')`);
      await query(`insert into ${engine.schema}.late values (1)`);
    });

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(JSON.stringify(attempts[0]?.error)).toContain("23505");
    expect(await engine.notes()).toEqual([]);
    expect(await engine.sql("select from jobs")).toEqual([]);
  });

  it("runs again after any of it", async () => {
    const engine = await freshEngine();
    const handler = retried.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      if (job.attempt < 3) await tx.query("select 1 / 0").catch(() => undefined);
    });
    const { lost } = await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "succeeded"]);
    expect(await engine.notes()).toEqual(["attempt 3"]);
    expect(lost).toEqual([]);
  });
});

describe("a transactional handler that runs too long", () => {
  it("is told, and leaves nothing behind but a failed attempt", async () => {
    const engine = await freshEngine();
    const brief = defineTask({
      name: "brief",
      transactional: true,
      retry: "none",
      timeout: "200ms",
    });
    const handler = brief.handle(async ({ tx, signal }) => {
      await engine.write(tx, "gone");
      await eventually(() => signal.aborted);
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(brief);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "failed", error: { code: "PAWL_JOB_TIMEOUT" } }]);
    expect(await engine.notes()).toEqual([]);
  });
});

type Query = (text: string) => Promise<unknown>;

async function runOnce(work: (engine: Engine, query: Query) => Promise<void>) {
  const engine = await freshEngine();
  const handler = once.handle(({ tx }) => work(engine, (text) => tx.query(text)));
  await engine.work({ handlers: [handler] });
  const { job } = await engine.pawl.enqueue(once);
  return { engine, attempts: await engine.finished(job) };
}

// A trigger that puts the constraints off once more, after they have been asked for.
function failsAtCommit(schema: string): string {
  return `
    create table ${schema}.late (n int);
    create table ${schema}.seats (seat int unique deferrable initially deferred);
    create function ${schema}.take_twice() returns trigger language plpgsql as $$
    begin
      set constraints all deferred;
      insert into ${schema}.seats values (1), (1);
      return null;
    end $$;
    create constraint trigger late after insert on ${schema}.late
      deferrable initially deferred for each row execute function ${schema}.take_twice();`;
}
