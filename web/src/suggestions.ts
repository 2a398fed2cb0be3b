import type { TaskRow } from "../../src/dashboard/api.ts";

/** Something that can stand where the cursor is. */
export interface Suggestion {
  /** What it puts there. */
  readonly text: string;
  readonly hint: string;
}

/** What there is to suggest. */
export interface Known {
  readonly queues: readonly string[];
  readonly tasks: readonly TaskRow[];
  /** The word for states or outcomes, and what it can be. */
  readonly states: { readonly word: "state" | "outcome"; readonly names: readonly string[] };
}

const mostShown = 12;

/** The word that ends at the cursor: where it begins, and what it is. Spaces in quotes do not end a word. */
export function wordAt(text: string, cursor: number): { start: number; word: string } {
  let start = 0;
  let isQuoted = false;
  for (let place = 0; place < cursor; place += 1) {
    const sign = text[place];
    if (sign === '"' && text[place - 1] !== "\\") isQuoted = !isQuoted;
    if (sign === " " && !isQuoted) start = place + 1;
  }
  return { start, word: text.slice(start, cursor) };
}

/** What may be meant by the beginning of a word. */
export function suggest(word: string, known: Known): Suggestion[] {
  const colon = word.indexOf(":");
  const all =
    colon === -1 ? names(known) : values(word.slice(0, colon), known);
  const lower = word.toLowerCase();
  return all
    .filter(({ text }) => text.toLowerCase().includes(lower) && text !== word)
    .sort((a, b) => rank(a.text, lower) - rank(b.text, lower))
    .slice(0, mostShown);
}

/** Puts a suggestion in place of a word: the new text, and where the cursor is then. */
export function complete(
  text: string,
  cursor: number,
  suggestion: string,
): { text: string; cursor: number } {
  const { start } = wordAt(text, cursor);
  const end = suggestion.endsWith(":") ? suggestion : `${suggestion} `;
  const rest = text.slice(cursor).replace(/^\S*\s?/, "");
  return { text: text.slice(0, start) + end + rest, cursor: start + end.length };
}

/** A value as it stands in a search: in quotes when it has to be. */
export function quote(value: string): string {
  return /[\s"]/.test(value) || value === ""
    ? `"${value.replace(/[\\"]/g, "\\$&")}"`
    : value;
}

function names({ tasks, states }: Known): Suggestion[] {
  const paths = new Map<string, string[]>();
  for (const { name, searchable } of tasks) {
    for (const path of searchable) paths.set(path, [...(paths.get(path) ?? []), name]);
  }
  return [
    ...[...paths].map(([path, of]) => ({
      text: `payload.${path}:`,
      hint: `found at once, of ${of.join(", ")}`,
    })),
    { text: "queue:", hint: "of this queue" },
    { text: "task:", hint: "of this task" },
    { text: `${states.word}:`, hint: states.names.join(", ") },
    { text: "correlation:", hint: "of this correlation id" },
    { text: "payload.", hint: "what the payload holds, as payload.user.id:42" },
  ];
}

function values(name: string, { queues, tasks, states }: Known): Suggestion[] {
  const given = (values: readonly string[], hint: string) =>
    values.map((value) => ({ text: `${name}:${quote(value)}`, hint }));
  switch (name) {
    case "queue":
      return given(queues, "queue");
    case "task":
      return given(
        tasks.map((task) => task.name),
        "task",
      );
    case states.word:
      return given(states.names, states.word);
    default:
      return [];
  }
}

function rank(text: string, word: string): number {
  return text.toLowerCase().startsWith(word) ? 0 : 1;
}
