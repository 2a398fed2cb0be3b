import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { EmbeddedPostgresError } from "../core/errors.ts";
import type { PlatformPackage } from "./platform-package.ts";
import { completeSymlinks } from "./symlinks.ts";

/**
 * Copies PostgreSQL to a folder that any user can read and only this one can write, once for each version, and returns
 * that folder. For packages below a folder that the server's user cannot enter, or that cannot be completed in place.
 */
export async function copyNativeFolder(
  { name, version, native }: PlatformPackage,
  cache: string = tmpdir(),
): Promise<string> {
  const target = join(
    cache,
    `pawl-${name.replace(/^@/, "").replace("/", "-")}-${version}-${userId()}`,
  );
  if (await isTrusted(target)) {
    if (await isComplete(native, target)) return target;
    await rm(target, { recursive: true, force: true });
  }
  const unfinished = await mkdtemp(`${target}.`);
  try {
    await copyFolder(native, unfinished);
    await completeSymlinks(unfinished);
    await putInPlace(unfinished, target);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return target;
}

function userId(): number {
  return process.getuid?.() ?? 0;
}

/**
 * The folder for temporary files belongs to everyone, so another user may have made a folder of this name, with
 * programs of their own in it.
 */
async function isTrusted(target: string): Promise<boolean> {
  const found = await lstat(target).catch(() => undefined);
  if (found === undefined) return false;
  const writableByOthers = (found.mode & 0o022) !== 0;
  if (found.isDirectory() && found.uid === userId() && !writableByOthers) return true;
  throw new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    `expected ${target} to be a folder that only this user can write, got one that belongs to or is writable by others. ` +
      "Remove it, or set TMPDIR to a folder of your own.",
  );
}

/** Systems tidy up their folder for temporary files, and files that nobody has used for days go one by one. */
async function isComplete(from: string, to: string): Promise<boolean> {
  const copied = new Set(await readdir(to, { recursive: true }));
  const wanted = await readdir(from, { recursive: true });
  return wanted.every((path) => copied.has(path));
}

/** Modes are set rather than copied: with a umask of 077 the package's files can be read by their owner only. */
async function copyFolder(from: string, to: string): Promise<void> {
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      await mkdir(target);
      await copyFolder(source, target);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target);
    } else {
      await copyFile(source, target);
      await chmod(target, 0o755);
    }
  }
}

/** One rename makes the whole folder appear at once; when another process was first, its copy is the one to use. */
async function putInPlace(unfinished: string, target: string): Promise<void> {
  try {
    await rename(unfinished, target);
  } catch (error) {
    if (!(await isTrusted(target))) throw error;
  }
}
