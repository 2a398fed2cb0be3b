import { describe, expect, it } from "vitest";
import { defineTask, type TransactionClient } from "pawl";
import { freshEngine, type Engine } from "../support/engine.ts";

const once = defineTask({ name: "once", transactional: true, retry: "none" });

describe("a transactional handler that changes a setting, and commits,", () => {
  it.each([
    ["statement_timeout", "set statement_timeout = '20s'"],
    ["search_path", "set search_path = pg_temp"],
    ["search_path by a longer text", "select 1; set search_path to ''"],
    ["timezone", "set time zone 'Asia/Kathmandu'"],
    ["datestyle", "set datestyle = 'SQL, DMY'"],
    ["intervalstyle", "set intervalstyle = 'sql_standard'"],
    ["extra_float_digits", "set extra_float_digits = -15"],
    ["standard_conforming_strings", "set standard_conforming_strings = off"],
    ["default_transaction_read_only", "set session characteristics as transaction read only"],
    ["enable_indexscan", "set enable_indexscan = off; set enable_seqscan = on"],
    ["synchronous_commit", "set synchronous_commit = off"],
    ["session_replication_role", "set session_replication_role = replica"],
    ["lock_timeout", "set local lock_timeout = '1ms'"],
    ["nothing that lasts", "set local statement_timeout = '20s'"],
  ])("is done, and the next user of the connection does not meet it: %s", async (_, text) => {
    const engine = await freshEngine({ connections: 1 });
    const before = await settingsOf(engine);
    const attempts = await runOnce(engine, async (tx) => {
      await engine.write(tx, "kept");
      await tx.query(text);
    });

    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
    expect(await settingsOf(engine)).toEqual(before);
  });

  it("has its times right whatever the time zone and the style of dates", async () => {
    const engine = await freshEngine();
    const startedAt = Date.now();
    const attempts = await runOnce(engine, async (tx) => {
      await tx.query("set time zone 'America/St_Johns'; set datestyle = 'German'");
    });

    const finishedAt = attempts[0]?.finishedAt.getTime();
    expect(finishedAt).toBeGreaterThanOrEqual(startedAt - 1_000);
    expect(finishedAt).toBeLessThanOrEqual(Date.now() + 1_000);
  });
});

describe("a transactional handler that changes a setting so that the job cannot be settled", () => {
  it.each([
    ["writes are refused", "set transaction read only", "25006"],
    ["the role may not write", "set role pg_read_all_data", "42501"],
    ["the role may not write, for this transaction", "set local role pg_monitor", "42501"],
    ["the session's user may not write", "set session authorization pg_monitor", "42501"],
  ])("has failed without effects: %s", async (_, text, code) => {
    const engine = await freshEngine();
    const attempts = await runOnce(engine, async (tx) => {
      await engine.write(tx, "gone");
      await tx.query(text);
    });

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(JSON.stringify(attempts[0]?.error)).toContain(code);
    expect(await engine.notes()).toEqual([]);
  });

  it("has failed without effects when its own statement timeout struck", async () => {
    const engine = await freshEngine();
    const attempts = await runOnce(engine, async (tx) => {
      await engine.write(tx, "gone");
      await tx.query("set statement_timeout = '30ms'");
      await tx.query("select pg_sleep(20)").catch(() => undefined);
    });

    expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
    expect(await engine.notes()).toEqual([]);
  });

  it("leaves the connection to the next user as it was", async () => {
    const engine = await freshEngine({ connections: 1 });
    const before = await settingsOf(engine);
    await runOnce(engine, async (tx) => {
      await tx.query("set role pg_read_all_data; set search_path = pg_temp");
    });

    expect(await settingsOf(engine)).toEqual(before);
  });

  it("does not keep the next job from being done", async () => {
    const engine = await freshEngine({ connections: 1 });
    const retried = defineTask({
      name: "retried",
      transactional: true,
      retry: { retries: 1, delays: [0] },
    });
    const handler = retried.handle(async ({ tx, job }) => {
      if (job.attempt === 1) await tx.query("set transaction read only");
      else await engine.write(tx, "kept");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(retried);
    const attempts = await engine.finished(job);

    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
    expect(await engine.notes()).toEqual(["kept"]);
  });
});

describe("Pawl's own settings for a transactional handler", () => {
  it("end with its transaction", async () => {
    const engine = await freshEngine({ connections: 1 });
    const before = await settingsOf(engine);
    let during: unknown;
    await runOnce(engine, async (tx) => {
      during = (await tx.query("select current_setting('application_name') as name")).rows[0];
    });

    expect(during).toMatchObject({ name: expect.stringMatching(/^pawl [0-9a-f-]{36}$/) });
    expect(await settingsOf(engine)).toEqual(before);
  });

  it("let the server end a session that is silent for two leases", async () => {
    const engine = await freshEngine();
    let during: unknown;
    await runOnce(engine, async (tx) => {
      during = (await tx.query("show idle_in_transaction_session_timeout")).rows[0];
    });

    expect(during).toEqual({ idle_in_transaction_session_timeout: "2s" });
  });
});

async function runOnce(engine: Engine, work: (tx: TransactionClient) => Promise<void>) {
  const handler = once.handle(({ tx }) => work(tx));
  await engine.work({ handlers: [handler] });
  const { job } = await engine.pawl.enqueue(once);
  return engine.finished(job);
}

/** What the next user of a pool of one connection finds. */
async function settingsOf(engine: Engine): Promise<object[]> {
  const { rows } = await engine.pool.query<object>(
    "select name, setting from pg_settings where source not in ('default', 'override') " +
      "union all select 'current user', current_user order by 1",
  );
  return rows;
}
