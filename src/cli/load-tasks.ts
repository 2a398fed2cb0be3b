import { statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { OptionError, PawlError, TaskError } from "../core/errors.ts";
import { isTask, isTaskHandler, type AnyTask, type TaskHandler } from "../core/task.ts";

/** What a module of tasks exports. */
export interface LoadedTasks {
  readonly tasks: readonly AnyTask[];
  readonly handlers: readonly TaskHandler[];
}

const typeScript = new Set([".ts", ".mts", ".cts", ".tsx"]);

/** The file that `--tasks` names. Throws `OptionError` when it was left out. */
export function fileOf(tasks: string | undefined): string {
  if (tasks !== undefined) return tasks;
  throw new OptionError(
    "expected --tasks <module>, got none; name the file that exports the tasks",
    {
      option: "--tasks",
      expected: "a JavaScript or TypeScript file",
      got: "nothing",
    },
  );
}

/**
 * Loads a JavaScript or TypeScript file and collects the tasks and handlers that it exports: by name, in arrays, and in
 * its default export. Throws `OptionError` when there is no such file, `PAWL_TASKS_UNLOADABLE` when it cannot be loaded,
 * and `TaskError` when nothing in it can run a job.
 */
export async function loadTasks(file: string): Promise<LoadedTasks> {
  const { tasks, handlers } = await loadExports(file);
  if (handlers.length > 0 || tasks.some(({ run }) => run !== undefined)) return { tasks, handlers };
  const got = tasks.length === 0 ? "neither" : "only tasks without a handler";
  throw new TaskError(
    "PAWL_HANDLER_MISSING",
    `expected "${file}" to export tasks with a \`run\` or what task.handle(…) returns, got ${got}`,
  );
}

/** Loads the tasks of such a file, with and without a handler. Throws as `loadTasks` does, but for the last. */
export async function loadDefinitions(file: string): Promise<AnyTask[]> {
  const { tasks, handlers } = await loadExports(file);
  return [...new Set([...tasks, ...handlers.map(({ task }) => task)])];
}

async function loadExports(file: string): Promise<LoadedTasks> {
  const path = resolve(file);
  assertFile(file, path);
  const exported = exportedValues(await load(file, path));
  return {
    tasks: [...new Set(exported.filter(isTask))],
    handlers: [...new Set(exported.filter(isTaskHandler))],
  };
}

function assertFile(file: string, path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  throw new OptionError(`expected --tasks to name a file, got "${file}", which is none`, {
    option: "--tasks",
    expected: "a JavaScript or TypeScript file",
    got: file,
  });
}

async function load(file: string, path: string): Promise<object> {
  try {
    if (typeScript.has(extname(path))) return await loadTypeScript(path);
    return (await import(pathToFileURL(path).href)) as object; // a module's namespace
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new PawlError("PAWL_TASKS_UNLOADABLE", `"${file}" cannot be loaded: ${message}`, {
      cause: error,
    });
  }
}

async function loadTypeScript(path: string): Promise<object> {
  const { createJiti } = await import("jiti");
  return createJiti(import.meta.url).import<object>(path);
}

function exportedValues(namespace: object): unknown[] {
  const fallback: unknown = Reflect.get(namespace, "default");
  const isObject = typeof fallback === "object" && fallback !== null;
  return [namespace, ...(isObject ? [fallback] : [])].flatMap(membersOf);
}

// The values of an object, and of the arrays in it.
function membersOf(value: object): unknown[] {
  const values: unknown[] = Object.values(value);
  return values.flat();
}
