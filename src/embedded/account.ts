import { execFile, execFileSync } from "node:child_process";
import process from "node:process";
import { EmbeddedPostgresError } from "../core/errors.ts";

/** The unprivileged user that PostgreSQL runs as when this process is root, which PostgreSQL refuses to be. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const candidates = ["postgres", "nobody"];

/** Finds the user that PostgreSQL must run as; `undefined` when it can run as the user of this process. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of candidates) {
    const account = findAccount(name);
    if (account !== undefined) return account;
  }
  throw new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody` to run it as. " +
      "Create one (`useradd --system postgres`), or run as a user other than root.",
  );
}

/** What every program of PostgreSQL is started with: its user, and nothing of the environment that changes what it does. */
export function programOptions(account: Account | undefined) {
  return {
    // The working directory of this process may be one that the account cannot enter.
    cwd: "/",
    // Messages in English, because some are recognised; no PGDATA, PGPORT or PGOPTIONS of the user's.
    env: { PATH: process.env.PATH, TZ: process.env.TZ, LC_ALL: "C" },
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  };
}

/** How a program that was run to its end has ended: `problem` says what went wrong, as a code or in its own words. */
export type ProgramResult =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly code: string | number; readonly problem: string };

/** Runs a program of PostgreSQL to its end. */
export function runProgram(
  file: string,
  given: readonly string[],
  account: Account | undefined,
): Promise<ProgramResult> {
  const options = { ...programOptions(account), encoding: "utf8", timeout: 120_000 } as const;
  return new Promise((resolve) => {
    const finish = (error: Error | null, output = "", problem = "") => {
      if (error === null) resolve({ ok: true, output });
      else resolve({ ok: false, code: codeOf(error), problem: problem.trim() || error.message });
    };
    try {
      execFile(file, given, options, finish);
    } catch (error) {
      // A file that cannot be executed is thrown by some Node versions and handed to the callback by others.
      finish(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function codeOf(error: Error): string | number {
  const code = "code" in error ? error.code : undefined;
  return typeof code === "string" || typeof code === "number" ? code : "";
}

function findAccount(name: string): Account | undefined {
  try {
    return { name, uid: idOf("-u", name), gid: idOf("-g", name) };
  } catch {
    return undefined;
  }
}

function idOf(which: "-u" | "-g", name: string): number {
  const answer = execFileSync("id", [which, name], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return Number(answer);
}
