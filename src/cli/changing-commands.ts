import type { Command } from "commander";
import type { CancelOptions, ChangeOptions, RescheduleCommandOptions } from "./changes.ts";
import { connected, readable, selecting, type Perform } from "./connected.ts";
import type { EnqueueCommandOptions } from "./enqueue.ts";
import type { PauseOptions } from "./pauses.ts";
import type { ReplayCommandOptions } from "./replay.ts";

/** Adds the commands that change something. Each loads what it needs when it runs. */
export function addChangingCommands(program: Command, perform: Perform): void {
  addEnqueue(program, perform);
  changing(program.command("retry"))
    .description("Run scheduled jobs now; enqueue those anew that have failed or been cancelled.")
    .action((ids: string[], options: ChangeOptions) =>
      perform(options, async () => (await import("./changes.ts")).retry(ids, options)),
    );
  changing(program.command("cancel"))
    .description("Cancel jobs: those that wait end at once, those that run are asked to.")
    .option("--reason <text>", "what the history says of it")
    .option("--yes", "with --all: cancel them; without it, the command only lists them")
    .action((ids: string[], options: CancelOptions) =>
      perform(options, async () => (await import("./changes.ts")).cancel(ids, options)),
    );
  changing(program.command("reschedule"))
    .description("Change when waiting jobs run, how urgent they are, or how often they may fail.")
    .option("--delay <duration>", "run in that time at the earliest: 5m")
    .option("--run-at <time>", "run then at the earliest: 2026-01-31T12:00:00Z")
    .option("--priority <number>", "lower runs first")
    .option("--max-attempts <number>", "how many attempts may fail before the job does")
    .action((ids: string[], options: RescheduleCommandOptions) =>
      perform(options, async () => (await import("./changes.ts")).reschedule(ids, options)),
    );
  addReplay(program, perform);
  addPauses(program, perform);
}

function changing(command: Command): Command {
  return selecting(readable(command))
    .argument("[ids...]", "the ids of the jobs; with --queue, of this queue")
    .option("--all", "every live job of the selection, in place of ids")
    .option("--dry-run", "only list the jobs that are meant");
}

function addEnqueue(program: Command, perform: Perform): void {
  readable(program.command("enqueue"))
    .description("Enqueue a job, and print its id.")
    .argument("<task>", "the name of the task")
    .option("--data <json>", "the payload")
    .option("--queue <name>", "the queue (default: default)")
    .option("--delay <duration>", "run in that time at the earliest: 5m")
    .option("--run-at <time>", "run then at the earliest: 2026-01-31T12:00:00Z")
    .option("--priority <number>", "lower runs first (default: 0)")
    .option(
      "--max-attempts <number>",
      "how many attempts may fail before the job does (default: 25)",
    )
    .option("--id <uuid>", "the id of the job: the same one twice is one job")
    .option("--correlation-id <id>", "your own id for a chain of work")
    .option("--concurrency-key <key>", "jobs with the same key run one at a time")
    .option("--unique-key <key>", "while a job has it, no other is made")
    .option("--wait", "wait until the job has ended; fail unless it has succeeded")
    .action((task: string, options: EnqueueCommandOptions) =>
      perform(options, async () => (await import("./enqueue.ts")).enqueue(task, options)),
    );
}

function addReplay(program: Command, perform: Perform): void {
  readable(program.command("replay"))
    .description("Enqueue jobs anew that have failed or been cancelled for good, oldest first.")
    .option("--from <time>", "ended then or later: 2026-01-31T12:00:00Z")
    .option("--to <time>", "ended before then")
    .option("--task <name>", "of this task")
    .option("--queue <name>", "of this queue")
    .option(
      "--outcome <outcomes>",
      "failed, crashed, partial, cancelled (default: all but the last)",
    )
    .option("--job <ids...>", "these jobs")
    .option("--delay <duration>", "run in that time at the earliest: 5m")
    .option("--priority <number>", "of the new jobs")
    .option("--max-attempts <number>", "of the new jobs")
    .option("--data <json>", "the payload of the new jobs (default: that of the old ones)")
    .option("--limit <number>", "how many ended jobs (default: 1,000,000)")
    .option("--dry-run", "only count")
    .action((options: ReplayCommandOptions) =>
      perform(options, async () => (await import("./replay.ts")).replay(options)),
    );
}

function addPauses(program: Command, perform: Perform): void {
  connected(program.command("pause"))
    .description("Let no job of a queue or a task start; what runs goes on.")
    .option("--queue <name>", "the queue")
    .option("--task <name>", "the task")
    .action((options: PauseOptions) =>
      perform(options, async () => (await import("./pauses.ts")).pause(options)),
    );
  connected(program.command("resume"))
    .description("Let the jobs of a queue or a task start again.")
    .option("--queue <name>", "the queue")
    .option("--task <name>", "the task")
    .action((options: PauseOptions) =>
      perform(options, async () => (await import("./pauses.ts")).resume(options)),
    );
}
