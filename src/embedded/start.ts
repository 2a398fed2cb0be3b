import { randomUUID } from "node:crypto";
import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EmbeddedPostgresError } from "../core/errors.ts";
import { tryConnection } from "./connection.ts";
import { inUse } from "./data-directory.ts";
import { readLockFile } from "./lock-file.ts";
import { ServerProcess } from "./server-process.ts";
import type { Launch } from "./server-process.ts";
import type { Watchdog } from "./watchdog.ts";

const startLimitMs = 60_000;
const shownLogLines = 20;
const startingUp = "57P03";

/** Starts the server and waits until it answers; "port taken" when somebody was faster to get the port. */
export async function startServer(
  parts: Omit<Launch, "log">,
  watchdog: Watchdog,
): Promise<ServerProcess | "port taken"> {
  // A name of its own until it runs: two servers may be started on one directory, and one of them will complain.
  const launch = { ...parts, log: join(parts.directory, `server-${randomUUID()}.log`) };
  const server = new ServerProcess(launch);
  watchdog.watch(server.pid);
  void server.gone.then(() => watchdog.watch(undefined));
  if (await waitUntilReady(server, launch)) {
    await rename(launch.log, join(launch.directory, "server.log"));
    return server;
  }
  await server.end("immediate");
  const printed = await readFile(launch.log, "utf8").catch(() => "");
  await rm(launch.log, { force: true });
  if (printed.includes("Address already in use")) return "port taken";
  throw await startFailure(launch, printed);
}

/** False when the server has exited, or is not ready within the limit. */
async function waitUntilReady(server: ServerProcess, launch: Launch): Promise<boolean> {
  const deadline = performance.now() + startLimitMs;
  while (!server.hasExited && performance.now() < deadline) {
    if (await isServing(server, launch)) return true;
    await sleep(10);
  }
  return false;
}

async function isServing(server: ServerProcess, { directory, port }: Launch): Promise<boolean> {
  // Whoever answers on the port may be another server: the lock file says whether it is this one that has the port.
  const state = await readLockFile(directory);
  if (state?.pid !== server.pid || !state.isReady) return false;
  const answer = await tryConnection({ port, database: "postgres" }).catch(() => undefined);
  return answer !== undefined && (answer.ok || answer.sqlstate !== startingUp);
}

async function startFailure(launch: Launch, printed: string): Promise<EmbeddedPostgresError> {
  if (printed.includes('lock file "postmaster.pid" already exists')) {
    const state = await readLockFile(launch.directory);
    return inUse(launch.directory, state?.pid);
  }
  const lastLines = printed.trimEnd().split("\n").slice(-shownLogLines).join("\n");
  const reason = lastLines === "" ? "It printed nothing." : `It printed:\n${lastLines}`;
  return new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    `The embedded PostgreSQL did not start in ${launch.directory}. ${reason}\n` +
      "Correct what it complains about; a data directory that is damaged can be removed, with the data in it.",
  );
}
