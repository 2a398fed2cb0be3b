import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Line<Result> {
  readonly of: string;
  readonly result: Result;
}

/** What has come of a campaign so far, a line of JSON each: so it can be stopped at any time, and goes on where it was. */
export class ResultsFile<Result> {
  /** What was in the file. */
  readonly earlier: readonly Result[];
  readonly #path: string | undefined;
  readonly #of: string;

  /** Without a path, nothing is read or written. Throws an `Error` when the file is of another campaign or another build. */
  constructor(path: string | undefined, campaign: string) {
    this.#path = path;
    this.#of = `${campaign}, build ${buildOf(["../../../dist", "../../dist"])}`;
    const isThere = path !== undefined && existsSync(path);
    const lines = isThere ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
    this.earlier = lines.map((text) => {
      const { of, result } = JSON.parse(text) as Line<Result>; // as add() wrote it
      if (of === this.#of) return result;
      throw new Error(`expected ${String(path)} to have results of "${this.#of}", got "${of}"`);
    });
  }

  add(result: Result): void {
    if (this.#path === undefined) return;
    const line: Line<Result> = { of: this.#of, result };
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }
}

/** What tells one build from another. */
function buildOf(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const path = fileURLToPath(new URL(folder, import.meta.url));
    for (const file of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
      if (file.endsWith(".js")) hash.update(file).update(readFileSync(join(path, file)));
    }
  }
  return hash.digest("hex").slice(0, 12);
}
