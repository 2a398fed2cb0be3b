import { Pawl } from "../pawl.ts";
import { connectionString, describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { print } from "./terminal.ts";

/** Brings the tables up to date, and says from which version to which. */
export async function migrate(options: ConnectionOptions): Promise<number> {
  const pawl = new Pawl({ database: connectionString(options), schema: options.schema });
  try {
    const { from, to } = await pawl.migrate();
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
