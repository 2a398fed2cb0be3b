import { OptionError } from "../core/errors.ts";
import type { ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { withPawl } from "./session.ts";
import { say } from "./terminal.ts";

/** What `pawl pause` and `pawl resume` take: one of these. */
export interface PauseOptions extends ConnectionOptions {
  readonly queue?: string;
  readonly task?: string;
}

/** Lets no job of a queue or a task start. */
export function pause(options: PauseOptions): Promise<number> {
  return set("pause", options);
}

/** Lets its jobs start again. */
export function resume(options: PauseOptions): Promise<number> {
  return set("resume", options);
}

async function set(call: "pause" | "resume", options: PauseOptions): Promise<number> {
  const { queue, task } = options;
  const [kind, name] =
    queue === undefined ? (["tasks", task] as const) : (["queues", queue] as const);
  if (name === undefined || (queue !== undefined && task !== undefined)) {
    const got = name === undefined ? "neither" : "both";
    throw new OptionError(`expected --queue or --task, got ${got}`, {
      ...{ option: "--queue", expected: "--queue or --task", got },
    });
  }
  const isChange = await withPawl(options, (pawl) => pawl[kind][call](name));
  const done = call === "pause" ? "paused" : "resumed";
  const what = `the ${kind === "queues" ? "queue" : "task"} ${name}`;
  say(`pawl ${call}: ${what} ${isChange ? `is ${done}` : `was ${done} already`}`);
  return exitStatus.ok;
}
