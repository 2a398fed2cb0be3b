import { PGlite } from "@electric-sql/pglite";
import { defineTask, Pawl, typed } from "pawl";
import { pgliteDatabase } from "pawl/pglite";
import { expect, it, onTestFinished } from "vitest";
import { searchJobs } from "#pawl/store/dashboard-search";
import { statements } from "#pawl/db/statements";

it("searchable paths are indexed and found in PGlite", { timeout: 60_000 }, async () => {
  const client = new PGlite();
  onTestFinished(() => client.close());
  const database = pgliteDatabase(client);
  const send = defineTask({ name: "send", payload: typed<object>(), searchable: ["user.id"] });
  const pawl = new Pawl({ database, tasks: [send] });
  await pawl.migrate();
  await pawl.enqueue(send, { user: { id: 42 } });

  const store = { db: database, sql: statements("pawl") };
  const found = await searchJobs(store, { search: "task:send payload.user.id:42" }, { limit: 5 });

  expect(found.rows).toHaveLength(1);
});
