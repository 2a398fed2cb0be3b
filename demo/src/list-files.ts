import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";

export interface ListOptions {
  /** How many files at most. */
  readonly limit: number;
  /** Directories to leave out. */
  readonly without: readonly string[];
  readonly signal: AbortSignal;
}

/** The first regular files below a directory that can be read, in the order of their names. */
export async function listFiles(directory: string, options: ListOptions): Promise<string[]> {
  const files: string[] = [];
  for await (const file of walk(directory, options)) {
    options.signal.throwIfAborted();
    files.push(file);
    if (files.length === options.limit) break;
  }
  return files;
}

async function* walk(directory: string, options: ListOptions): AsyncGenerator<string> {
  for (const entry of await entriesOf(directory)) {
    const path = join(directory, entry.name);
    // What is no UTF-8 cannot be written as text, and would name another file.
    if (entry.name.includes("\ufffd")) continue;
    if (entry.isFile() && (await isReadable(path))) yield path;
    if (entry.isDirectory() && entry.name !== ".git" && !options.without.includes(path)) {
      yield* walk(path, options);
    }
  }
}

async function entriesOf(directory: string) {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((left, right) => (left.name < right.name ? -1 : 1));
  } catch {
    return []; // it is gone, or not for us to read
  }
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
