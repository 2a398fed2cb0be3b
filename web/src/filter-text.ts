import type { Query } from "./address.ts";

/** A word of a filter that is a choice of its own, and the name of that choice. */
const words = {
  queue: "queue",
  task: "task",
  state: "state",
  outcome: "outcome",
  correlation: "correlationId",
  key: "concurrencyKey",
} as const;

/** The words that the filter of a screen knows, besides `payload.…:…`. */
export type FilterWord = keyof typeof words;

const quotedForm = /"(?:[^"\\]|\\.)*"/;
const wordForm = new RegExp(`(?:[^\\s"]|${quotedForm.source}|")+`, "g");
const plainValue = /^[^\s"]+$/;

/** What a filter's text chooses: `queue:mail payload.user.id:42`. What is no known word stays in `search`, for the server to judge. */
export function choicesOf(
  text: string,
  known: readonly FilterWord[],
): Record<string, string | undefined> {
  const choices: Record<string, string | undefined> = Object.fromEntries(
    known.map((word) => [words[word], undefined]),
  );
  const rest: string[] = [];
  for (const each of text.match(wordForm) ?? []) {
    const at = each.indexOf(":");
    const word = known.find((name) => name === each.slice(0, at));
    const value = word === undefined ? undefined : unquote(each.slice(at + 1));
    if (word === undefined || value === undefined || choices[words[word]] !== undefined)
      rest.push(each);
    else choices[words[word]] = value;
  }
  return { ...choices, search: rest.length === 0 ? undefined : rest.join(" ") };
}

/** The text that chooses the same: the reverse of `choicesOf`. */
export function textOf(query: Query, known: readonly FilterWord[]): string {
  const said = known.flatMap((word) => {
    const value = query[words[word]];
    return value === undefined ? [] : [`${word}:${quote(value)}`];
  });
  const { search } = query;
  return [...said, ...(search === undefined ? [] : [search])].join(" ");
}

/** What somebody may mean, to complete the last word of a filter's text. */
export interface Vocabulary {
  readonly words: readonly FilterWord[];
  readonly values: Readonly<Partial<Record<FilterWord, readonly string[]>>>;
  /** Payload paths that tasks declare searchable: `user.id`. */
  readonly paths: readonly string[];
}

const mostSuggestions = 8;

/** Texts that complete the last word; each is the whole text. */
export function suggestionsFor(text: string, vocabulary: Vocabulary): readonly string[] {
  const at = Math.max(text.lastIndexOf(" "), text.lastIndexOf("\t")) + 1;
  const [before, last] = [text.slice(0, at), text.slice(at)];
  return completions(last, vocabulary)
    .filter((each) => each !== last)
    .slice(0, mostSuggestions)
    .map((each) => before + each);
}

function completions(last: string, { words: known, values, paths }: Vocabulary): string[] {
  const colon = last.indexOf(":");
  const word = known.find((each) => each === last.slice(0, colon));
  if (word !== undefined) {
    const begin = last.slice(colon + 1).toLowerCase();
    return (values[word] ?? [])
      .filter((value) => value.toLowerCase().includes(begin))
      .map((value) => `${word}:${quote(value)}`);
  }
  if (colon >= 0) return [];
  const begins = [
    ...known.map((each) => `${each}:`),
    ...paths.map((path) => `payload.${path}:`),
    "payload.",
  ];
  return begins.filter((each) => each.startsWith(last) || (last !== "" && each.includes(last)));
}

function quote(value: string): string {
  return plainValue.test(value) ? value : JSON.stringify(value);
}

function unquote(value: string): string | undefined {
  if (plainValue.test(value)) return value;
  try {
    const said: unknown = JSON.parse(value);
    return typeof said === "string" && said !== "" ? said : undefined;
  } catch {
    return undefined;
  }
}
