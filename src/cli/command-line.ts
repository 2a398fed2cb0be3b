import { createRequire } from "node:module";
import { Command } from "commander";
import { addChangingCommands } from "./changing-commands.ts";
import { connected, type Perform } from "./connected.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { DashboardCommandOptions } from "./dashboard.ts";
import type { DevOptions } from "./dev.ts";
import { exitStatus } from "./exit-status.ts";
import { describeFailure } from "./failure.ts";
import type { MigrateOptions } from "./migrate.ts";
import { addReadingCommands } from "./reading-commands.ts";
import { say } from "./terminal.ts";
import type { UninstallOptions } from "./uninstall.ts";
import type { WorkOptions } from "./work.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string }; // our own

/** Runs the command that the arguments name, and resolves with the exit status. Never rejects. */
export async function runCommandLine(given: readonly string[]): Promise<number> {
  const isDebugging = given.includes("--debug");
  let connection: Partial<ConnectionOptions> = {};
  let status: number = exitStatus.ok;
  const program = makeProgram(async (options, run) => {
    connection = options;
    status = await run();
  });
  const command = ["pawl", ...commandNames(program, given)].join(" ");
  try {
    await program.parseAsync(given.flatMap(splitAssignment), { from: "user" });
    return status;
  } catch (error) {
    const failure = describeFailure(error, { command, connection, isDebugging });
    for (const line of failure.lines) say(line);
    return failure.status;
  }
}

// The command that the first arguments name, and the one within it.
function commandNames(program: Command, [first, ...rest]: readonly string[]): string[] {
  const command = program.commands.find((each) => each.name() === first);
  return command === undefined ? [] : [command.name(), ...commandNames(command, rest)];
}

// Commander would look for what is similar to a mistyped option with its value, and show both.
function splitAssignment(argument: string): string[] {
  const [, option, value] = /^(--[\w-]+)=(.*)$/s.exec(argument) ?? [];
  return option === undefined || value === undefined ? [argument] : [option, value];
}

// The commands load the engine only when they run: help and mistakes are answered at once.
function makeProgram(perform: Perform): Command {
  const program = new Command("pawl")
    .description("Durable background jobs on PostgreSQL.")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => undefined }); // what went wrong is said in one place, for every error
  connected(program.command("migrate"))
    .description("Make Pawl's tables, or bring them up to date. Safe to run at every deploy.")
    .option("--grant-to <role>", "let this role use the tables without owning them")
    .option("--tasks <module>", "index the searchable paths of the tasks that this file exports")
    .option("--dry-run", "only list the migrations that would be run")
    .option("--sql", "the same, with their text")
    .action((options: MigrateOptions) =>
      perform(options, async () => (await import("./migrate.ts")).migrate(options)),
    );
  connected(program.command("uninstall"))
    .description("Remove Pawl's tables, with all jobs and their history, and nothing else.")
    .option("--yes", "remove them; without it, the command only says what it would remove")
    .action((options: UninstallOptions) =>
      perform(options, async () => (await import("./uninstall.ts")).uninstall(options)),
    );
  addWork(program, perform);
  addDashboard(program, perform);
  addDev(program, perform);
  addReadingCommands(program, perform);
  addChangingCommands(program, perform);
  return program;
}

function addWork(program: Command, perform: Perform): void {
  connected(program.command("work"))
    .description("Run a worker until SIGTERM or SIGINT (Ctrl-C); a second signal stops it at once.")
    .option(
      "--tasks <module>",
      "(required) the JavaScript or TypeScript file that exports the tasks",
    )
    .option("--queues <names>", "the queues to serve, in this order: a,b (default: any queue)")
    .option("--concurrency <number>", "how many handlers run at once (default: 10)")
    .option("--name <name>", "what people call this worker (default: the host's name)")
    .option("--lease <duration>", "how long a silent worker keeps its jobs (default: 10s)")
    .option("--shutdown-grace <duration>", "how long running jobs may take to end (default: 30s)")
    .option(
      "--http <port>",
      "serve /metrics, /livez and /readyz: a port of this host, or host:port",
    )
    .addHelpText("after", workHelp)
    .action((options: WorkOptions) =>
      perform(options, async () => (await import("./work.ts")).work(options)),
    );
}

function addDashboard(program: Command, perform: Perform): void {
  connected(program.command("dashboard"))
    .description("Serve the dashboard until Ctrl-C, and print the link that opens it, once.")
    .option("--port <number>", "where to listen; 0 is a free one", "4466")
    .option("--host <address>", "another needs PAWL_DASHBOARD_PASSWORD", "127.0.0.1")
    .option("--environment <name>", "what the page calls this place, such as production")
    .option("--redact <paths>", "paths of payloads that are secrets too: user.email,user.phone")
    .option("--tasks <module>", "the file that exports the tasks, to enqueue with their checks")
    .action((options: DashboardCommandOptions) =>
      perform(options, async () => (await import("./dashboard.ts")).dashboard(options)),
    );
}

function addDev(program: Command, perform: Perform): void {
  program
    .command("dev")
    .description(
      "Run a PostgreSQL of its own, a dashboard and a worker, which starts anew when its files change, until Ctrl-C.",
    )
    .option(
      "--tasks <module>",
      "(required) the JavaScript or TypeScript file that exports the tasks",
    )
    .option("--data <directory>", "where the database is kept", ".pawl")
    .option("--port <number>", "of the database, on the loopback address (default: a free one)")
    .option("--concurrency <number>", "how many handlers run at once (default: 10)")
    .option("--debug", "show where an error comes from")
    .action((options: DevOptions) =>
      perform({ schema: "pawl" }, async () => (await import("./dev.ts")).dev(options)),
    );
}

const workHelp = `
The module exports tasks with a \`run\` of their own, or what task.handle(…) returns: by name, in arrays, or as its default.

  npx pawl work --tasks ./src/handlers.ts --queues mail,default --concurrency 20`;
