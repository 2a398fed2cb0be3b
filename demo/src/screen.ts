import { stripVTControlCharacters, styleText } from "node:util";
import { intro, log } from "@clack/prompts";

/** Where the demo says what it does; on stderr, since stdout is for the summary. */
export interface Screen {
  step(text: string): void;
  warn(text: string): void;
  progress(done: number, total: number): void;
}

/** A screen with a progress bar on a terminal, and with plain lines elsewhere. */
export function openScreen(title: string): Screen {
  return process.stderr.isTTY ? new TerminalScreen(title) : new PlainScreen();
}

const output = process.stderr;
const barWidth = 30;
const clearLine = "\r\x1b[2K";

class TerminalScreen implements Screen {
  #shown = -1;

  constructor(title: string) {
    intro(title, { output });
  }

  step(text: string): void {
    output.write(clearLine);
    log.step(text, { output, spacing: 0 });
  }

  warn(text: string): void {
    output.write(clearLine);
    log.warn(text, { output, spacing: 0 });
  }

  // The bar of the library takes the keyboard, and ends the process when it sees Ctrl-C.
  progress(done: number, total: number): void {
    if (done === this.#shown) return;
    this.#shown = done;
    const filled = Math.min(barWidth, Math.floor((done / total) * barWidth));
    const bar =
      styleText("magenta", "━".repeat(filled)) + styleText("dim", "━".repeat(barWidth - filled));
    output.write(`${clearLine}${styleText("gray", "│")}  ${bar}  ${progressText(done, total)}`);
    if (done >= total) output.write("\n");
  }
}

class PlainScreen implements Screen {
  #shownTenths = 0;

  step(text: string): void {
    output.write(`${stripVTControlCharacters(text)}\n`);
  }

  warn(text: string): void {
    this.step(text);
  }

  progress(done: number, total: number): void {
    const tenths = Math.floor((done / total) * 10);
    if (tenths === this.#shownTenths) return;
    this.#shownTenths = tenths;
    this.step(progressText(done, total));
  }
}

function progressText(done: number, total: number): string {
  return `${done.toLocaleString("en")} of ${total.toLocaleString("en")} files indexed`;
}
