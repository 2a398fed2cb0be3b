import { defineTask, Pawl, typed } from "pawl";
import { otel } from "pawl/otel";
import { describe, expect, it, onTestFinished } from "vitest";
import { startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { registerTelemetry } from "./telemetry.ts";

const telemetry = registerTelemetry();
const task = defineTask({
  ...{ name: "task", queue: "mail", retry: "none", payload: typed<{ readonly fails: boolean }>() },
});
const handlers = [
  task.handle(({ payload }) => {
    if (payload.fails) throw new RangeError("failed on purpose");
  }),
];

describe("the metrics of OpenTelemetry", () => {
  it("are those of the conventions, failures included", async () => {
    const pawl = new Pawl({
      ...{ database: databaseUrl(), schema: freshSchemaName(), instrumentation: otel() },
    });
    onTestFinished(() => pawl.close());
    await pawl.migrate();
    const worker = await startWorker(pawl, { handlers, lease: "30s" });
    let settled = 0;
    worker.on("settled", () => (settled += 1));
    worker.on("failed", () => undefined);

    await pawl.enqueue(task, { fails: false });
    await pawl.enqueueMany([task.job({ fails: false }), task.job({ fails: true })]);
    await eventually(() => settled === 3);

    const send = {
      "messaging.system": "pawl",
      "messaging.operation.name": "send",
      "messaging.destination.name": "mail",
    };
    const process = {
      ...send,
      "messaging.operation.name": "process",
      "messaging.pawl.task": "task",
    };
    const failed = { ...process, "error.type": "RangeError" };
    expect(await telemetry.points("messaging.client.sent.messages")).toMatchObject([
      { attributes: send, value: 3 },
    ]);
    expect(await telemetry.points("messaging.client.operation.duration")).toMatchObject([
      { attributes: send, value: { count: 2 } },
    ]);
    const consumed = await telemetry.points("messaging.client.consumed.messages");
    const durations = await telemetry.points("messaging.process.duration");
    expect(consumed.map(({ attributes, value }) => ({ attributes, value }))).toEqual(
      expect.arrayContaining([
        { attributes: process, value: 2 },
        { attributes: failed, value: 1 },
      ]),
    );
    expect(durations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ attributes: process }),
        expect.objectContaining({ attributes: failed }),
      ]),
    );
    expect(durations[0]?.value).toMatchObject({
      buckets: { boundaries: expect.arrayContaining([0.005, 10]) },
    });
  });
});
