import { OptionError } from "../../core/errors.ts";
import { describeValue } from "../../core/options.ts";
import type { PayloadTerm } from "../../store/dashboard-search.ts";

/** What a search asks for. */
export interface Search {
  readonly terms: readonly PayloadTerm[];
  /** The other words, by name: `queue:email`. */
  readonly words: ReadonlyMap<string, string>;
}

const maxLength = 2_000;
const maxTerms = 8;
const maxParts = 32;
const unstorable = /[\0\p{Surrogate}]/u;
const quotedText = /"(?:[^"\\]|\\.)*"/y;
const barePart = /[^\s.:"]+/y;
const bareValue = /[^\s"]\S*/y;
const spaces = /\s*/y;

/**
 * Reads a search: words with a space between them, all of which must hold. `payload.user.id:42` asks for what the payload has
 * there, `payload.kind:"a b"` for a string; a name with a dot in it is quoted: `payload."a.b":x`. The other words are those
 * of `known`: `queue:email`. Throws `OptionError`, which says where.
 */
export function parseSearch(text: string, known: readonly string[]): Search {
  const reader = new Reader(text, known);
  if (text.length > maxLength) throw reader.wrong(`at most ${maxLength} characters`);
  const terms: PayloadTerm[] = [];
  const words = new Map<string, string>();
  for (reader.take(spaces); !reader.isAtEnd; reader.take(spaces)) {
    const begin = reader.place;
    const path = reader.path();
    const value = reader.value();
    const [name = "", ...rest] = path;
    if (name === "payload" && rest.length > 0) terms.push({ path: rest, ...value });
    else if (rest.length > 0 || !known.includes(name)) throw reader.unknown(begin);
    else if (words.has(name)) throw reader.wrong(`\`${name}:\` once`, begin);
    else words.set(name, value.value);
    if (terms.length > maxTerms) throw reader.wrong(`at most ${maxTerms} words \`payload.…:…\``, begin);
  }
  return { terms, words };
}

class Reader {
  readonly #text: string;
  readonly #known: readonly string[];
  place = 0;

  constructor(text: string, known: readonly string[]) {
    this.#text = text;
    this.#known = known;
  }

  get isAtEnd(): boolean {
    return this.place >= this.#text.length;
  }

  take(form: RegExp): string | undefined {
    form.lastIndex = this.place;
    const [found] = form.exec(this.#text) ?? [];
    this.place += found?.length ?? 0;
    return found;
  }

  path(): string[] {
    const parts = [this.#part()];
    while (this.#text[this.place] === ".") {
      this.place += 1;
      parts.push(this.#part());
      if (parts.length > maxParts) throw this.wrong(`a path of at most ${maxParts} names`);
    }
    if (this.#text[this.place] !== ":") throw this.wrong("a colon behind the name");
    this.place += 1;
    return parts;
  }

  value(): { readonly value: string; readonly isString: boolean } {
    const begin = this.place;
    const isString = this.#text[begin] === '"';
    const value = isString ? this.#quoted() : this.take(bareValue);
    if (value === undefined) throw this.wrong("a value behind the colon", begin);
    if (unstorable.test(value)) {
      throw this.wrong("a value without NUL and lone surrogates", begin);
    }
    if (!this.isAtEnd && !/\s/.test(this.#text[this.place] ?? "")) {
      throw this.wrong("a space between two words");
    }
    return { value, isString };
  }

  #part(): string {
    const begin = this.place;
    const part = this.#text[begin] === '"' ? this.#quoted() : this.take(barePart);
    if (part === undefined) throw this.unknown(begin);
    if (unstorable.test(part)) throw this.wrong("a name without NUL and lone surrogates", begin);
    return part;
  }

  #quoted(): string {
    const begin = this.place;
    const literal = this.take(quotedText);
    if (literal === undefined) throw this.wrong("a closing quotation mark", begin);
    try {
      return JSON.parse(literal) as string; // what stands between quotation marks
    } catch {
      throw this.wrong("a string as in JSON", begin);
    }
  }

  unknown(place: number): OptionError {
    const words = this.#known.map((word) => `\`${word}:…\``).join(", ");
    return this.wrong(`\`payload.name:value\`, or one of ${words}`, place);
  }

  wrong(what: string, place = this.place): OptionError {
    const expected = `${what} at character ${place + 1}`;
    const got = place < this.#text.length ? describeValue(this.#text.slice(place)) : "its end";
    return new OptionError(`expected \`search\` to have ${expected}, got ${got}`, {
      option: "search",
      expected,
      got,
    });
  }
}
