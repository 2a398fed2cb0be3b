import { randomBytes } from "node:crypto";
import { Client, escapeIdentifier } from "pg";
import { afterAll, inject } from "vitest";

const cleanups: (() => Promise<unknown>)[] = [];

// Registered when a test file imports this module, so that it runs after the file's own hooks.
afterAll(async () => {
  for (const cleanUp of cleanups.reverse()) await cleanUp();
}, 120_000);

/** The database of this run: its own schema or database keeps a test file apart from the others. */
export function databaseUrl(): string {
  return inject("databaseUrl");
}

/** The way to the same database that Pawl takes: through a pooler, when the tests are run so. */
export function pawlUrl(): string {
  return inject("pawlUrl");
}

/** The name of a schema that nobody has; it is dropped, with what was made in it, when the test file has ended. */
export function freshSchemaName(): string {
  const schema = freshName();
  cleanups.push(() => execute(`drop schema if exists ${escapeIdentifier(schema)} cascade`));
  return schema;
}

/** Makes a database of its own and returns its url; it is dropped when the test file has ended. */
export async function freshDatabase(): Promise<string> {
  const name = freshName();
  await execute(`create database ${escapeIdentifier(name)}`);
  cleanups.push(() => execute(`drop database if exists ${escapeIdentifier(name)} with (force)`));
  const url = new URL(databaseUrl());
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs one statement on a connection of its own, and returns its rows. */
export async function execute<Row extends object = Record<string, unknown>>(
  text: string,
  values: readonly unknown[] = [],
  url: string = databaseUrl(),
): Promise<Row[]> {
  return withClient(async (client) => (await client.query<Row>(text, [...values])).rows, url);
}

/** Connects, works, and closes the connection whatever happened. */
export async function withClient<T>(
  work: (client: Client) => Promise<T>,
  url: string = databaseUrl(),
): Promise<T> {
  const client = new Client({ connectionString: url });
  // A server that a test kills ends idle connections too; the next query reports it.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function freshName(): string {
  return `test_${randomBytes(8).toString("hex")}`;
}
