import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Ended } from "./pawl-command.ts";

const folder = fileURLToPath(new URL("../../docs/guides/incident/", import.meta.url));
const size = { width: 118, height: 32 };
// For whoever watches.
const readingMs = 4_000;
const typingMs = 900;

interface Step {
  readonly comment?: string;
  readonly command?: string;
  readonly output?: string;
  /** How long the command took. */
  readonly ms: number;
}

/** What is done on a terminal, as a page and as a recording (asciicast, version 2) that `asciinema play` shows. */
export class Recording {
  readonly #steps: Step[] = [];

  say(comment: string): void {
    this.#steps.push({ comment, ms: 0 });
  }

  /** Runs a command and keeps what it printed. */
  async of(given: readonly string[], run: () => Promise<Ended>): Promise<Ended> {
    const began = performance.now();
    const ended = await run();
    const command = `npx pawl ${given.join(" ")}`;
    const output = anonymous(`${ended.stdout}${ended.stderr}`.trimEnd());
    this.#steps.push({ command, output, ms: performance.now() - began });
    return ended;
  }

  /** Writes both into docs/, when PAWL_RECORD is set. */
  async keep(): Promise<void> {
    if (process.env.PAWL_RECORD === undefined) return;
    await writeFile(`${folder}recording.cast`, this.#cast());
    await writeFile(`${folder}recording.txt`, this.#text());
  }

  #text(): string {
    const blocks = this.#steps.map(({ comment, command, output }) =>
      comment === undefined ? `$ ${command ?? ""}\n${output ?? ""}` : `# ${comment}`,
    );
    return `${blocks.join("\n\n")}\n`;
  }

  #cast(): string {
    let seconds = 0;
    const lines = [JSON.stringify({ version: 2, ...size, title: "An incident, found and mended" })];
    const show = (text: string): void => {
      lines.push(JSON.stringify([Number(seconds.toFixed(3)), "o", text.replaceAll("\n", "\r\n")]));
    };
    for (const { comment, command, output, ms } of this.#steps) {
      show(comment === undefined ? `$ ${command ?? ""}\n` : `\u001b[2m# ${comment}\u001b[0m\n`);
      seconds += (typingMs + ms) / 1_000;
      if (output === undefined) continue;
      show(`${output}\n\n`);
      seconds += readingMs / 1_000;
    }
    return `${lines.join("\n")}\n`;
  }
}

/** A schema and a database of the tests, as somebody else's would be called. */
function anonymous(text: string): string {
  return text
    .replaceAll(/127\.0\.0\.1:\d+\/test_\w+/g, "localhost:5432/app")
    .replaceAll(/"test_\w+"/g, '"pawl"');
}
