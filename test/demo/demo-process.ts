import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A run of the demo that has ended. */
export interface EndedDemo {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of the demo that is under way. */
export interface RunningDemo {
  readonly process: ChildProcess;
  readonly stderr: string;
  readonly ended: Promise<EndedDemo>;
  /** The schema that it works in, once some of the files are indexed. */
  schemaAtWork(): Promise<string>;
}

const program = fileURLToPath(new URL("../../demo/dist/main.js", import.meta.url));
const within = 30_000;

/** Starts the demo on a database; what still runs when the test has finished is killed. */
export function startDemo(given: readonly string[], url: string): RunningDemo {
  const child = spawn(process.execPath, [program, ...given], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (written[stream] += text));
  }
  const ended = new Promise<EndedDemo>((resolve) => {
    child.once("close", (status) => resolve({ status, ...written }));
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    process: child,
    get stderr() {
      return written.stderr;
    },
    ended,
    schemaAtWork: () =>
      eventually(
        async () => {
          const [schema] = await demoSchemas(url);
          if (schema === undefined) return undefined;
          const rows = await execute(`select from ${schema}.files limit 1`, [], url);
          return rows.length > 0 && schema;
        },
        { within },
      ),
  };
}

/** The schemas that demos have made in a database. */
export async function demoSchemas(url: string): Promise<string[]> {
  const rows = await execute<{ name: string }>(
    "select nspname as name from pg_namespace where nspname like 'pawl\\_demo\\_%'",
    [],
    url,
  );
  return rows.map(({ name }) => name);
}

/** A directory with as many files, in folders of ten. */
export function directoryOf(count: number): string {
  const directory = temporaryDirectory();
  for (let number = 0; number < count; number += 1) {
    const folder = join(directory, `folder-${Math.floor(number / 10)}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${number}.txt`), `line one\nline two of ${number}`);
  }
  symlinkSync(join(directory, "folder-0"), join(directory, "link"));
  return directory;
}
