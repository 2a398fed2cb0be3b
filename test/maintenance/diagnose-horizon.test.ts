import { Pawl, type DiagnosisFinding } from "pawl";
import type pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { judgeHorizon } from "#pawl/maintenance/diagnosis/horizon";
import { findHorizonHolders, type HorizonHolder } from "#pawl/store/diagnosis";
import { findings, statementIn } from "../fixtures/findings.ts";
import { execute } from "../support/database.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { ownPostgres } from "../support/own-postgres.ts";

const server = ownPostgres({ max_prepared_transactions: 10, wal_level: "logical" });
const minutes = 60_000;

function open(): Promise<Engine> {
  return freshEngine({ url: server.url });
}

describe("the xmin horizon", () => {
  // What is held in a test is young.
  const limits = { warningMs: 0, errorMs: 10 * minutes, errorTransactions: 1_000_000 };

  it("is held by a session, which is named with the statement that ends it", async () => {
    const engine = await open();
    const { client, pid } = await snapshot(engine, "old-report");

    const [finding] = await horizon(engine, limits, (holder) => holder.pid === pid);

    expect(finding).toMatchObject({ check: "horizon", level: "warning" });
    expect(finding?.text).toContain(`the session ${pid} ("old-report", role `);
    expect(finding?.text).toContain("idle in transaction) for ");
    const ended = new Promise((resolve) => client.once("end", resolve));
    await engine.sql(statementIn(finding));
    await ended;
    expect(await horizon(engine, limits, (holder) => holder.pid === pid)).toEqual([]);
  });

  it("is held by a transaction that has only written", async () => {
    const engine = await open();
    const client = await engine.connect();
    await client.query("begin; insert into notes values ('x')");

    const found = await holders(engine);

    expect(found.filter(({ state }) => state === "idle in transaction")).toHaveLength(1);
    await client.query("rollback");
  });

  it("is held for a moment by a session, which is said by the way", async () => {
    const engine = await open();
    const { client, pid } = await snapshot(engine, "young-report");

    const [finding] = await findings(engine, "horizon");
    await client.query("rollback");

    expect(finding).toMatchObject({ level: "ok" });
    expect(finding?.text).toContain(`the session ${pid} ("young-report"`);
  });

  it("is held by a prepared transaction", async () => {
    const engine = await open();
    const client = await engine.connect();
    await client.query("begin");
    await client.query("insert into notes values ('x')");
    await client.query("prepare transaction 'it''s mine'");

    const [finding] = await horizon(engine, limits, ({ kind }) => kind === "prepared");

    expect(finding?.text).toContain(`the prepared transaction "it's mine" (role `);
    await engine.sql(statementIn(finding));
    expect(await engine.sql("select from pg_prepared_xacts")).toEqual([]);
  });

  it("is held by a replication slot that nobody reads from", async () => {
    const engine = await open();
    await engine.sql("select pg_create_logical_replication_slot('forgotten', 'pgoutput')");

    const found = await findings(engine, "horizon");
    const finding = found.find(({ text }) => text.includes("slot"));

    expect(finding).toMatchObject({ level: "warning" });
    expect(finding?.text).toContain('the replication slot "forgotten" (inactive)');
    expect(finding?.text).toContain("rows of the catalogs");
    await engine.sql(statementIn(finding));
    expect(await engine.sql("select from pg_replication_slots")).toEqual([]);
  });

  it.each<[Partial<HorizonHolder>, string]>([
    [{ heldMs: 59_000 }, "ok"],
    [{ heldMs: minutes }, "warning"],
    [{ heldMs: 15 * minutes }, "error"],
    [{ kind: "prepared", heldMs: 15 * minutes }, "error"],
    [{ kind: "slot", state: "active", heldMs: null }, "ok"],
    [{ kind: "slot", state: "active", heldMs: null, transactions: 1_000_000 }, "warning"],
    [{ kind: "slot", state: "inactive", heldMs: null, transactions: 1_000_000 }, "error"],
  ])("matters by how long it is held: %j", (facts, level) => {
    const holder: HorizonHolder = {
      ...{ kind: "session", name: "psql", pid: 1, role: "ada", state: "active", heldMs: 0 },
      ...{ transactions: 10, isCatalogsOnly: false, remedy: "" },
      ...facts,
    };

    expect(judgeHorizon([holder])).toMatchObject([{ level }]);
  });

  it("is held by nobody", () => {
    expect(judgeHorizon([])).toMatchObject([{ level: "ok" }]);
  });
});

describe("a role that may see little", () => {
  it("gets an answer, and is told what it cannot see", async () => {
    const engine = await open();
    const role = `${engine.schema}_app`;
    await engine.sql(`create role ${role} login`);
    onTestFinished(async () => {
      await execute(`drop owned by ${role} cascade`, [], server.url);
      await execute(`drop role ${role}`, [], server.url);
    });
    await engine.pawl.migrate({ grantTo: role });
    const { client } = await snapshot(engine, "hidden-report");
    const url = Object.assign(new URL(server.url), { username: role }).href;
    const pawl = new Pawl({ database: url, schema: engine.schema });
    onTestFinished(() => pawl.close());

    const found = await pawl.maintenance.diagnose();
    await client.query("rollback");

    const bad = found.filter(({ level }) => level !== "ok");
    expect(bad).toMatchObject([
      { check: "privileges", level: "warning" },
      { check: "drift", level: "warning", text: expect.stringContaining("not allowed") },
    ]);
    await engine.sql(statementIn(bad[0]));
    const again = await pawl.maintenance.diagnose();
    expect(again.find(({ check }) => check === "privileges")).toMatchObject({ level: "ok" });
  });
});

function holders(engine: Engine): Promise<readonly HorizonHolder[]> {
  return findHorizonHolders(engine.store, 5);
}

async function horizon(
  engine: Engine,
  limits: Parameters<typeof judgeHorizon>[1],
  isMeant: (holder: HorizonHolder) => boolean,
): Promise<DiagnosisFinding[]> {
  const meant = (await holders(engine)).filter(isMeant);
  return meant.length === 0 ? [] : judgeHorizon(meant, limits);
}

/** A session with a snapshot that it keeps. */
async function snapshot(engine: Engine, name: string): Promise<{ client: pg.Client; pid: number }> {
  const client = await engine.connect();
  await client.query(`set application_name = '${name}'`);
  await client.query("begin isolation level repeatable read");
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return { client, pid: rows[0]?.pid ?? 0 };
}
