import { Pawl } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { findings, statementIn } from "../fixtures/findings.ts";
import { databaseUrl, freshDatabase } from "../support/database.ts";
import { freshEngine } from "../support/engine.ts";
import { intercepted, recorder } from "../support/intercepted-database.ts";

describe("drift", () => {
  it("is a missing index, with the statement that makes it again", async () => {
    const engine = await freshEngine();
    await engine.sql("drop index jobs_blocked");

    const [finding, ...others] = await findings(engine, "drift");

    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      level: "error",
      text: "What the migrations have made is missing: index jobs_blocked.",
    });
    await engine.sql(statementIn(finding));
    expect(await findings(engine, "drift")).toMatchObject([{ level: "ok" }]);
  });

  it.each([
    ["alter table workers drop column forbidden_flags", "missing: column workers.forbidden_flags"],
    ["alter table jobs alter column priority type integer", "changed: column jobs.priority"],
    ["alter table chores drop constraint chores_pkey", "missing: constraint chores.chores_pkey"],
    ["drop function uuid_v7", "missing: function uuid_v7"],
    [
      "create or replace function wake_workers(_news text default '') returns void language sql as 'select 1'",
      "changed: function wake_workers",
    ],
    ["alter function claim_jobs reset enable_sort", "changed: function claim_jobs"],
  ])("is what somebody has changed: %s", async (statement, text) => {
    const engine = await freshEngine();
    await engine.sql(statement);

    const [finding] = await findings(engine, "drift");

    expect(finding).toMatchObject({ level: "error", text: expect.stringContaining(text) });
  });

  it("is an index or a trigger that somebody has added to Pawl's tables, and nothing else", async () => {
    const engine = await freshEngine();
    await engine.sql("create index mine on jobs (worker_id)");
    await engine.sql("create table other (id integer primary key)");
    await engine.sql("create function other() returns integer language sql as 'select 1'");

    expect(await findings(engine, "drift")).toMatchObject([
      { level: "warning", text: "Somebody has added to Pawl's tables: index mine." },
    ]);
  });

  it("is found without leaving anything behind", async () => {
    const engine = await freshEngine();
    await engine.pawl.maintenance.diagnose();

    expect(await engine.sql("select from pg_namespace where nspname like 'pawl_trial%'")).toEqual(
      [],
    );
  });

  it("is found again without making a schema anew", async () => {
    const { texts, intercept } = recorder();
    const engine = await freshEngine({ wrap: (database) => intercepted(database, intercept) });
    await engine.pawl.maintenance.diagnose();
    await engine.sql("drop index jobs_blocked");

    expect(await findings(engine, "drift")).toMatchObject([{ level: "error" }]);
    expect(texts.filter((text) => /create schema "?pawl_trial/.test(text))).toHaveLength(1);
  });

  it.each(["order", "jobs", "ready"])("is none in a schema that is called %s", async (schema) => {
    const pawl = new Pawl({ database: await freshDatabase(), schema });
    onTestFinished(() => pawl.close());
    await pawl.migrate();

    const found = await pawl.maintenance.diagnose();

    expect(found.filter(({ check }) => check === "drift")).toMatchObject([{ level: "ok" }]);
  });

  it("is none where the schema is on the search path", async () => {
    const engine = await freshEngine();
    const url = new URL(databaseUrl());
    url.searchParams.set("options", `-c search_path=${engine.schema}`);
    const pawl = new Pawl({ database: url.href, schema: engine.schema });
    onTestFinished(() => pawl.close());

    const found = await pawl.maintenance.diagnose();

    expect(found.filter(({ check }) => check === "drift")).toMatchObject([{ level: "ok" }]);
  });
});
