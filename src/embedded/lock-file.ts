import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

/** What a server's lock file says of it. */
export interface ServerState {
  readonly pid: number;
  readonly isReady: boolean;
  readonly isStopping: boolean;
}

// The lines of postmaster.pid: pid, data directory, start time, port, socket directory, address, shared memory, status.
const pidLine = 0;
const statusLine = 7;

/** Reads the lock file of a data directory; `undefined` when there is none, or it is being written. */
export async function readLockFile(directory: string): Promise<ServerState | undefined> {
  const content = await readFile(join(directory, "postmaster.pid"), "utf8").catch(() => "");
  const lines = content.split("\n");
  const pid = Number(lines[pidLine]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const status = lines[statusLine]?.trim();
  return { pid, isReady: status === "ready", isStopping: status === "stopping" };
}

/** The server that runs on a data directory; `undefined` when there is none. */
export async function livingServer(directory: string): Promise<ServerState | undefined> {
  const state = await readLockFile(directory);
  return state !== undefined && isAlive(state.pid) ? state : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and belongs to another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
