import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { defineTask, Pawl, typed, type Instrumentation } from "pawl";
import { otel } from "pawl/otel";
import { describe, expect, it, onTestFinished } from "vitest";
import { startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { registerTelemetry } from "./telemetry.ts";

const telemetry = registerTelemetry();
const task = defineTask({
  name: "task",
  payload: typed<{ readonly secret: string; readonly fails?: boolean }>(),
  queue: "mail",
  retry: { retries: 1, delays: [0] },
});
const follow = defineTask({ name: "follow", queue: "later" });
const inTransaction = defineTask({ name: "in-transaction", queue: "mail", transactional: true });
const payload = { secret: "hush" };
const lease = "30s";

async function tracedPawl(instrumentation: Instrumentation = otel()): Promise<Pawl> {
  const pawl = new Pawl({
    database: databaseUrl(),
    schema: freshSchemaName(),
    instrumentation,
  });
  onTestFinished(() => pawl.close());
  await pawl.migrate();
  return pawl;
}

describe("the span of an enqueue", () => {
  it("says what was sent where, as the conventions have it", async () => {
    const pawl = await tracedPawl();

    const { job } = await pawl.enqueue(task, payload, { correlationId: "order 7" });

    const [span] = await telemetry.spansNamed("send mail");
    expect(span?.kind).toBe(SpanKind.PRODUCER);
    expect(span?.attributes).toEqual({
      "messaging.system": "pawl",
      "messaging.operation.name": "send",
      "messaging.operation.type": "send",
      "messaging.destination.name": "mail",
      "messaging.message.id": job.id,
      "messaging.message.conversation_id": "order 7",
      "messaging.pawl.task": "task",
    });
  });

  it("is a child of what its caller does", async () => {
    const pawl = await tracedPawl();

    await trace.getTracer("test").startActiveSpan("request", async (span) => {
      await pawl.enqueue(task, payload);
      span.end();
    });

    const [send] = await telemetry.spansNamed("send mail");
    const [parent] = await telemetry.spansNamed("request");
    expect(send?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
  });

  it("of many jobs is one, and names their queue only when they share it", async () => {
    const pawl = await tracedPawl();

    await pawl.enqueueMany([task.job(payload), task.job(payload)]);
    await pawl.enqueueMany([task.job(payload), follow.job()]);

    const [same] = await telemetry.spansNamed("send mail");
    const [mixed] = await telemetry.spansNamed("send");
    expect(same?.attributes).toMatchObject({
      "messaging.batch.message_count": 2,
      "messaging.destination.name": "mail",
    });
    expect(mixed?.attributes).not.toHaveProperty("messaging.destination.name");
    expect(mixed?.attributes).not.toHaveProperty("messaging.message.id");
  });

  it("says why the enqueue failed", async () => {
    const pawl = new Pawl({
      ...{ database: databaseUrl(), schema: freshSchemaName(), instrumentation: otel() },
    });
    onTestFinished(() => pawl.close());

    await expect(pawl.enqueue(task, payload)).rejects.toMatchObject({
      code: "PAWL_SCHEMA_MISSING",
    });

    const [span] = await telemetry.spansNamed("send mail");
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(span?.attributes).toMatchObject({ "error.type": "PAWL_SCHEMA_MISSING" });
  });
});

describe("the span of an attempt", () => {
  it("is linked to that of its enqueue, in a trace of its own", async () => {
    const pawl = await tracedPawl();
    await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });

    const { job } = await pawl.enqueue(task, payload, { correlationId: "order 7" });

    const [send] = await telemetry.spansNamed("send mail");
    const [span] = await telemetry.spansNamed("process mail");
    expect(span?.kind).toBe(SpanKind.CONSUMER);
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.spanContext().traceId).not.toBe(send?.spanContext().traceId);
    expect(span?.links.map(({ context }) => context.spanId)).toEqual([send?.spanContext().spanId]);
    expect(span?.attributes).toEqual({
      "messaging.system": "pawl",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": "mail",
      "messaging.message.id": job.id,
      "messaging.message.conversation_id": "order 7",
      "messaging.pawl.task": "task",
      "messaging.pawl.attempt": 1,
      "messaging.pawl.outcome": "succeeded",
    });
  });

  it("is a child of it, in the same trace, when it is to be", async () => {
    const pawl = await tracedPawl(otel({ relation: "parent" }));
    await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });

    await pawl.enqueue(task, payload);

    const [send] = await telemetry.spansNamed("send mail");
    const [span] = await telemetry.spansNamed("process mail");
    expect(span?.spanContext().traceId).toBe(send?.spanContext().traceId);
    expect(span?.parentSpanContext?.spanId).toBe(send?.spanContext().spanId);
    expect(span?.links).toEqual([]);
  });

  it("is made for every attempt, and says why one has failed", async () => {
    const pawl = await tracedPawl();
    const handlers = [
      task.handle(() => {
        throw new RangeError("failed on purpose");
      }),
    ];
    await startWorker(pawl, { handlers, lease });

    await pawl.enqueue(task, payload);

    const spans = await telemetry.spansNamed("process mail", 2);
    expect(spans.map(({ attributes }) => attributes["messaging.pawl.attempt"])).toEqual([1, 2]);
    for (const { status, attributes, events } of spans) {
      expect(status).toEqual({ code: SpanStatusCode.ERROR, message: "failed on purpose" });
      expect(attributes).toMatchObject({
        "error.type": "RangeError",
        "messaging.pawl.outcome": "failed",
      });
      expect(events).toMatchObject([{ name: "exception" }]);
    }
  });

  it("ends when a handler that ignores its signal is given up", async () => {
    const pawl = await tracedPawl();
    const handlers = [task.handle(() => new Promise(() => undefined))];
    const worker = await startWorker(pawl, { handlers, lease });
    await pawl.enqueue(task, payload);
    await eventually(() => worker.health().running === 1);

    await worker.stop({ grace: 0 });

    const [span] = await telemetry.spansNamed("process mail");
    expect(span?.attributes).toMatchObject({ "messaging.pawl.outcome": "released" });
    expect(span?.attributes).not.toHaveProperty("error.type");
  });

  it("of each job of a batch is linked to the one enqueue", async () => {
    const pawl = await tracedPawl();
    await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });

    await pawl.enqueueMany([task.job(payload), task.job(payload), task.job(payload)]);

    const [send] = await telemetry.spansNamed("send mail");
    const spans = await telemetry.spansNamed("process mail", 3);
    const linked = spans.flatMap(({ links }) => links.map(({ context }) => context.spanId));
    expect(linked).toEqual(Array(3).fill(send?.spanContext().spanId));
  });

  it.each([
    ["a concurrency key", { concurrency: { key: "one" } }],
    ["a rate limit", { rateLimit: { key: "limit", capacity: 10, interval: "1s" } }],
    ["a unique key", { unique: { key: "one" } }],
    ["an id of the caller's", { id: "0199d9a4-5c00-7000-8000-000000000000" }],
    ["flags", { flags: ["eu"] }],
  ])("is linked for a job with %s", async (_, options) => {
    const pawl = await tracedPawl();
    await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });

    await pawl.enqueue(task, payload, options);

    const [send] = await telemetry.spansNamed("send mail");
    const [span] = await telemetry.spansNamed("process mail");
    expect(span?.links.map(({ context }) => context.spanId)).toEqual([send?.spanContext().spanId]);
  });

  it("is linked to the newest enqueue of a job that was replaced", async () => {
    const pawl = await tracedPawl();
    const unique = { key: "one", mode: "replace" } as const;
    await pawl.enqueue(task, payload, { unique });
    await pawl.enqueue(task, payload, { unique });

    await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });

    const [, newest] = await telemetry.spansNamed("send mail", 2);
    const [span] = await telemetry.spansNamed("process mail");
    expect(span?.links[0]?.context.spanId).toBe(newest?.spanContext().spanId);
  });

  it("is there for a job that runs without a worker", async () => {
    const pawl = await tracedPawl();
    await pawl.enqueue(inTransaction);

    await pawl.workOnce({ handlers: [inTransaction.handle(() => undefined)] });

    const [span] = await telemetry.spansNamed("process mail");
    expect(span?.links).toHaveLength(1);
    expect(span?.attributes).toMatchObject({ "messaging.pawl.outcome": "succeeded" });
  });

  it("has no link where nobody has left a trace", async () => {
    const pawl = await tracedPawl();
    const producer = new Pawl({ database: databaseUrl(), schema: pawl.schema });
    onTestFinished(() => producer.close());
    await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });

    await producer.enqueue(task, payload);

    const [span] = await telemetry.spansNamed("process mail");
    expect(span?.links).toEqual([]);
  });
});

describe("a job that a handler enqueues", () => {
  it.each([
    ["a plain handler", task, payload],
    ["a transactional handler", inTransaction, undefined],
  ])("is in the trace of %s", async (_, first, given) => {
    const pawl = await tracedPawl(otel({ relation: "parent" }));
    const handlers = [
      task.handle(({ enqueue }) => enqueue(follow)),
      inTransaction.handle(({ enqueue }) => enqueue(follow)),
      follow.handle(() => undefined),
    ];
    await startWorker(pawl, { handlers, lease });

    await pawl.enqueueByName(first.name, given, { queue: "mail" });

    const [send] = await telemetry.spansNamed("send mail");
    const [process] = await telemetry.spansNamed("process mail");
    const [sendLater] = await telemetry.spansNamed("send later");
    const [processLater] = await telemetry.spansNamed("process later");
    expect(sendLater?.parentSpanContext?.spanId).toBe(process?.spanContext().spanId);
    const traces = [send, process, sendLater, processLater].map(
      (span) => span?.spanContext().traceId,
    );
    expect(new Set(traces).size).toBe(1);
  });

  it("is sent in the trace of its handler and run in one of its own, by links", async () => {
    const pawl = await tracedPawl();
    const handlers = [
      task.handle(({ enqueue }) => enqueue(follow)),
      follow.handle(() => undefined),
    ];
    await startWorker(pawl, { handlers, lease });

    await pawl.enqueue(task, payload);

    const [process] = await telemetry.spansNamed("process mail");
    const [sendLater] = await telemetry.spansNamed("send later");
    const [processLater] = await telemetry.spansNamed("process later");
    expect(sendLater?.spanContext().traceId).toBe(process?.spanContext().traceId);
    expect(processLater?.links[0]?.context).toMatchObject({
      traceId: process?.spanContext().traceId,
      spanId: sendLater?.spanContext().spanId,
    });
  });
});

describe("what is kept of a trace", () => {
  it("is its context, in the job's meta", async () => {
    const pawl = await tracedPawl();

    await pawl.enqueue(task, payload);

    const rows = await execute<{ meta: unknown }>(`select meta from ${pawl.schema}.jobs`);
    const [send] = await telemetry.spansNamed("send mail");
    const { traceId = "", spanId = "" } = send?.spanContext() ?? {};
    expect(rows).toEqual([{ meta: { traceparent: `00-${traceId}-${spanId}-01` } }]);
  });

  it("is nothing without instrumentation", async () => {
    const pawl = new Pawl({ database: databaseUrl(), schema: freshSchemaName() });
    onTestFinished(() => pawl.close());
    await pawl.migrate();

    await pawl.enqueue(task, payload);
    await pawl.enqueue(task, payload, { flags: ["eu"] });

    const rows = await execute<{ meta: unknown }>(`select meta from ${pawl.schema}.jobs`);
    expect(rows).toEqual([{ meta: null }, { meta: null }]);
    expect(telemetry.spans()).toEqual([]);
  });

  it("is only what a header can carry, so that no job becomes unreadable", async () => {
    const headers = { fine: "1", nul: "a\0b", lone: "\ud800", long: "x".repeat(10_000) };
    const pawl = await tracedPawl({
      enqueue: (_jobs, write) => write(headers),
      start: () => ({ run: (handler) => handler(), end: () => undefined }),
    });
    const worker = await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });
    let ran = 0;
    worker.on("settled", () => (ran += 1));

    await pawl.enqueue(task, payload, { delay: "1h" });
    await pawl.enqueue(task, payload);
    await eventually(() => ran === 1);

    const rows = await execute<{ meta: unknown }>(`select meta from ${pawl.schema}.jobs`);
    expect(rows).toEqual([{ meta: { fine: "1" } }]);
  });

  it("shows no payload", async () => {
    const pawl = await tracedPawl();
    await startWorker(pawl, { handlers: [task.handle(() => undefined)], lease });

    await pawl.enqueue(task, payload);
    const spans = [
      ...(await telemetry.spansNamed("send mail")),
      ...(await telemetry.spansNamed("process mail")),
    ];

    const shown = spans.map(({ name, attributes, events }) => ({ name, attributes, events }));
    expect(JSON.stringify(shown)).not.toContain("hush");
  });
});
