import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A run of the command line that has ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of the command line that is under way. */
export interface Running {
  readonly process: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Promise<Ended>;
  /** Resolves when the text has come out of stdout or stderr. */
  says(text: string): Promise<unknown>;
}

export interface CommandOptions {
  /** What the environment has besides PATH and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The directory to run in. */
  readonly directory?: string;
}

const repository = fileURLToPath(new URL("../../", import.meta.url));
const program = join(repository, "dist/cli/main.js");
const sayLimitMs = 15_000;

/** Runs `pawl` with these arguments to its end. */
export function runPawl(given: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return startPawl(given, options).ended;
}

/** Starts `pawl` with these arguments; what still runs when the test has finished is killed. */
export function startPawl(
  given: readonly string[],
  { environment = {}, directory = repository }: CommandOptions = {},
): Running {
  return observed([process.execPath, program, ...given], { environment, directory });
}

/** The same on a terminal of its own, where stdout and stderr are one. */
export function startPawlOnTerminal(given: readonly string[]): Running {
  const command = [process.execPath, program, ...given].map(quoted).join(" ");
  return observed(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
    environment: {},
    directory: repository,
  });
}

/** The records of what a worker logs off a terminal, so far. */
export function logOf({ stderr }: Running): Record<string, unknown>[] {
  const lines = stderr.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>); // which has fields
}

function quoted(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

function observed(
  [command = "", ...given]: readonly string[],
  { environment, directory }: Required<CommandOptions>,
): Running {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(command, given, {
    cwd: directory,
    env: { PATH, HOME, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (written[stream] += text));
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (status, signal) => resolve({ status, signal, ...written }));
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    process: child,
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    ended,
    says: (text) =>
      eventually(() => `${written.stdout}${written.stderr}`.includes(text), { within: sayLimitMs }),
  };
}

/** Writes a module into an application of its own that has Pawl installed, and returns the module's path. */
export function moduleOf(name: string, text: string): string {
  const application = temporaryDirectory();
  mkdirSync(join(application, "node_modules"));
  symlinkSync(repository, join(application, "node_modules", "pawl"));
  writeFileSync(join(application, name), text);
  return join(application, name);
}

/** The same, with a copy of Pawl that is not the one that runs. */
export function moduleWithOwnCopy(name: string, text: string): string {
  const application = temporaryDirectory();
  const copy = join(application, "node_modules", "pawl");
  mkdirSync(copy, { recursive: true });
  for (const part of ["dist", "package.json"]) {
    cpSync(join(repository, part), join(copy, part), { recursive: true });
  }
  writeFileSync(join(application, name), text);
  return join(application, name);
}
