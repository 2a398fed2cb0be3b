import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Mutant } from "./mutant.ts";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("../../..", import.meta.url));
const copied = ["src", "sql", "package.json", "tsconfig.base.json", "tsconfig.build.json"];

/** Builds the package with a seeded bug, in a directory of its own; returns the address of the folder with what it exports. */
export async function buildMutant(mutant: Mutant): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `pawl-mutant-${mutant.number}-`));
  for (const name of copied) {
    await cp(join(repository, name), join(directory, name), { recursive: true });
  }
  await symlink(join(repository, "node_modules"), join(directory, "node_modules"));
  for (const edit of mutant.edits) await applyEdit(directory, edit);
  await run(process.execPath, [join(repository, "scripts", "build-sql.mjs"), directory]);
  const compiler = join(repository, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [compiler, "-p", join(directory, "tsconfig.build.json")]);
  // Servers and processes run under other accounts as well.
  await run("chmod", ["--recursive", "a+rX", directory]);
  return pathToFileURL(join(directory, "dist", "/")).href;
}

async function applyEdit(
  directory: string,
  { file, from, to }: Mutant["edits"][number],
): Promise<void> {
  const path = join(directory, file);
  const text = await readFile(path, "utf8");
  const places = text.split(from).length - 1;
  // A seeded bug whose place has changed must not pass for one that was caught.
  if (places !== 1)
    throw new Error(`expected one place in ${file} to seed a bug in, got ${places}`);
  await writeFile(
    path,
    text.replace(from, () => to),
  );
}
