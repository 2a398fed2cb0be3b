import {
  defineTask,
  exponential,
  OptionError,
  TaskError,
  typed,
  type AnyTask,
  type WorkerOptions,
} from "pawl";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { migratedSchema, openPawl, thrownBy } from "../support/producer.ts";

const task = defineTask({ name: "task" });
const handler = task.handle(() => undefined);
let schema: string;

beforeAll(async () => {
  schema = await migratedSchema();
});

describe("defineTask", () => {
  it.each([
    ["no options", undefined, "defineTask"],
    ["null", null, "defineTask"],
    ["a name alone", "task", "defineTask"],
    ["no name", {}, "name"],
    ["an empty name", { name: "" }, "name"],
    ["a name of 256 bytes", { name: "x".repeat(256) }, "name"],
    ["a name with a NUL", { name: "a\0" }, "name"],
    ["a name that is no string", { name: 5 }, "name"],
    ["an empty queue", { name: "x", queue: "" }, "queue"],
    ["a queue of 64 bytes", { name: "x", queue: "x".repeat(64) }, "queue"],
    ["a priority that is no integer", { name: "x", priority: "high" }, "priority"],
    ["a priority above a smallint", { name: "x", priority: 40_000 }, "priority"],
    ["a timeout in parsecs", { name: "x", timeout: "5 parsecs" }, "timeout"],
    ["a timeout below zero", { name: "x", timeout: -1 }, "timeout"],
    ["a timeout of nothing", { name: "x", timeout: 0 }, "timeout"],
    ["a schema that is none", { name: "x", payload: { to: "string" } }, "payload"],
    ["a schema that is a type's name", { name: "x", payload: "string" }, "payload"],
    ["a retry that is a number", { name: "x", retry: 5 }, "retry"],
    ["no delays", { name: "x", retry: { retries: 1, delays: [] } }, "retry.delays"],
    ["retries below zero", { name: "x", retry: { retries: -1, delays: [1] } }, "retry.retries"],
    [
      "a retry delay in parsecs",
      { name: "x", retry: { retries: 1, delays: ["1s", "5 parsecs"] } },
      "retry.delays[1]",
    ],
    ["a transactional that is a number", { name: "x", transactional: 1 }, "transactional"],
    ["a storeOutput that is a text", { name: "x", storeOutput: "yes" }, "storeOutput"],
    ["a run that is no function", { name: "x", run: "now" }, "run"],
  ])("refuses %s", (_, options, option) => {
    const error = thrownBy(() => defineTask(options as never));

    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code: "PAWL_OPTION_INVALID", option });
    expectToSay(error);
  });

  it("refuses an option that it does not know, and names the one that was meant", () => {
    const error = thrownBy(() => defineTask({ name: "x", prioritty: 1 } as never));

    expect(error).toMatchObject({
      name: "OptionError",
      code: "PAWL_OPTION_UNKNOWN",
      option: "prioritty",
      message: expect.stringContaining("`priority`"),
    });
  });

  it.each([
    ["of zod", z.string()],
    ["of Pawl", typed<string>()],
  ])("takes a schema %s", (_, payload) => {
    expect(defineTask({ name: "x", payload }).schema).toBe(payload);
  });

  it("gives defaults that a task can be read for", () => {
    expect(task).toMatchObject({
      name: "task",
      queue: "default",
      priority: 0,
      maxAttempts: 25,
      timeoutMs: 3_600_000,
      transactional: false,
      storeOutput: false,
      retry: exponential(),
    });
  });

  it("makes a task that nobody changes", () => {
    expect(thrownBy(() => Object.assign(task, { queue: "other" }))).toBeInstanceOf(TypeError);
  });

  it.each([undefined, null, "run", {}])("refuses to bind %j as a handler", (run) => {
    const error = thrownBy(() => task.handle(run as never));

    expect(error).toMatchObject({ name: "OptionError", option: "handle" });
  });
});

describe("pawl.worker", () => {
  it.each<[string, unknown, string]>([
    ["null", null, "worker"],
    ["a list", [handler], "worker"],
    ["a concurrency below zero", { concurrency: -1 }, "concurrency"],
    ["a concurrency of nothing", { concurrency: 0 }, "concurrency"],
    ["half a concurrency", { concurrency: 1.5 }, "concurrency"],
    ["a concurrency that is a text", { concurrency: "10" }, "concurrency"],
    ["a concurrency without end", { concurrency: Infinity }, "concurrency"],
    ["a queue that is in no list", { queues: "email" }, "queues"],
    ["an empty list of queues", { queues: [] }, "queues"],
    ["an empty queue", { queues: ["email", ""] }, "queues"],
    ["a queue of 64 bytes", { queues: ["x".repeat(64)] }, "queues"],
    ["a queue that is no string", { queues: [5] }, "queues"],
    ["a lease in parsecs", { lease: "5 parsecs" }, "lease"],
    ["a lease that nobody can keep", { lease: "10ms" }, "lease"],
    ["a poll interval in parsecs", { pollInterval: "5 parsecs" }, "pollInterval"],
    ["a poll interval below zero", { pollInterval: -1 }, "pollInterval"],
    ["a grace in parsecs", { shutdownGrace: "5 parsecs" }, "shutdownGrace"],
    ["a grace that is no duration", { unknownTaskGrace: {} }, "unknownTaskGrace"],
    ["an empty name", { name: "" }, "name"],
    ["a name that is no string", { name: 5 }, "name"],
    ["handlers that are no list", { handlers: 5 }, "handlers"],
    ["handlers by name", { handlers: { task: () => undefined } }, "handlers"],
    ["a task for a handler", { handlers: [task] }, "handlers"],
    ["a function for a handler", { handlers: [() => undefined] }, "handlers"],
    ["null for a handler", { handlers: [null] }, "handlers"],
    ["tasks that are no list", { handlers: [handler], tasks: 5 }, "tasks"],
    ["a name for a task", { handlers: [handler], tasks: ["task"] }, "tasks"],
    ["a handler for a task", { handlers: [handler], tasks: [handler] }, "tasks"],
  ])("refuses %s", (_, given, option) => {
    const pawl = openPawl(schema);
    const options = isPlain(given) ? { handlers: [handler], ...given } : given;

    const error = thrownBy(() => pawl.worker(options as WorkerOptions));

    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code: "PAWL_OPTION_INVALID", option });
    expectToSay(error);
  });

  it("refuses an option that it does not know, and names the one that was meant", () => {
    const pawl = openPawl(schema);
    const options = { handlers: [handler], concurency: 5 } as WorkerOptions;

    const error = thrownBy(() => pawl.worker(options));

    expect(error).toMatchObject({
      name: "OptionError",
      code: "PAWL_OPTION_UNKNOWN",
      option: "concurency",
      message: expect.stringContaining("`concurrency`"),
    });
  });

  const other = defineTask({ name: "other" });
  const ready = defineTask({ name: "ready", run: () => undefined });
  it.each<[string, readonly AnyTask[], WorkerOptions, RegExp]>([
    ["no handler at all", [], {}, /_MISSING: .*`handlers/],
    ["an empty list of handlers", [task], { handlers: [] }, /_MISSING: .*`handlers/],
    [
      "a task without a handler",
      [],
      { handlers: [handler], tasks: [task, other] },
      /_MISSING: .*"other"/,
    ],
    [
      "two handlers of one task",
      [],
      { handlers: [handler, task.handle(() => 1)] },
      /_DUPLICATE: .*"task"/,
    ],
  ])("refuses %s", (_, tasks, options, saying) => {
    const pawl = openPawl(schema, { tasks });

    const error = thrownBy(() => pawl.worker(options)) as TaskError;

    expect(error).toBeInstanceOf(TaskError);
    expect(`${error.code}: ${error.message}`).toMatch(saying);
    expectToSay(error);
  });

  it("takes tasks that bring their own handler", () => {
    const pawl = openPawl(schema, { tasks: [task, ready] });

    expect(pawl.worker({ tasks: [ready] }).state).toBe("new");
    expect(pawl.worker().state).toBe("new");
  });

  it("leaves no trace in the database before it starts", async () => {
    const pawl = openPawl(schema);

    pawl.worker({ handlers: [handler] });
    thrownBy(() => pawl.worker({ handlers: [handler], concurrency: -1 }));

    expect(await execute(`select from ${schema}.workers`)).toEqual([]);
  });
});

/** What was expected and what came. */
function expectToSay(error: unknown): void {
  expect(error).toMatchObject({ message: expect.stringMatching(/expected .*, got /) });
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
