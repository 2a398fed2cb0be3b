import { Pawl } from "../pawl.ts";
import { connectionString, type ConnectionOptions } from "./connection.ts";

/** Opens a Pawl for a command, works with it, and closes it whatever happens. Throws `OptionError`. */
export async function withPawl<T>(
  options: ConnectionOptions,
  work: (pawl: Pawl) => Promise<T>,
): Promise<T> {
  const pawl = new Pawl({ database: connectionString(options), schema: options.schema });
  try {
    return await work(pawl);
  } finally {
    await pawl.close();
  }
}
