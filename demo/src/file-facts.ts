import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";

/** What the demo wants to know of a file. */
export interface FileFacts {
  readonly sha256: string;
  readonly bytes: number;
  readonly lines: number;
  /** Another one means that the file is not the same as it was. */
  readonly version: string;
}

const lineFeed = 10;
const goneCodes: readonly unknown[] = ["ENOENT", "ENOTDIR", "EISDIR", "EACCES", "EPERM"];

/** Reads a file from its first byte to its last; undefined when it is gone or may not be read. */
export async function readFacts(path: string, signal: AbortSignal): Promise<FileFacts | undefined> {
  try {
    const file = await open(path);
    try {
      return await digest(file, signal);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function digest(file: FileHandle, signal: AbortSignal): Promise<FileFacts> {
  // Taken before the first byte: a change while it is read gives the file another version.
  const { ino, size, mtimeNs } = await file.stat({ bigint: true });
  const hash = createHash("sha256");
  let bytes = 0;
  let lines = 0;
  let last = lineFeed;
  const chunks: AsyncIterable<Buffer> = file.createReadStream({ signal, autoClose: false });
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
    lines += countLineFeeds(chunk);
    last = chunk.at(-1) ?? last;
  }
  if (last !== lineFeed) lines += 1;
  return { sha256: hash.digest("hex"), bytes, lines, version: `${ino}-${size}-${mtimeNs}` };
}

function countLineFeeds(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, at + 1))
    count += 1;
  return count;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && goneCodes.includes(error.code);
}
