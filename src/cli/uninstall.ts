import { pgDatabase } from "../adapters/pg.ts";
import type { Database } from "../db/database.ts";
import { sqlstate } from "../db/sqlstate.ts";
import { statements } from "../db/statements.ts";
import { Pawl } from "../pawl.ts";
import { connectionString, describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { print, say } from "./terminal.ts";

export interface UninstallOptions extends ConnectionOptions {
  readonly yes?: boolean;
}

/** Removes what `migrate` made; without `yes` it only prints what that is. */
export async function uninstall(options: UninstallOptions): Promise<number> {
  const database = pgDatabase(connectionString(options));
  try {
    const pawl = new Pawl({ database, schema: options.schema });
    const objects = await installedObjects(database, pawl.schema);
    if (!options.yes) return explain(objects, describeTarget(options));
    await pawl.uninstall();
    const target = describeTarget(options);
    print(
      objects.length === 0
        ? `nothing of Pawl was in ${target}`
        : `removed ${objects.length} objects from ${target}`,
    );
    return exitStatus.ok;
  } finally {
    await database.close();
  }
}

function explain(objects: readonly string[], target: string): number {
  for (const object of objects) print(object);
  say(
    objects.length === 0
      ? `pawl uninstall: nothing of Pawl is in ${target}`
      : `pawl uninstall: would remove these ${objects.length} objects from ${target}, with all jobs and their history`,
  );
  say("Nothing was changed. To go ahead, run it again with --yes.");
  return exitStatus.usage;
}

async function installedObjects(database: Database, schema: string): Promise<string[]> {
  try {
    const rows = await database.query<{ object: string }>(statements(schema)("schema/recorded"));
    return rows.map(({ object }) => object);
  } catch (error) {
    const isMissing = ["3F000", "42P01", "42703"].includes(sqlstate(error) ?? "");
    if (isMissing) return [];
    throw error;
  }
}
