import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What the demo was asked to do. */
export interface DemoOptions {
  readonly directory: string;
  readonly files: number;
  readonly json: boolean;
  /** Whether to serve the dashboard, and to wait at the end until somebody has looked. */
  readonly dashboard: boolean;
  readonly help: boolean;
}

/** The command line asks for what the demo cannot do; the message says what it can. */
export class UsageError extends Error {}

const repository = fileURLToPath(new URL("../..", import.meta.url));

export const helpText = `Usage: npm run demo -- [options]

Indexes real files with Pawl: one job per file, enqueued in one transaction, run by two worker processes. Each handler
reads its file and writes a row in its job's own transaction. Some attempts fail on purpose, and half-way one worker
is killed while it holds running jobs. At the end every digest is recomputed, to prove that each file was indexed
exactly once. With few files, each handler takes a little longer, so that there is something to interrupt.

Options:
  --dir <directory>  the directory to index (default: this repository)
  --files <number>   how many files at most (default: 3000)
  --json             print the summary as one JSON object on the last line
  --dashboard        print a link to the dashboard, and stay until Ctrl-C
  -h, --help         show this

DATABASE_URL, when set, is used instead of an embedded PostgreSQL, in a schema of its own that is removed afterwards.
The exit status is 1 when the proof fails.`;

/** Reads the command line. Throws `UsageError`. */
export function parseDemoOptions(given: readonly string[]): DemoOptions {
  const { dir, files, json, dashboard, help } = parse(given);
  return {
    directory: dir === undefined ? repository : checkDirectory(dir),
    files: files === undefined ? 3_000 : checkCount(files),
    json: json === true,
    dashboard: dashboard === true,
    help: help === true,
  };
}

function parse(given: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...given],
      options: {
        dir: { type: "string" },
        files: { type: "string" },
        json: { type: "boolean" },
        dashboard: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function checkDirectory(given: string): string {
  const directory = resolve(given);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new UsageError(`expected --dir to name a directory, got "${given}", which is none`);
}

function checkCount(given: string): number {
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw new UsageError(`expected --files to be a positive integer, got "${given}"`);
}
