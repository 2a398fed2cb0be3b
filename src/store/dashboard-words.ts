import { OptionError } from "../core/errors.ts";

/** The filters that a search may name by a word, each of which may come several times. */
export const searchWords = ["queue", "task", "state", "outcome", "correlation"] as const;

export type SearchWord = (typeof searchWords)[number];

/** That a payload has this text at this path. */
export interface SearchTerm {
  readonly path: readonly string[];
  readonly text: string;
}

/** What a search says. */
export interface ParsedSearch {
  readonly words: readonly { readonly word: SearchWord; readonly text: string }[];
  readonly terms: readonly SearchTerm[];
}

const maxLength = 2_000;
const maxTerms = 20;
const maxPathParts = 20;
const unstorable = /[\0\p{Surrogate}]/u;
const form =
  'words such as `payload.user.id:42`, `payload.kind:"a b"`, `queue:mail`, `task:send`, `state:ready`, ' +
  "`outcome:failed` or `correlation:abc`";

/**
 * Reads a search: `payload.user.id:42 payload.kind:"a b" queue:mail`. A value with spaces stands in quotes, and so does a name
 * with dots or colons: `payload."a.b":1`. Throws `OptionError`, which says what was expected and where.
 */
export function parseSearch(search: string): ParsedSearch {
  if (search.length > maxLength) {
    throw wrong(`at most ${maxLength} characters`, `${search.length} characters`);
  }
  if (unstorable.test(search)) throw wrong("a text without NUL and lone surrogates", "one");
  const reader = new Reader(search);
  const words: { word: SearchWord; text: string }[] = [];
  const terms: SearchTerm[] = [];
  while (reader.skipSpaces()) {
    const name = readName(reader);
    const text = reader.value();
    if (name.kind === "payload") terms.push({ path: name.path, text });
    else words.push({ word: name.kind, text });
    if (words.length + terms.length > maxTerms) throw wrong(`at most ${maxTerms} words`, "more");
  }
  return { words, terms };
}

type Name =
  { readonly kind: SearchWord } | { readonly kind: "payload"; readonly path: readonly string[] };

function readName(reader: Reader): Name {
  const start = reader.position;
  const parts = [reader.part(form)];
  while (reader.takes(".")) parts.push(reader.part("a name after the dot"));
  if (parts.length > maxPathParts + 1) {
    throw reader.wrong(`at most ${maxPathParts} names in a path`, start);
  }
  const name = nameOf(parts);
  if (name === undefined) throw reader.wrong(form, start);
  if (!reader.takes(":")) throw reader.wrong("a colon and a value");
  return name;
}

function nameOf([first, ...path]: readonly string[]): Name | undefined {
  if (first === "payload") return path.length === 0 ? undefined : { kind: first, path };
  const kind = searchWords.find((word) => word === first);
  return kind === undefined || path.length > 0 ? undefined : { kind };
}

class Reader {
  readonly #text: string;
  position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether there is something behind the spaces. */
  skipSpaces(): boolean {
    this.#match(/\s*/y);
    return this.position < this.#text.length;
  }

  takes(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.position)) return false;
    this.position += mark.length;
    return true;
  }

  /** One name of a path. */
  part(expected: string): string {
    if (this.#text[this.position] === '"') return this.#quoted();
    const part = this.#match(/[^\s.:"]+/y);
    if (part === "") throw this.wrong(expected);
    return part;
  }

  value(): string {
    const isQuoted = this.#text[this.position] === '"';
    const value = isQuoted ? this.#quoted() : this.#match(/[^\s"]+/y);
    if (value === "" && !isQuoted) throw this.wrong('a value, or "" for an empty text');
    if (this.position < this.#text.length && this.#match(/\s/y) === "") {
      throw this.wrong("a space after the value");
    }
    return value;
  }

  wrong(expected: string, position = this.position): OptionError {
    const rest = this.#text.slice(position, position + 20);
    const got = rest === "" ? "the end" : JSON.stringify(rest);
    return wrong(`${expected} at character ${position + 1}`, got);
  }

  #quoted(): string {
    const start = this.position;
    const quoted = this.#match(/"(?:[^"\\]|\\["\\])*"/y);
    if (quoted === "")
      throw this.wrong('a text that ends in ", with " and \\ in it as \\" and \\\\', start);
    return quoted.slice(1, -1).replace(/\\(["\\])/g, "$1");
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const matched = pattern.exec(this.#text)?.[0] ?? "";
    this.position += matched.length;
    return matched;
  }
}

function wrong(expected: string, got: string): OptionError {
  return new OptionError(`expected \`search\` to have ${expected}, got ${got}`, {
    ...{ option: "search", expected, got },
  });
}
