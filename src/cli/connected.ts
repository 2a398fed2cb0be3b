import { Option, type Command } from "commander";
import type { ConnectionOptions } from "./connection.ts";

/** Runs a command that was chosen; what it resolves with is the exit status. */
export type Perform = (options: ConnectionOptions, run: () => Promise<number>) => Promise<void>;

/** A command that reads. */
export function readable(command: Command): Command {
  return connected(command).option("--json", "print JSON, for other programs");
}

/** A command that speaks to the database. */
export function connected(command: Command): Command {
  const database = new Option("--database <url>", "the connection string").env("DATABASE_URL");
  return command
    .addOption(database)
    .option("--schema <name>", "the database schema that holds Pawl's tables", "pawl")
    .option("--debug", "show where an error comes from");
}

/** A command that takes a selection of live jobs. */
export function selecting(command: Command): Command {
  return command
    .option("--queue <name>", "of this queue")
    .option("--task <name>", "of this task")
    .option("--state <state>", "scheduled, ready, blocked or running")
    .option("--correlation-id <id>", "with this correlation id")
    .option("--concurrency-key <key>", "with this concurrency key");
}
