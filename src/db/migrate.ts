import { createHash } from "node:crypto";
import { arrayLiteral } from "../core/array-literal.ts";
import { SchemaError } from "../core/errors.ts";
import type { Database, Queryable, Value } from "./database.ts";
import { migrations } from "./sql.generated.ts";
import { sqlstate } from "./sqlstate.ts";
import { bindSchema, statements, type QueryName } from "./statements.ts";

interface Applied {
  readonly version: number;
  readonly breaking: boolean;
}

interface SchemaState {
  readonly schemaExists: boolean;
  readonly schemaIsOurs: boolean;
  readonly migrationsExist: boolean;
  readonly migrationsAreOurs: boolean;
}

interface SchemaObject {
  readonly object: string;
  readonly removal: string;
  /** Whether it is a table that Pawl made while it ran, and marked as its own. */
  readonly marked: boolean;
}

type Migration = (typeof migrations)[number];

const newestVersion = migrations.length;
const howToMigrate =
  "run `npx pawl migrate`, or call `await pawl.migrate()` when your application starts";
const patience = { timeoutMs: 600_000 }; // another process may be at it, and an index takes its time
const deadlock = "40P01";
const mostDeadlocks = 10; // each takes the server's deadlock_timeout, of 1 s unless it is set

/** What `pawl.migrate` takes. */
export interface MigrateOptions {
  /** A role that may then enqueue, run workers and operate, without owning the tables. It has to exist. */
  readonly grantTo?: string;
}

/** Brings a schema up to date; idempotent, and safe from any number of processes at once. */
export function migrate(
  database: Database,
  schema: string,
  { grantTo }: MigrateOptions = {},
): Promise<{ from: number; to: number }> {
  return changeSchema(database, schema, async (change) => {
    const state = await change.inspect();
    const applied = state.migrationsExist ? await change.applied() : [];
    refuseNewer(applied, schema);
    if (!state.schemaExists) await change.createSchema();
    if (!state.migrationsExist) await change.run("schema/create-migrations");
    const versions = applied.map(({ version }) => version);
    await change.apply(migrations.filter(({ version }) => !versions.includes(version)));
    if (grantTo !== undefined) await change.run("schema/grant", [grantTo]);
    return { from: Math.max(0, ...versions), to: Math.max(newestVersion, ...versions) };
  });
}

/** Drops what `migrate()` has made in a schema and nothing else; does nothing when there is nothing. */
export function uninstall(database: Database, schema: string): Promise<void> {
  return changeSchema(database, schema, async (change) => {
    const state = await change.inspect();
    if (state.migrationsExist) await change.dropObjects();
    const isEmpty = (await change.objects()).length === 0;
    if (state.schemaIsOurs && isEmpty) await change.run("schema/drop");
  });
}

/** Refuses a schema that this version of Pawl cannot work with. */
export async function checkSchema(database: Database, schema: string): Promise<void> {
  const applied = await appliedIn(database, schema);
  const version = Math.max(0, ...applied.map((each) => each.version));
  if (version === 0) {
    throw new SchemaError(
      "PAWL_SCHEMA_MISSING",
      `expected Pawl's tables in schema "${schema}", got none: ${howToMigrate}`,
    );
  }
  refuseNewer(applied, schema);
  if (version < newestVersion) {
    throw new SchemaError(
      "PAWL_SCHEMA_OLDER",
      `expected schema "${schema}" at version ${newestVersion}, got ${version}: ${howToMigrate}`,
    );
  }
}

/** How a schema stands to this Pawl. */
export interface SchemaVersions {
  /** The newest migration that it has had; 0 when Pawl's tables are not there. */
  readonly applied: number;
  /** The newest that this Pawl has. */
  readonly newest: number;
  /** Whether a newer Pawl has made what this one cannot work with. */
  readonly isTooNew: boolean;
}

/** Finds out how a schema stands to this Pawl. */
export async function schemaVersions(database: Queryable, schema: string): Promise<SchemaVersions> {
  const applied = await appliedIn(database, schema);
  return {
    applied: Math.max(0, ...applied.map(({ version }) => version)),
    newest: newestVersion,
    isTooNew: tooNew(applied) !== undefined,
  };
}

/** The migrations that a schema lacks, as `migrate` would run them. Throws `SchemaError` when it is too new. */
export async function pendingMigrations(
  database: Queryable,
  schema: string,
): Promise<{ version: number; name: string; text: string }[]> {
  const applied = await appliedIn(database, schema);
  refuseNewer(applied, schema);
  const versions = applied.map(({ version }) => version);
  return migrations
    .filter(({ version }) => !versions.includes(version))
    .map(({ version, name, text }) => ({ version, name, text: bindSchema(text, schema) }));
}

/** Makes a schema with all that the migrations make, in a transaction that the caller rolls back. */
export async function makeTrialSchema(tx: Queryable, schema: string): Promise<void> {
  const change = new SchemaChange(tx, schema);
  await change.run("schema/create");
  await change.run("schema/create-migrations");
  for (const migration of migrations) await change.perform(migration);
}

async function appliedIn(database: Queryable, schema: string): Promise<readonly Applied[]> {
  try {
    return await database.query<Applied>(statements(schema)("schema/applied"));
  } catch (error) {
    const isMissing = ["42P01", "3F000", "42703"].includes(sqlstate(error) ?? "");
    if (isMissing) return [];
    throw error;
  }
}

function refuseNewer(applied: readonly Applied[], schema: string): void {
  const newer = tooNew(applied);
  if (newer === undefined) return;
  throw new SchemaError(
    "PAWL_SCHEMA_NEWER",
    `expected schema "${schema}" at version ${newestVersion}, got ${newer.version}, which a newer Pawl has made and ` +
      "this one cannot work with: upgrade `pawl` here",
  );
}

function tooNew(applied: readonly Applied[]): Applied | undefined {
  return applied.findLast(({ version, breaking }) => breaking && version > newestVersion);
}

/** Again from the start when it and somebody who uses the tables meanwhile have waited for each other. */
async function changeSchema<T>(
  database: Database,
  schema: string,
  work: (change: SchemaChange) => Promise<T>,
): Promise<T> {
  for (let deadlocks = 1; ; deadlocks++) {
    try {
      return await changeSchemaOnce(database, schema, work);
    } catch (error) {
      if (sqlstate(error) !== deadlock || deadlocks === mostDeadlocks) throw error;
    }
  }
}

function changeSchemaOnce<T>(
  database: Database,
  schema: string,
  work: (change: SchemaChange) => Promise<T>,
): Promise<T> {
  return database.transaction(async (tx) => {
    const change = new SchemaChange(tx, schema);
    await change.run("schema/lock");
    return work(change);
  });
}

/** The steps of a change to one schema, in one transaction and under the schema's lock. */
class SchemaChange {
  readonly #tx: Queryable;
  readonly #schema: string;

  constructor(tx: Queryable, schema: string) {
    this.#tx = tx;
    this.#schema = schema;
  }

  run<R extends object>(name: QueryName, values?: readonly Value[]): Promise<readonly R[]> {
    return this.#query(statements(this.#schema)(name).text, values);
  }

  async inspect(): Promise<SchemaState> {
    const [state] = await this.run<SchemaState>("schema/inspect");
    if (state !== undefined && state.migrationsExist === state.migrationsAreOurs) return state;
    throw new SchemaError(
      "PAWL_SCHEMA_MISSING",
      `expected schema "${this.#schema}" to be Pawl's, got one with a \`migrations\` table of another tool: ` +
        "choose another name with the `schema` option",
    );
  }

  applied(): Promise<readonly Applied[]> {
    return this.run<Applied>("schema/applied");
  }

  objects(): Promise<readonly SchemaObject[]> {
    return this.run<SchemaObject>("schema/objects");
  }

  async createSchema(): Promise<void> {
    await this.run("schema/create");
    await this.run("schema/mark");
  }

  async perform({ text }: Migration): Promise<void> {
    await this.#query(bindSchema(text, this.#schema));
  }

  /** Remembers what they have made together with the last of them, as every look at a schema takes longer than a migration. */
  async apply(pending: readonly Migration[]): Promise<void> {
    if (pending.length === 0) return;
    const before = await this.#identities();
    for (const migration of pending) await this.perform(migration);
    const made = [...(await this.#identities())].filter((object) => !before.has(object));
    for (const migration of pending) {
      const { version, name, breaking, text } = migration;
      const checksum = createHash("sha256").update(text).digest("hex");
      const objects = arrayLiteral(migration === pending.at(-1) ? made : []);
      await this.run("schema/record", [version, name, breaking, checksum, objects]);
    }
  }

  async #identities(): Promise<ReadonlySet<string>> {
    return new Set((await this.objects()).map(({ object }) => object));
  }

  /** The youngest first, because it may depend on older ones. */
  async dropObjects(): Promise<void> {
    const recorded = await this.run<{ object: string }>("schema/recorded");
    const ours = new Set(recorded.map(({ object }) => object));
    const doomed = (await this.objects()).filter(
      ({ object, marked }) => marked || ours.has(object),
    );
    for (const { removal } of doomed.toReversed()) await this.#query(removal);
    await this.run("schema/drop-migrations");
  }

  // Unnamed: each runs once, and a migration holds many statements.
  #query<R extends object>(text: string, values?: readonly Value[]): Promise<readonly R[]> {
    return this.#tx.query<R>({ name: "", text }, values, patience);
  }
}
