import { defineTask, Pawl } from "pawl";
import { otel } from "pawl/otel";
import { describe, expect, it, onTestFinished } from "vitest";
import { startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { intercepted, recorder } from "../support/intercepted-database.ts";
import { pgDatabase } from "pawl/pg";

const task = defineTask({ name: "task" });

describe("otel() in a process that has registered no SDK", () => {
  it("leaves enqueues as they are, and jobs run", async () => {
    const { texts, intercept } = recorder();
    const database = intercepted(pgDatabase(databaseUrl()), intercept);
    onTestFinished(() => database.close());
    const pawl = new Pawl({ database, schema: freshSchemaName(), instrumentation: otel() });
    onTestFinished(() => pawl.close());
    await pawl.migrate();
    const worker = await startWorker(pawl, { handlers: [task.handle(() => undefined)] });
    const outcomes: string[] = [];
    worker.on("settled", ({ outcome }) => outcomes.push(outcome));
    texts.length = 0;

    await pawl.enqueue(task);
    await eventually(() => outcomes.length === 1);

    expect(outcomes).toEqual(["succeeded"]);
    expect(texts.filter((text) => text.includes("insert_jobs"))).toEqual([]);
  });
});
