/** Writes data, for other programs to read. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes to the person at the terminal, or to the log. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Whether what is said is read by a person, and not kept in a log. */
export function isTerminal(): boolean {
  return process.stderr.isTTY;
}
