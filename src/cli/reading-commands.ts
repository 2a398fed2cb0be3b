import type { Command } from "commander";
import { readable, selecting, type Perform } from "./connected.ts";
import type { DoctorOptions } from "./doctor.ts";
import type { ExplainOptions } from "./explain-job.ts";
import type { ListOptions, ShowOptions } from "./jobs.ts";
import type { ReadOptions } from "./lists.ts";
import type { HistoryOptions } from "./past.ts";
import type { StatusOptions } from "./status.ts";

/** Adds the commands that look. Each loads what it needs when it runs. */
export function addReadingCommands(program: Command, perform: Perform): void {
  readable(program.command("status"))
    .description("Show what waits, who works, how the last minute went, and what needs a look.")
    .option("--watch", "show it again every two seconds, until Ctrl-C")
    .action((options: StatusOptions) =>
      perform(options, async () => (await import("./status.ts")).status(options)),
    );
  readable(program.command("doctor"))
    .description(
      "Look for what is wrong with the database, the tables, the jobs and their workers.",
    )
    .action((options: DoctorOptions) =>
      perform(options, async () => (await import("./doctor.ts")).doctor(options)),
    );
  addLists(program, perform);
  addJobs(program.command("jobs").description("Look at jobs."), perform);
  addHistory(program, perform);
}

function addLists(program: Command, perform: Perform): void {
  readable(program.command("queues"))
    .description("List the queues, and what waits in them.")
    .action((options: ReadOptions) =>
      perform(options, async () => (await import("./lists.ts")).queues(options)),
    );
  readable(program.command("workers"))
    .description("List the workers that have not ended.")
    .action((options: ReadOptions) =>
      perform(options, async () => (await import("./lists.ts")).workers(options)),
    );
  readable(program.command("rate-limits"))
    .description("List the rate limits, and what counts against each now.")
    .action((options: ReadOptions) =>
      perform(options, async () => (await import("./lists.ts")).rateLimits(options)),
    );
}

function addJobs(jobs: Command, perform: Perform): void {
  selecting(readable(jobs.command("list")))
    .description("List live jobs, in the order of queues and ids.")
    .option("--limit <number>", "how many (default: 100, at most 1,000)")
    .option("--after <queue/id>", "go on behind this job")
    .action((options: ListOptions) =>
      perform(options, async () => (await import("./jobs.ts")).listJobs(options)),
    );
  readable(jobs.command("show"))
    .description("Show a job, live or ended, and what became of its attempts.")
    .argument("<id>", "the id of the job")
    .option("--queue <name>", "the queue of the job (default: any queue)")
    .option("--payload", "show the payload, too")
    .action((id: string, options: ShowOptions) =>
      perform(options, async () => (await import("./jobs.ts")).showJob(id, options)),
    );
  readable(jobs.command("explain"))
    .description("Say why a job does not run, or what became of it.")
    .argument("<id>", "the id of the job")
    .option("--queue <name>", "the queue of the job (default: any queue)")
    .action((id: string, options: ExplainOptions) =>
      perform(options, async () => (await import("./explain-job.ts")).explainJob(id, options)),
    );
}

function addHistory(program: Command, perform: Perform): void {
  readable(program.command("history"))
    .description("List what became of jobs, newest first.")
    .option("--task <name>", "of this task")
    .option("--queue <name>", "of this queue")
    .option("--outcome <outcomes>", "succeeded, failed, partial, cancelled, crashed, …: a,b")
    .option("--final", "only attempts with which a job ended")
    .option("--from <time>", "ended then or later: 2026-01-31T12:00:00Z")
    .option("--to <time>", "ended before then")
    .option("--correlation-id <id>", "with this correlation id")
    .option("--job <id>", "of this job")
    .option("--limit <number>", "how many (default: 100, at most 1,000)")
    .option("--after <cursor>", "go on behind the page before, as it said")
    .action((options: HistoryOptions) =>
      perform(options, async () => (await import("./past.ts")).history(options)),
    );
}
