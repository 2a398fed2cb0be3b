import { pgDatabase } from "../adapters/pg.ts";
import { schemaName } from "../core/options.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { connectionString, describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { withPawl } from "./session.ts";
import { print, say } from "./terminal.ts";

/** What `pawl migrate` takes. */
export interface MigrateOptions extends ConnectionOptions {
  readonly grantTo?: string;
  readonly dryRun?: boolean;
  readonly sql?: boolean;
}

/** Brings the tables up to date, and says from which version to which; or shows what that would take. */
export async function migrate(options: MigrateOptions): Promise<number> {
  if (options.dryRun || options.sql) return showPending(options);
  const { grantTo } = options;
  const { from, to } = await withPawl(options, (pawl) =>
    pawl.migrate(grantTo === undefined ? {} : { grantTo }),
  );
  const target = describeTarget(options);
  print(
    from === to
      ? `${target} is up to date at version ${to}`
      : `${target} migrated from version ${from} to ${to}`,
  );
  return exitStatus.ok;
}

async function showPending(options: MigrateOptions): Promise<number> {
  const database = pgDatabase(connectionString(options));
  try {
    const schema = schemaName("schema", options.schema);
    const pending = await pendingMigrations(database, schema);
    for (const { version, name, text } of pending) {
      print(options.sql ? `-- ${version} ${name}\n${text.trimEnd()}\n` : `${version} ${name}`);
    }
    const count = pending.length === 1 ? "1 migration" : `${pending.length} migrations`;
    say(`pawl migrate: ${count} would be run in ${describeTarget(options)}; nothing was changed.`);
    // What it makes is recorded too, which this does not show.
    if (options.sql && pending.length > 0) say("It is for reading: pawl migrate runs it.");
    return exitStatus.ok;
  } finally {
    await database.close();
  }
}
