import { OptionError } from "../core/errors.ts";
import type { CommandResult, JobReference, Pawl, RescheduleOptions } from "../index.ts";
import type { ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { given, integerOf, timeOf } from "./inputs.ts";
import { pagesOf, type JobSelection } from "./jobs.ts";
import { Progress } from "./progress.ts";
import { withPawl } from "./session.ts";
import { print, say } from "./terminal.ts";

/** What the commands that change jobs take. */
export interface ChangeOptions extends ConnectionOptions, JobSelection {
  /** Every job that the selection names, instead of ids. */
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export interface CancelOptions extends ChangeOptions {
  readonly reason?: string;
}

export interface RescheduleCommandOptions extends ChangeOptions {
  readonly delay?: string;
  readonly runAt?: string;
  readonly priority?: string;
  readonly maxAttempts?: string;
}

type Change = (pawl: Pawl, jobs: readonly JobReference[]) => Promise<CommandResult<string>[]>;

/** Cancels jobs. */
export function cancel(ids: readonly string[], options: CancelOptions): Promise<number> {
  const { reason = "cancelled at the command line" } = options;
  return change("cancel", ids, {
    ...{ options, isDestructive: true },
    run: (pawl, jobs) => pawl.jobs.cancel(jobs, reason),
  });
}

/** Runs scheduled jobs now, and enqueues those anew that have failed or been cancelled. */
export function retry(ids: readonly string[], options: ChangeOptions): Promise<number> {
  return change("retry", ids, { options, run: (pawl, jobs) => pawl.jobs.retry(jobs) });
}

/** Changes when waiting jobs run, how urgent they are, or how often they may fail. */
export function reschedule(
  ids: readonly string[],
  options: RescheduleCommandOptions,
): Promise<number> {
  const { delay, runAt, priority, maxAttempts } = options;
  const changes = given({
    delay,
    runAt: runAt === undefined ? undefined : timeOf("--run-at", runAt),
    priority: priority === undefined ? undefined : integerOf("--priority", priority),
    maxAttempts: maxAttempts === undefined ? undefined : integerOf("--max-attempts", maxAttempts),
  }) as RescheduleOptions;
  return change("reschedule", ids, {
    options,
    run: (pawl, jobs) => pawl.jobs.reschedule(jobs, changes),
  });
}

async function change(
  command: string,
  ids: readonly string[],
  given: { options: ChangeOptions; run: Change; isDestructive?: boolean },
): Promise<number> {
  const { options, run, isDestructive = false } = given;
  checkWhich(ids, options);
  return withPawl(options, async (pawl) => {
    const found = await find(pawl, ids, options);
    const isAsked = isDestructive && options.all === true && !options.yes && !options.dryRun;
    if (options.dryRun || isAsked) {
      if (options.json) print(JSON.stringify(found, null, 2));
      else for (const { queue, id } of found) print(`${queue}/${id}`);
      say(`pawl ${command}: would be done to ${found.length} jobs; nothing was changed.`);
      if (!isAsked) return exitStatus.ok;
      say("To go ahead, run it again with --yes.");
      return exitStatus.usage;
    }
    const results = await carryOut(pawl, found, { command, run });
    return report(command, results, options);
  });
}

function checkWhich(ids: readonly string[], { all }: ChangeOptions): void {
  if (ids.length > 0 !== (all === true)) return;
  throw new OptionError(
    "expected the ids of jobs, or --all and which, got " + (all ? "both" : "neither"),
    {
      option: "--all",
      expected: "ids or --all",
      got: all ? "both" : "neither",
    },
  );
}

async function find(
  pawl: Pawl,
  ids: readonly string[],
  options: ChangeOptions,
): Promise<(JobReference | { queue: null; id: string })[]> {
  if (!options.all) return ids.map((id) => ({ queue: options.queue ?? null, id }));
  const progress = new Progress("found");
  const found: JobReference[] = [];
  for await (const page of pagesOf(pawl, options)) {
    found.push(...page);
    progress.show(found.length);
  }
  progress.end();
  return found;
}

const atOnce = 1_000;

// In batches, so that no transaction holds up the workers for long.
async function carryOut(
  pawl: Pawl,
  found: readonly { queue: string | null; id: string }[],
  { command, run }: { command: string; run: Change },
): Promise<CommandResult<string>[]> {
  const progress = new Progress(command, found.length);
  const results: CommandResult<string>[] = [];
  for (let start = 0; start < found.length; start += atOnce) {
    const jobs = found
      .slice(start, start + atOnce)
      .map(({ queue, id }) => (queue === null ? id : { queue, id }));
    results.push(...(await run(pawl, jobs as JobReference[]))); // ids alone are taken too
    progress.show(results.length);
  }
  progress.end();
  return results;
}

function report(
  command: string,
  results: readonly CommandResult<string>[],
  { json, all }: ChangeOptions,
): number {
  if (json) print(JSON.stringify(results, null, 2));
  else if (!all) {
    for (const { queue, id, outcome } of results) {
      print(`${queue === null ? id : `${queue}/${id}`} ${outcome}`);
    }
  }
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const told = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  say(`pawl ${command}: ${told === "" ? "no job is like that" : told}`);
  return results.some(({ outcome }) => outcome === "notFound") ? exitStatus.failure : exitStatus.ok;
}
