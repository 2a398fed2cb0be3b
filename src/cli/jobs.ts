import type { FinishedJob, JobDetails, JobFilter, JobReference, Pawl } from "../index.ts";
import { describeTarget } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { given, integerOf } from "./inputs.ts";
import type { ReadOptions } from "./lists.ts";
import { printFacts, printRows, withoutPayload } from "./output.ts";
import { withPawl } from "./session.ts";
import { print, say } from "./terminal.ts";
import { fromNow } from "./times.ts";

/** Which live jobs, as options of the command line. */
export interface JobSelection {
  readonly queue?: string;
  readonly task?: string;
  readonly state?: string;
  readonly correlationId?: string;
  readonly concurrencyKey?: string;
}

export interface ListOptions extends ReadOptions, JobSelection {
  readonly limit?: string;
  /** The queue and the id of the last job of the page before. */
  readonly after?: string;
}

export interface ShowOptions extends ReadOptions {
  readonly queue?: string;
  readonly payload?: boolean;
}

/** Prints a page of the live jobs. */
export async function listJobs(options: ListOptions): Promise<number> {
  const { limit, after, json } = options;
  const page = await withPawl(options, (pawl) =>
    pawl.jobs.list({
      ...filterOf(options),
      ...(limit !== undefined && { limit: integerOf("--limit", limit) }),
      ...(after !== undefined && { after: referenceOf(after) }),
    }),
  );
  if (json) print(JSON.stringify(page, null, 2));
  else {
    const now = Date.now();
    printRows(page.jobs, {
      titles: ["queue", "id", "task", "state", "attempts failed", "priority", "runs", "enqueued"],
      cells: (job) => [
        ...[job.queue, job.id, job.task, job.state, `${job.failures} of ${job.maxAttempts}`],
        ...[job.priority, fromNow(job.runAt, now), fromNow(job.createdAt, now)],
      ],
      none: "No live job is like that.",
    });
    const { next } = page;
    if (next !== undefined) say(`There are more: --after ${next.queue}/${next.id}`);
  }
  return exitStatus.ok;
}

/** Prints one job, live or ended, with what became of its attempts; its payload only when asked. */
export async function showJob(id: string, options: ShowOptions): Promise<number> {
  const found = await withPawl(options, async (pawl) => {
    const job = await pawl.jobs.get(
      options.queue === undefined ? id : { queue: options.queue, id },
    );
    if (job === undefined) return undefined;
    return { job, attempts: await pawl.history.attempts(job) };
  });
  if (found === undefined) {
    say(`pawl jobs show: no job ${id} is live or in the history of ${describeTarget(options)}`);
    return exitStatus.failure;
  }
  const { job } = found;
  const shown = options.payload ? job : withoutPayload(job);
  const attempts = found.attempts.map(withoutPayload);
  if (options.json) print(JSON.stringify({ job: shown, attempts }, null, 2));
  else {
    printFacts(factsOf(job, Date.now()));
    if (options.payload) print(JSON.stringify(job.payload, null, 2));
    printAttempts(attempts);
  }
  return exitStatus.ok;
}

/** Which live jobs are meant. */
export function filterOf(selection: JobSelection): JobFilter {
  const { queue, task, state, correlationId, concurrencyKey } = selection;
  // A state that is none is refused by the library.
  return given({ queue, task, state, correlationId, concurrencyKey }) as JobFilter;
}

/** Every live job of the selection, page by page. */
export async function* pagesOf(
  pawl: Pawl,
  selection: JobSelection,
): AsyncGenerator<JobReference[]> {
  const filter = filterOf(selection);
  let after: JobReference | undefined;
  do {
    const page = await pawl.jobs.list({ ...filter, limit: 1_000, ...(after && { after }) });
    yield page.jobs.map(({ queue, id }) => ({ queue, id }));
    after = page.next;
  } while (after !== undefined);
}

function referenceOf(given: string): JobReference {
  const slash = given.lastIndexOf("/");
  return { queue: given.slice(0, Math.max(0, slash)), id: given.slice(slash + 1) };
}

function factsOf(job: JobDetails | FinishedJob, now: number): (readonly [string, string])[] {
  const common: (readonly [string, string])[] = [
    ["job", job.id],
    ["queue", job.queue],
    ["task", job.task],
    ["state", job.state === "finished" ? `finished: ${job.outcome}` : job.state],
    ["enqueued", fromNow(job.createdAt, now)],
    ["correlation id", job.correlationId ?? "-"],
    ["replay of", job.replayOf ?? "-"],
  ];
  if (job.state === "finished") return [...common, ["ended", fromNow(job.finishedAt, now)]];
  return [
    ...common,
    ["runs", fromNow(job.runAt, now)],
    ["attempts failed", `${job.failures} of ${job.maxAttempts}`],
    ["last error", job.lastError ?? "-"],
    ["worker", job.workerId ?? "-"],
    ["concurrency key", job.concurrencyKey ?? "-"],
    ["flags", job.flags.join(", ") || "-"],
  ];
}

interface ShownAttempt {
  readonly attempt: number;
  readonly outcome: string;
  readonly finishedAt: Date;
  readonly runMs: number | null;
  readonly error: unknown;
}

function printAttempts(attempts: readonly ShownAttempt[]): void {
  const now = Date.now();
  printRows(attempts, {
    titles: ["attempt", "outcome", "ended", "ran", "error"],
    cells: ({ attempt, outcome, finishedAt, runMs, error }) => [
      ...[attempt, outcome, fromNow(finishedAt, now)],
      ...[runMs === null ? "-" : `${Math.round(runMs)} ms`, messageOf(error)],
    ],
    none: "No attempt has ended yet.",
  });
}

/** What a recorded error says, in a line. */
export function messageOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("message" in error)) return "";
  return String(error.message).split("\n", 1)[0] ?? "";
}
