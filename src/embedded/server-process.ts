import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, fchownSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { EmbeddedPostgresError } from "../core/errors.ts";
import { programOptions } from "./account.ts";
import type { Account } from "./account.ts";

/** What a server is started with. */
export interface Launch {
  readonly program: string;
  readonly account: Account | undefined;
  readonly directory: string;
  readonly port: number;
  /** The file for what the server prints. */
  readonly log: string;
  /** Each as `name=value`. */
  readonly settings: readonly string[];
}

// How long each way of ending a server may take before the next, harder one.
const endings = [
  { signal: "SIGINT", limitMs: 30_000 },
  { signal: "SIGQUIT", limitMs: 10_000 },
  { signal: "SIGKILL", limitMs: 30_000 },
] as const;

const firstEnding = { fast: 0, immediate: 1, kill: 2 };

/** One run of the server program, until the last of its children has ended. */
export class ServerProcess {
  /** Resolves when the server and all of its children have ended. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  #hasExited = false;
  #isGone = false;

  constructor(launch: Launch) {
    this.#child = spawnServer(launch);
    this.#child.once("exit", () => (this.#hasExited = true));
    // A program that could not be started has an error instead of an exit.
    this.#child.once("error", () => (this.#hasExited = true));
    this.gone = new Promise((resolve) => {
      this.#child.once("close", () => {
        this.#isGone = true;
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The main process of the server has ended; its children may still be there. */
  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** Ends the server and waits until all of it is gone; what does not end in time is ended harder. */
  async end(mode: keyof typeof firstEnding): Promise<void> {
    for (const { signal, limitMs } of endings.slice(firstEnding[mode])) {
      if (this.#isGone) return;
      this.#child.kill(signal);
      await this.#waitUntilGone(limitMs);
    }
    if (this.#isGone) return;
    throw new EmbeddedPostgresError(
      "PAWL_EMBEDDED_FAILED",
      `The embedded PostgreSQL (process ${this.pid}) was killed, but processes of it are still running. ` +
        "Look for processes named postgres, and end them.",
    );
  }

  async #waitUntilGone(limitMs: number): Promise<void> {
    const limit = new AbortController();
    // The timer also keeps Node running, which the server itself does not.
    const late = sleep(limitMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([this.gone, late]);
    limit.abort();
  }
}

function spawnServer(launch: Launch): ChildProcess {
  const log = openLog(launch);
  try {
    const child = spawn(launch.program, serverArguments(launch), {
      ...programOptions(launch.account),
      // In a session of its own: a Ctrl-C in the terminal is for the application, which still needs its database.
      detached: true,
      // The last one is written by nobody: it closes when the server and every child of it have ended.
      stdio: ["ignore", log, log, "pipe"],
    });
    child.unref();
    const [, , , lifeline] = child.stdio;
    if (lifeline instanceof Socket) lifeline.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** A file rather than a pipe, because a server must not wait for an application that is busy or stopped. */
function openLog({ log, account }: Launch): number {
  const file = openSync(log, "w", 0o600);
  if (account !== undefined) fchownSync(file, account.uid, account.gid);
  return file;
}

function serverArguments({ directory, port, settings }: Launch): string[] {
  const fixed = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "logging_collector=off",
    "log_destination=stderr",
  ];
  return ["-D", directory, ...[...settings, ...fixed].flatMap((setting) => ["-c", setting])];
}
