import { Pawl } from "../pawl.ts";
import { connectionString, describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { print } from "./terminal.ts";

/** What `pawl migrate` takes. */
export interface MigrateOptions extends ConnectionOptions {
  readonly grantTo?: string;
}

/** Brings the tables up to date, and says from which version to which. */
export async function migrate(options: MigrateOptions): Promise<number> {
  const pawl = new Pawl({ database: connectionString(options), schema: options.schema });
  try {
    const { grantTo } = options;
    const { from, to } = await pawl.migrate(grantTo === undefined ? {} : { grantTo });
    const target = describeTarget(options);
    print(
      from === to
        ? `${target} is up to date at version ${to}`
        : `${target} migrated from version ${from} to ${to}`,
    );
    return exitStatus.ok;
  } finally {
    await pawl.close();
  }
}
