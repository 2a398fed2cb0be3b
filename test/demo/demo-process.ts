import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "pg";
import { onTestFinished } from "vitest";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { connectClient } from "../support/producer.ts";
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
  /** Resolves when it has written this to stderr. */
  says(text: string): Promise<unknown>;
}

/** What keeps a demo at work. */
export interface Hold {
  /** The connection for which nothing is held up. */
  readonly client: Client;
  /** The schema that the demo works in, once its workers are held up. */
  schemaAtWork(): Promise<string>;
  release(): Promise<unknown>;
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
    says: (text) => eventually(() => written.stderr.includes(text), { within }),
  };
}

/**
 * Holds up whatever the handlers of a demo write, in a database where nobody else is. A demo that is not held is soon
 * half-way and kills a worker itself, and soon done: a test could come too late to do anything to it.
 */
export async function holdDemo(url: string): Promise<Hold> {
  const client = await connectClient(url);
  await client.query("select pg_advisory_lock(1)");
  await client.query(`
    create function hold() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(1);
      return new;
    end $$`);
  await client.query(`
    create function hold_files() returns event_trigger language plpgsql as $$
    declare
      name text;
    begin
      for name in select object_identity from pg_event_trigger_ddl_commands() loop
        if name like 'pawl_demo_%.files' then
          execute 'create trigger hold before insert on ' || name || ' for each row execute function public.hold()';
        end if;
      end loop;
    end $$`);
  await client.query(`
    create event trigger hold_files on ddl_command_end when tag in ('CREATE TABLE')
      execute function hold_files()`);
  const schemaOfHeld = async (): Promise<string | undefined> => {
    const waiting = "select from pg_locks where locktype = 'advisory' and not granted";
    const { rowCount } = await client.query(
      `${waiting} and pg_backend_pid() = any (pg_blocking_pids(pid))`,
    );
    return rowCount === 0 ? undefined : (await demoSchemas(url))[0];
  };
  return {
    client,
    schemaAtWork: () => eventually(schemaOfHeld, { within }),
    release: () => client.query("select pg_advisory_unlock(1)"),
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
