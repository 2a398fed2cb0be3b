import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "pawl/embedded";
import type { Peer } from "./peer.ts";

/** What a late completion did. */
export interface LateSettle {
  readonly peer: string;
  readonly version: string;
  readonly expiry: string;
  /** What the database said of the job while its second attempt ran, before and after the first one's worker came back. */
  readonly before: string;
  readonly after: string;
  /** Whether the job ran again when its second attempt had failed, as it should: it may be tried three times. */
  readonly isTriedAgain: boolean;
  readonly end: string;
}

const program = fileURLToPath(new URL("program.js", import.meta.url));
const startsWithinMs = 20_000;
const settlesWithinMs = 3_000;

/**
 * A worker is frozen while it runs a job, and its hold on the job ends; another worker runs the job again. The first one wakes
 * up and completes; then the second attempt fails.
 */
export async function lateSettle(peer: Peer): Promise<LateSettle> {
  const server = await startEmbeddedPostgres();
  const processes: ChildProcess[] = [];
  try {
    const start = (): ChildProcess => {
      const child = fork(program, [peer.name, server.url], {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      processes.push(child);
      return child;
    };
    await peer.prepare(server.url);
    const first = start();
    await started(first);
    first.kill("SIGSTOP");
    await peer.expire(server.url);
    const second = start();
    await started(second);
    const before = await peer.state(server.url);
    first.send("complete");
    first.kill("SIGCONT");
    await pause(settlesWithinMs);
    const after = await peer.state(server.url);
    // Only the second one is left to try again.
    first.kill("SIGKILL");
    const again = started(second);
    second.send("fail");
    const isTriedAgain = await again.then(
      () => true,
      () => false,
    );
    if (isTriedAgain) second.send("complete");
    await pause(settlesWithinMs);
    const end = await peer.state(server.url);
    return { ...factsOf(peer), before, after, isTriedAgain, end };
  } finally {
    for (const child of processes) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL"))
        await ended;
    }
    await server.stop("immediate");
  }
}

function factsOf({ name, expiry }: Peer): Pick<LateSettle, "peer" | "version" | "expiry"> {
  // Not every package exports its package.json.
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const file = folders.map((folder) => join(folder, name, "package.json")).find(existsSync);
  if (file === undefined) throw new Error(`expected the package ${name} to be installed`);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string }; // as npm has it
  return { peer: name, version, expiry };
}

async function started(child: ChildProcess): Promise<void> {
  await once(child, "message", { signal: AbortSignal.timeout(startsWithinMs) });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
