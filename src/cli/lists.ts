import type { QueueInfo } from "../index.ts";
import type { ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { printRows } from "./output.ts";
import { withPawl } from "./session.ts";
import { fromNow } from "./times.ts";

/** What every command that reads takes. */
export interface ReadOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** Beyond it, a count is told as "this many or more": an exact one would read every job. */
export const countUpTo = 1_000;

const states = ["ready", "blocked", "scheduled", "running"] as const;

/** Prints the queues. */
export async function queues(options: ReadOptions): Promise<number> {
  const rows = await withPawl(options, (pawl) => pawl.queues.list({ upTo: countUpTo }));
  const now = Date.now();
  printRows(rows, {
    json: options.json,
    titles: ["queue", ...states, "oldest ready", ""],
    cells: (row) => [row.name, ...countsOf(row), fromNow(row.oldestReadyAt, now), noteOf(row)],
    none: "No queue has jobs.",
  });
  return exitStatus.ok;
}

/** Prints the workers that have not ended. */
export async function workers(options: ReadOptions): Promise<number> {
  const rows = await withPawl(options, (pawl) => pawl.workers.list());
  const now = Date.now();
  printRows(rows, {
    json: options.json,
    titles: ["worker", "id", "process", "queues", "tasks", "jobs", "started", "heartbeat", ""],
    cells: (row) => [
      ...[row.name, row.id, `${row.host} ${row.pid}`],
      ...[row.queues?.join(",") ?? "any", row.tasks?.join(",") ?? "any"],
      ...[`${row.held} of ${row.concurrency}`, fromNow(row.startedAt, now)],
      ...[fromNow(row.heartbeatAt, now), row.isAlive ? "" : "silent"],
    ],
    none: "No worker is there.",
  });
  return exitStatus.ok;
}

/** Prints the rate limits. */
export async function rateLimits(options: ReadOptions): Promise<number> {
  const rows = await withPawl(options, (pawl) => pawl.rateLimits.list());
  const now = Date.now();
  printRows(rows, {
    json: options.json,
    titles: ["key", "used", "interval", "mode", "window ends", "held until"],
    cells: (row) => [
      ...[row.key, `${row.used} of ${row.capacity}`, `${row.intervalMs} ms`, row.mode],
      ...[fromNow(row.windowEndsAt, now), fromNow(row.heldUntil, now)],
    ],
    none: "There are no rate limits.",
  });
  return exitStatus.ok;
}

function countsOf({ counts }: Pick<QueueInfo, "counts">): string[] {
  return states.map((state) => countText(counts[state]));
}

/** A count that may have been cut. */
export function countText(count: number): string {
  return count >= countUpTo ? `${count}+` : String(count);
}

function noteOf({ paused }: Pick<QueueInfo, "paused">): string {
  return paused ? "paused" : "";
}
