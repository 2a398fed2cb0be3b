import { beforeAll, describe, expect, it } from "vitest";
import { databaseUrl } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { migratedSchema, openPawl } from "../support/producer.ts";
import { moduleOf, moduleWithOwnCopy, runPawl, startPawl, type Ended } from "./pawl-command.ts";

const within = 15_000;
let schema: string;

beforeAll(async () => {
  schema = await migratedSchema();
});

function commandFor(tasks: string): string[] {
  return ["work", "--tasks", tasks, "--database", databaseUrl(), "--schema", schema];
}

function work(tasks: string): Promise<Ended> {
  return runPawl(commandFor(tasks));
}

/** Runs a job of each task with the module's handlers, and returns the outcomes. */
async function outcomes(file: string, tasks: readonly string[]): Promise<string[]> {
  const pawl = openPawl(schema);
  const jobs = [];
  for (const task of tasks) jobs.push((await pawl.enqueueByName(task)).job);
  const running = startPawl(commandFor(file));
  const ends = jobs.map((job) =>
    eventually(
      async () => {
        const last = (await pawl.history.attempts(job)).at(-1);
        return last?.final === true && last.outcome;
      },
      { within },
    ),
  );
  const found = await Promise.all(ends);
  running.process.kill("SIGTERM");
  await running.ended;
  return found;
}

const run = "run: () => undefined";
const define = 'import { defineTask } from "pawl";';

describe("a module of tasks", () => {
  it.each([
    [
      "by name",
      "tasks.mjs",
      `${define}
       export const one = defineTask({ name: "one", ${run} });
       export const two = defineTask({ name: "two" }).handle(() => undefined);`,
    ],
    [
      "in arrays",
      "tasks.mjs",
      `${define}
       export const tasks = [defineTask({ name: "one", ${run} })];
       export const handlers = [defineTask({ name: "two" }).handle(() => undefined)];`,
    ],
    [
      "as its default",
      "tasks.mjs",
      `${define}
       const one = defineTask({ name: "one", ${run} });
       export default { one, handlers: [defineTask({ name: "two" }).handle(() => undefined)] };`,
    ],
    [
      "as an array that is its default",
      "tasks.mjs",
      `${define}
       export default [defineTask({ name: "one", ${run} }), defineTask({ name: "two", ${run} })];`,
    ],
    [
      "in CommonJS",
      "tasks.cjs",
      `const { defineTask } = require("pawl");
       exports.one = defineTask({ name: "one", ${run} });
       exports.handlers = [defineTask({ name: "two" }).handle(() => undefined)];`,
    ],
    [
      "more than once",
      "tasks.mjs",
      `${define}
       export const one = defineTask({ name: "one", ${run} });
       export const two = defineTask({ name: "two" });
       export const handler = two.handle(() => undefined);
       export const tasks = [one, two];
       export default { one, handlers: [handler] };`,
    ],
    [
      "in TypeScript",
      "tasks.ts",
      `import { defineTask, type Task } from "pawl";
       enum Names { One = "one", Two = "two" }
       export const one: Task<"one", undefined, undefined, undefined> = defineTask({ name: Names.One, ${run} });
       export const two = defineTask({ name: Names.Two as const }).handle((): void => undefined);`,
    ],
  ])("may export them %s", async (_, name, text) => {
    const file = moduleOf(name, text);

    expect(await outcomes(file, ["one", "two"])).toEqual(["succeeded", "succeeded"]);
  });

  it("may use another copy of the package", async () => {
    const file = moduleWithOwnCopy(
      "tasks.mjs",
      `import { cancel, defineTask, UnrecoverableError } from "pawl";
       export const one = defineTask({ name: "one", ${run} });
       export const two = defineTask({ name: "two", run: () => cancel("not now") });
       export const three = defineTask({ name: "three", run() { throw new UnrecoverableError("never"); } });`,
    );

    expect(await outcomes(file, ["one", "two", "three"])).toEqual([
      "succeeded",
      "cancelled",
      "failed",
    ]);
  });

  it("has the same copy of the package as the worker, in TypeScript too", async () => {
    const file = moduleOf(
      "tasks.ts",
      `import { defineTask, ShutdownError } from "pawl";
       export const one = defineTask({ name: "one", run: (): void => { throw new ShutdownError("mine"); } });`,
    );
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueueByName("one");
    const running = startPawl(commandFor(file));

    const [first] = await eventually(
      async () => {
        const attempts = await pawl.history.attempts(job);
        return attempts.length > 0 && attempts;
      },
      { within },
    );
    running.process.kill("SIGKILL");

    // The worker knows the class of the error: with another copy, this would be a failure.
    expect(first?.outcome).toBe("released");
  });
});

describe("a module that cannot be used", () => {
  it.each([
    ["exports nothing", "export {};", "PAWL_HANDLER_MISSING"],
    [
      "has no handler",
      `${define} export const one = defineTask({ name: "one" });`,
      "PAWL_HANDLER_MISSING",
    ],
    ["throws", 'throw new Error("no\\nsettings");', "PAWL_TASKS_UNLOADABLE"],
    ["cannot be parsed", "export const = 1;", "PAWL_TASKS_UNLOADABLE"],
    ["imports what is not there", 'import "not-installed";', "PAWL_TASKS_UNLOADABLE"],
    [
      "has two tasks of one name",
      `${define}
       export const one = defineTask({ name: "one", ${run} });
       export const two = defineTask({ name: "one", ${run} });`,
      "PAWL_TASK_DUPLICATE",
    ],
    [
      "has two handlers of one task",
      `${define}
       const one = defineTask({ name: "one" });
       export const handlers = [one.handle(() => 1), one.handle(() => 2)];`,
      "PAWL_HANDLER_DUPLICATE",
    ],
  ])("has status 1 and one line when it %s", async (_, text, code) => {
    const { status, stderr } = await work(moduleOf("tasks.mjs", text));

    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^pawl work: ${code}: `));
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("says where it went wrong with --debug", async () => {
    const file = moduleOf("tasks.ts", 'const n: number = 1;\nthrow new Error("no settings");');

    const { status, stderr } = await runPawl([...commandFor(file), "--debug"]);

    expect(status).toBe(1);
    expect(stderr).toMatch(/tasks\.ts:2/);
  });
});
