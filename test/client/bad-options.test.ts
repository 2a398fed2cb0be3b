import { defineTask, OptionError, type EnqueueOptions, type Pawl } from "pawl";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { execute } from "../support/database.ts";
import { countJobs, migratedSchema, openPawl, rejectionOf } from "../support/producer.ts";

const task = defineTask({ name: "task" });
let schema: string;
let pawl: Pawl;

beforeAll(async () => {
  schema = await migratedSchema();
});

beforeEach(async () => {
  // Nothing here should have written anything; what did must not fail the next test as well.
  await execute(`delete from ${schema}.jobs`);
  pawl = openPawl(schema);
});

describe("an option of an enqueue", () => {
  const options: [string, object, string][] = [
    ["an empty queue", { queue: "" }, "queue"],
    ["a queue of 64 bytes", { queue: "x".repeat(64) }, "queue"],
    ["a queue of 64 bytes in 32 letters", { queue: "ž".repeat(32) }, "queue"],
    ["a queue with a NUL", { queue: "a\0" }, "queue"],
    ["a queue with half a surrogate pair", { queue: "\ud800" }, "queue"],
    ["a queue that is no string", { queue: 5 }, "queue"],
    ["a queue of null", { queue: null }, "queue"],
    ["a delay in parsecs", { delay: "5 parsecs" }, "delay"],
    ["a delay below zero", { delay: -1 }, "delay"],
    ["a delay that is not a number", { delay: NaN }, "delay"],
    ["a delay without end", { delay: Infinity }, "delay"],
    ["a delay without a number", { delay: "s" }, "delay"],
    ["a delay that is a Date", { delay: new Date() }, "delay"],
    ["a delay beside a runAt", { delay: 1, runAt: new Date() }, "delay"],
    ["a runAt that is a text", { runAt: "2055-01-01" }, "runAt"],
    ["a runAt that is a number", { runAt: 1_700_000_000_000 }, "runAt"],
    ["a runAt that is no date", { runAt: new Date("never") }, "runAt"],
    ["a runAt of another millennium", { runAt: new Date(8.64e15) }, "runAt"],
    ["a runAt before the first year", { runAt: new Date(-8.64e15) }, "runAt"],
    ["a priority between two integers", { priority: 0.5 }, "priority"],
    ["a priority above a smallint", { priority: 32_768 }, "priority"],
    ["a priority below a smallint", { priority: -32_769 }, "priority"],
    ["a priority that is a text", { priority: "1" }, "priority"],
    ["no attempts", { maxAttempts: 0 }, "maxAttempts"],
    ["attempts below zero", { maxAttempts: -1 }, "maxAttempts"],
    ["attempts without end", { maxAttempts: Infinity }, "maxAttempts"],
    ["attempts above an integer", { maxAttempts: 2 ** 31 }, "maxAttempts"],
    ["an id that is no UUID", { id: "one" }, "id"],
    ["an id in braces", { id: "{0190a5d0-1234-7abc-8def-00000000000a}" }, "id"],
    ["an id that is a number", { id: 1 }, "id"],
    ["an empty correlation id", { correlationId: "" }, "correlationId"],
    ["a correlation id with a NUL", { correlationId: "\0" }, "correlationId"],
    ["a correlation id of 256 bytes", { correlationId: "x".repeat(256) }, "correlationId"],
    ["a correlation id that is a number", { correlationId: 1 }, "correlationId"],
  ];

  it.each(options)("is refused by enqueue: %s", async (_, given, option) => {
    const refusal = await rejectionOf(pawl.enqueue(task, undefined, given as EnqueueOptions));

    await expectOptionError(refusal, option);
  });

  it.each(options)("is refused by enqueueMany: %s", async (_, given, option) => {
    const requests = [task.job(), task.job(undefined, given)];

    const refusal = await rejectionOf(pawl.enqueueMany(requests));

    await expectOptionError(refusal, option);
  });

  it.each([
    ["a name of one letter less", { que: "q" }, "que", "queue"],
    ["a name in another style", { run_at: new Date() }, "run_at", "runAt"],
    ["a name in capitals", { PRIORITY: 1 }, "PRIORITY", "priority"],
  ])("is refused when it is not known: %s", async (_, given, option, meant) => {
    const refusal = await rejectionOf(pawl.enqueue(task, undefined, given as EnqueueOptions));

    expect(refusal).toMatchObject({
      name: "OptionError",
      code: "PAWL_OPTION_UNKNOWN",
      option,
      message: expect.stringContaining(`did you mean \`${meant}\``),
    });
    expect(await countJobs(schema)).toBe(0);
  });

  it("is refused when it is not known and nothing is near", async () => {
    const given = { colour: "red" } as EnqueueOptions;

    const refusal = await rejectionOf(pawl.enqueue(task, undefined, given));

    expect(refusal).toMatchObject({
      code: "PAWL_OPTION_UNKNOWN",
      option: "colour",
      expected: expect.stringContaining("queue, runAt, delay, priority, maxAttempts, id"),
    });
    expect(await countJobs(schema)).toBe(0);
  });

  it("is refused by enqueueMany when it is for all jobs but `db`", async () => {
    const given = { queue: "all" } as object;

    const refusal = await rejectionOf(pawl.enqueueMany([task.job()], given));

    expect(refusal).toMatchObject({ code: "PAWL_OPTION_UNKNOWN", option: "queue" });
    expect(await countJobs(schema)).toBe(0);
  });

  it.each([
    ["null", null],
    ["a number", 5],
    ["a text", "queue"],
    ["an array", []],
  ])("is refused when %s stands for the options", async (_, given) => {
    const refusals = await Promise.all([
      rejectionOf(pawl.enqueue(task, undefined, given as never)),
      rejectionOf(pawl.enqueueByName("task", undefined, given as never)),
      rejectionOf(pawl.enqueueMany([task.job(undefined, given as never)])),
      rejectionOf(pawl.enqueueMany([task.job()], given as never)),
    ]);

    expect(refusals).toMatchObject(
      Array(4).fill({ name: "OptionError", code: "PAWL_OPTION_INVALID" }),
    );
    expect(await countJobs(schema)).toBe(0);
  });

  it("may be undefined, which is the same as left out", async () => {
    const other = await migratedSchema();
    const given = { queue: undefined, delay: undefined, id: undefined, priority: undefined };

    const { job } = await openPawl(other).enqueue(task, undefined, given as never);

    expect(job).toMatchObject({ queue: "default", state: "ready" });
  });
});

describe("the task of an enqueue", () => {
  it("is refused when its name is not known", async () => {
    const other = openPawl(schema, { tasks: [task] });

    const refusal = await rejectionOf(other.enqueue("tsak" as "task"));

    expect(refusal).toMatchObject({
      name: "TaskError",
      code: "PAWL_TASK_UNKNOWN",
      message: expect.stringMatching(/"task".*got "tsak".*enqueueByName/),
    });
    expect(await countJobs(schema)).toBe(0);
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a number", 5],
    ["a handler", task.handle(() => undefined)],
    ["a job", task.job()],
  ])("is refused by enqueue when it is %s", async (_, given) => {
    const refusal = await rejectionOf(pawl.enqueue(given as never));

    expect(refusal).toMatchObject({ code: expect.stringMatching(/^PAWL_(TASK|OPTION)_/) });
    expect(await countJobs(schema)).toBe(0);
  });

  it.each([
    ["empty", ""],
    ["of 256 bytes", "x".repeat(256)],
    ["with a NUL", "a\0"],
    ["no string", 5],
    ["undefined", undefined],
  ])("is refused by enqueueByName when its name is %s", async (_, name) => {
    const refusal = await rejectionOf(pawl.enqueueByName(name as never));

    await expectOptionError(refusal, "name");
  });
});

describe("the jobs of enqueueMany", () => {
  it.each([
    ["undefined", undefined],
    ["a number", 5],
    ["one job that is in no list", task.job()],
    ["a list of undefined", [undefined]],
    ["a list of empty objects", [{}]],
    ["a list of tasks", [task]],
    ["a list of names", ["task"]],
    ["a list of handlers", [task.handle(() => undefined)]],
    ["a list with one that is none", [task.job(), null]],
  ])("are refused when they are %s", async (_, requests) => {
    const refusal = await rejectionOf(pawl.enqueueMany(requests as never));

    expect(refusal).toMatchObject({
      name: expect.stringMatching(/^(Option|Task)Error$/),
      message: expect.stringMatching(/expected .*, got /),
    });
    expect(await countJobs(schema)).toBe(0);
  });
});

async function expectOptionError(refusal: unknown, option: string): Promise<void> {
  expect(refusal).toBeInstanceOf(OptionError);
  expect(refusal).toMatchObject({
    name: "OptionError",
    code: "PAWL_OPTION_INVALID",
    option,
    expected: expect.stringMatching(/./),
    got: expect.stringMatching(/./),
    message: expect.stringMatching(`\`${option}\``),
  });
  expect(await countJobs(schema)).toBe(0);
}
