import type { HistoryListOptions, OutcomeName } from "../index.ts";
import { exitStatus } from "./exit-status.ts";
import { given, integerOf, timeOf } from "./inputs.ts";
import { messageOf } from "./jobs.ts";
import type { ReadOptions } from "./lists.ts";
import { printRows, withoutPayload } from "./output.ts";
import { withPawl } from "./session.ts";
import { print, say } from "./terminal.ts";
import { fromNow } from "./times.ts";

/** What `pawl history` takes. */
export interface HistoryOptions extends ReadOptions {
  readonly task?: string;
  readonly queue?: string;
  readonly outcome?: string;
  readonly final?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly correlationId?: string;
  readonly job?: string;
  readonly limit?: string;
  readonly after?: string;
}

/** Prints a page of what became of jobs, newest first. */
export async function history(options: HistoryOptions): Promise<number> {
  const page = await withPawl(options, (pawl) => pawl.history.list(listOptionsOf(options)));
  const attempts = page.attempts.map(withoutPayload);
  if (options.json) print(JSON.stringify({ attempts, next: page.next }, null, 2));
  else {
    const now = Date.now();
    printRows(attempts, {
      titles: ["ended", "outcome", "task", "queue", "id", "attempt", "ran", "error"],
      cells: (each) => [
        ...[fromNow(each.finishedAt, now), each.outcome + (each.final ? "" : ", goes on")],
        ...[each.task, each.queue, each.id, each.attempt],
        ...[each.runMs === null ? "-" : `${Math.round(each.runMs)} ms`, messageOf(each.error)],
      ],
      none: "Nothing has ended like that.",
    });
    if (page.next !== null) say(`There are more: --after ${page.next}`);
  }
  return exitStatus.ok;
}

function listOptionsOf(options: HistoryOptions): HistoryListOptions {
  const { task, queue, outcome, final, from, to, correlationId, job, limit, after } = options;
  const outcomes = outcome?.split(",").map((name) => name.trim() as OutcomeName); // checked by the library
  return given({
    ...{ task, queue, outcome: outcomes, final, correlationId, jobId: job, after },
    from: from === undefined ? undefined : timeOf("--from", from),
    to: to === undefined ? undefined : timeOf("--to", to),
    limit: limit === undefined ? undefined : integerOf("--limit", limit),
  }) as HistoryListOptions;
}
