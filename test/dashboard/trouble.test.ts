import { describe, expect, it, onTestFinished } from "vitest";
import { Pawl } from "pawl";
import { dashboard } from "pawl/dashboard";
import { byHeader, change, codeOf, read } from "../support/dashboard.ts";
import { databaseUrl, freshSchemaName } from "../support/database.ts";
import { freshEngine } from "../support/engine.ts";

function dashboardOf(database: string, schema = freshSchemaName()) {
  const pawl = new Pawl({ database, schema });
  const reported: unknown[] = [];
  pawl.on("error", (error) => reported.push(error));
  onTestFinished(() => pawl.close());
  return { handler: dashboard(pawl, { authorize: byHeader }), reported };
}

describe("a database that cannot be reached", () => {
  it.each(["queues", "overview", "jobs", "audit"])(
    "is 503, without a word of where: %s",
    async (name) => {
      const { handler, reported } = dashboardOf("postgres://ada:hush@127.0.0.1:1/app");

      const response = await read(handler, name);

      expect(response.status).toBe(503);
      expect(await response.clone().text()).not.toMatch(/hush|ada|127\.0\.0\.1|:1/);
      expect(await codeOf(response)).toBe("PAWL_DATABASE_UNAVAILABLE");
      expect(reported).not.toEqual([]);
    },
  );

  it("is 503 for a change, which is not made", async () => {
    const { handler } = dashboardOf("postgres://ada:hush@127.0.0.1:1/app");

    const response = await change(handler, "pause-queue", { name: "mail" });

    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("hush");
  });
});

describe("a database without Pawl's tables", () => {
  it("is 503, and says what to do", async () => {
    const { handler } = dashboardOf(databaseUrl());

    const response = await read(handler, "queues");

    expect(response.status).toBe(503);
    expect(await codeOf(response)).toBe("PAWL_SCHEMA_MISSING");
  });
});

describe("a statement that takes too long", () => {
  it("is given up after 5 seconds: 504", { timeout: 60_000 }, async () => {
    const engine = await freshEngine();
    engine.pawl.on("error", () => undefined);
    await engine.pawl.queues.pause("mail");
    const handler = dashboard(engine.pawl, { authorize: byHeader });
    const client = await engine.pool.connect();
    onTestFinished(async () => {
      await client.query("rollback");
      client.release();
    });
    await client.query("begin");
    await client.query(`lock table "${engine.schema}".queues in access exclusive mode`);

    const response = await change(handler, "resume-queue", { name: "mail" });

    expect(response.status).toBe(504);
    expect(await codeOf(response)).toBe("PAWL_DASHBOARD_TIMEOUT");
  });
});
