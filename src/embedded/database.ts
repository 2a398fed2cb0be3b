import { EmbeddedPostgresError } from "../core/errors.ts";
import { tryConnection } from "./connection.ts";
import type { Answer } from "./connection.ts";

const missingDatabase = "3D000";
const duplicateDatabase = "42P04";

/** Makes the database if the server does not have it yet. */
export async function ensureDatabase(port: number, database: string): Promise<void> {
  const found = await tryConnection({ port, database });
  if (found.ok) return;
  if (found.sqlstate !== missingDatabase) throw cannotMake(database, found);

  // The one statement outside sql/: PostgreSQL takes no parameters here, and no driver is at hand.
  const statement = `create database ${quoted(database)}`;
  const made = await tryConnection({ port, database: "postgres", statement });
  if (!made.ok && made.sqlstate !== duplicateDatabase) throw cannotMake(database, made);
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function cannotMake(database: string, answer: Answer & { ok: false }): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    `The database ${JSON.stringify(database)} could not be opened or made: ${answer.message} (${answer.sqlstate}). ` +
      "Give another `database`, or leave it out.",
  );
}
