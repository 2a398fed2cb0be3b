import { readFacts } from "./file-facts.ts";
import type { FileRow } from "./tables.ts";

/** Whether every file was indexed exactly once, and rightly. */
export interface Proof {
  readonly rowsPerFileExactlyOne: boolean;
  readonly digestsEqual: boolean;
  readonly ok: boolean;
  readonly rows: number;
  readonly equalDigests: number;
  /** Files that somebody has changed or removed meanwhile, so that there is nothing to compare with. */
  readonly changedFiles: number;
}

/** Compares the rows with the files on disk: every file, and every byte of it. */
export async function prove(
  files: readonly string[],
  rows: readonly FileRow[],
  signal: AbortSignal,
): Promise<Proof> {
  const counts = { equal: 0, changed: 0, different: 0 };
  for (const row of rows) counts[await compare(row, signal)] += 1;
  const rowsPerFileExactlyOne = hasOneRowEach(files, rows);
  const digestsEqual = counts.different === 0;
  return {
    rowsPerFileExactlyOne,
    digestsEqual,
    ok: rowsPerFileExactlyOne && digestsEqual,
    rows: rows.length,
    equalDigests: counts.equal,
    changedFiles: counts.changed,
  };
}

function hasOneRowEach(files: readonly string[], rows: readonly FileRow[]): boolean {
  const indexed = new Set(rows.map(({ path }) => path));
  return (
    rows.length === files.length &&
    indexed.size === files.length &&
    files.every((file) => indexed.has(file))
  );
}

async function compare(
  row: FileRow,
  signal: AbortSignal,
): Promise<"equal" | "changed" | "different"> {
  signal.throwIfAborted();
  const facts = await readFacts(row.path, signal);
  if (facts === undefined || row.sha256 === null) return "changed";
  if (facts.sha256 === row.sha256) return "equal";
  return facts.version === row.version ? "different" : "changed";
}
