const colours = { red: 31, green: 32, yellow: 33 } as const;

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

/** A text for `print` in a colour; plain where no person looks at it, or `NO_COLOR` is set. */
export function painted(colour: keyof typeof colours, text: string): string {
  const { NO_COLOR = "" } = process.env;
  if (!process.stdout.isTTY || NO_COLOR !== "") return text;
  return `\u001b[${colours[colour]}m${text}\u001b[0m`;
}

/** Data as text from the database or a program, without what would steer a terminal. */
export function harmless(text: string): string {
  return text.replaceAll(/\p{Control}+/gu, " ");
}
