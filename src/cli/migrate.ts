import { pgDatabase } from "../adapters/pg.ts";
import { schemaName } from "../core/options.ts";
import type { AnyTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { searchableSteps } from "../db/searchable-indexes.ts";
import { Pawl } from "../pawl.ts";
import { connectionString, describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { loadDefinitions } from "./load-tasks.ts";
import { print, say } from "./terminal.ts";

/** What `pawl migrate` takes. */
export interface MigrateOptions extends ConnectionOptions {
  readonly grantTo?: string;
  readonly dryRun?: boolean;
  readonly sql?: boolean;
  readonly tasks?: string;
}

/** Brings the tables up to date, and says from which version to which; or shows what that would take. */
export async function migrate(options: MigrateOptions): Promise<number> {
  const tasks = options.tasks === undefined ? [] : await loadDefinitions(options.tasks);
  if (options.dryRun || options.sql) return showPending(options, tasks);
  const { from, to } = await migrateWith(options, tasks);
  const target = describeTarget(options);
  print(
    from === to
      ? `${target} is up to date at version ${to}`
      : `${target} migrated from version ${from} to ${to}`,
  );
  return exitStatus.ok;
}

async function migrateWith(
  options: MigrateOptions,
  tasks: readonly AnyTask[],
): Promise<{ from: number; to: number }> {
  const { schema, grantTo } = options;
  const pawl = new Pawl({ database: connectionString(options), schema, tasks });
  try {
    return await pawl.migrate(grantTo === undefined ? {} : { grantTo });
  } finally {
    await pawl.close();
  }
}

async function showPending(options: MigrateOptions, tasks: readonly AnyTask[]): Promise<number> {
  const database = pgDatabase(connectionString(options));
  try {
    const schema = schemaName("schema", options.schema);
    const pending = await pendingMigrations(database, schema);
    for (const { version, name, text } of pending) {
      print(options.sql ? `-- ${version} ${name}\n${text.trimEnd()}\n` : `${version} ${name}`);
    }
    const count = pending.length === 1 ? "1 migration" : `${pending.length} migrations`;
    await showIndexes(database, { ...options, schema, tasks, isPending: pending.length > 0 });
    say(`pawl migrate: ${count} would be run in ${describeTarget(options)}; nothing was changed.`);
    // What it makes is recorded too, which this does not show.
    if (options.sql && pending.length > 0) say("It is for reading: pawl migrate runs it.");
    return exitStatus.ok;
  } finally {
    await database.close();
  }
}

// What the indexes of searchable paths need is known when the functions are there that say so.
async function showIndexes(
  database: Database,
  shown: {
    readonly schema: string;
    readonly tasks: readonly AnyTask[];
    readonly isPending: boolean;
    readonly sql?: boolean;
  },
): Promise<void> {
  const { schema, tasks, isPending } = shown;
  if (isPending) {
    const searchable = tasks.filter((task) => task.searchable.length > 0);
    if (searchable.length > 0) print("-- then the indexes of searchable paths");
    return;
  }
  const steps = tasks.length === 0 ? [] : await searchableSteps(database, schema, tasks);
  for (const { statement } of steps) print(shown.sql ? `${statement};` : statement);
}
