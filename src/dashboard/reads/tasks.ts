import type { AnyTask } from "../../core/task.ts";
import { listKnownTasks } from "../../store/dashboard-catalog.ts";
import type { TaskRow } from "../api.ts";
import type { ReadContext } from "../context.ts";

/** The tasks that the database knows and those of the application, by name. */
export async function readTasks({
  knownTasks,
  store,
}: ReadContext): Promise<{ readonly tasks: readonly TaskRow[] }> {
  const known = await listKnownTasks(store);
  const paused = new Map(known.map((task) => [task.name, task.paused]));
  const names = [...new Set([...paused.keys(), ...knownTasks.keys()])].sort();
  return {
    tasks: names.map((name) => toRow(name, paused.get(name) ?? false, knownTasks.get(name))),
  };
}

function toRow(name: string, paused: boolean, task: AnyTask | undefined): TaskRow {
  return {
    ...{ name, paused, isKnown: task !== undefined },
    queue: task?.queue ?? null,
    payloadSchema: jsonSchemaOf(task?.schema),
    searchable: task?.searchable ?? [],
  };
}

/**
 * The JSON Schema (2020-12) of what a validator takes, as JSON text; null when it does not say. Standard JSON Schema is what
 * zod (since 4.2) and others have. Never throws, whatever the validator does.
 */
export function jsonSchemaOf(validator: unknown): string | null {
  try {
    const input = memberOf(memberOf(memberOf(validator, "~standard"), "jsonSchema"), "input");
    if (typeof input !== "function") return null;
    const schema: unknown = Reflect.apply(input, undefined, [{ target: "draft-2020-12" }]);
    if (typeof schema !== "object" || schema === null || schema instanceof Promise) return null;
    // Of some values, such as an object with a toJSON that gives nothing, there is no text.
    const text: unknown = JSON.stringify(schema);
    return typeof text === "string" && text.startsWith("{") ? text : null;
  } catch {
    return null;
  }
}

function memberOf(value: unknown, name: string): unknown {
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  return isObject ? Reflect.get(value, name) : undefined;
}
