import { TaskError } from "./errors.ts";
import { invalidOption } from "./options.ts";
import { isTask, type AnyTask } from "./task.ts";

/** Tasks by their names. Throws `OptionError` for what is no task, and `TaskError` for two of one name. */
export function registerTasks(tasks: readonly AnyTask[]): ReadonlyMap<string, AnyTask> {
  const known = new Map<string, AnyTask>();
  if (!Array.isArray(tasks)) {
    throw invalidOption("tasks", "a list of what defineTask(…) returns", tasks);
  }
  for (const task of tasks) {
    if (!isTask(task)) throw invalidOption("tasks", "a list of what defineTask(…) returns", task);
    if (known.has(task.name)) {
      throw new TaskError(
        "PAWL_TASK_DUPLICATE",
        `expected each task once, got "${task.name}" twice; give one of them another name`,
      );
    }
    known.set(task.name, task);
  }
  return known;
}

/** The error for a name that none of these tasks has. */
export function unknownTask(name: string, tasks: ReadonlyMap<string, AnyTask>): TaskError {
  const known = [...tasks.keys()].map((each) => `"${each}"`).join(", ") || "none";
  return new TaskError(
    "PAWL_TASK_UNKNOWN",
    `expected the name of a task given to this Pawl (${known}), got "${name}"; ` +
      "add the task to `tasks`, or use enqueueByName",
  );
}
