import { alignedLines } from "./table.ts";
import { harmless, print, say } from "./terminal.ts";

/** Prints data: as JSON for programs, or as a table for people, with a word where there is nothing. */
export function printRows<Row>(
  rows: readonly Row[],
  shown: {
    readonly json?: boolean | undefined;
    readonly titles: readonly string[];
    readonly cells: (row: Row) => readonly (string | number)[];
    /** What to say when there is none. */
    readonly none: string;
  },
): void {
  if (shown.json) {
    print(JSON.stringify(rows, null, 2));
    return;
  }
  if (rows.length === 0) {
    say(shown.none);
    return;
  }
  const cells = rows.map((row) => shown.cells(row).map((cell) => harmless(String(cell))));
  for (const line of alignedLines([[...shown.titles], ...cells])) print(line);
}

/** Prints what is known of one thing. */
export function printFacts(facts: readonly (readonly [string, string])[]): void {
  const cells = facts.map(([name, value]) => [name, harmless(value)]);
  for (const line of alignedLines(cells)) print(line);
}

/** What is shown of a job or an attempt: all but its payload. */
export function withoutPayload<Shown extends object>(
  shown: Shown,
): Omit<Shown, "payload" | "payloadError"> {
  const entries = Object.entries(shown).filter(
    ([name]) => name !== "payload" && name !== "payloadError",
  );
  return Object.fromEntries(entries) as Omit<Shown, "payload" | "payloadError">; // the same, but for these
}
