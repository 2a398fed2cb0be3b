import { isSecretKey } from "./secret-keys.ts";

/** What stands in the place of a secret. */
export const redacted = "[redacted]";

const quote = 0x22;
const backslash = 0x5c;

/** Paths of keys from the root, such as `user.email`; elements of an array have the path of the array. */
export type SecretPaths = ReadonlySet<string>;

// The path of a value: undefined is the root's, null is longer than any that is looked for.
type Path = string | undefined | null;

/**
 * JSON text in which the value of every secret key is `"[redacted]"` and nothing else has changed: not a digit, not a space.
 * It takes time in proportion to the text, at any depth, and takes a text that was cut as well.
 */
export function redactJson(
  text: string,
  paths: SecretPaths,
): { readonly text: string; readonly isRedacted: boolean } {
  const reader = new Reader(text, paths);
  return reader.read();
}

class Reader {
  readonly #text: string;
  readonly #paths: SecretPaths;
  readonly #longest: number;
  readonly #parts: string[] = [];
  // Of the objects and arrays that are open, the outermost first.
  readonly #open: { readonly isObject: boolean; readonly path: Path }[] = [];
  // Up to where the text was copied.
  #copied = 0;
  // The path of the value that comes next.
  #path: Path = undefined;
  #isKeyNext = false;

  constructor(text: string, paths: SecretPaths) {
    this.#text = text;
    this.#paths = paths;
    this.#longest = Math.max(0, ...[...paths].map((path) => path.length));
  }

  read(): { readonly text: string; readonly isRedacted: boolean } {
    let at = 0;
    while (at < this.#text.length) at = this.#step(at);
    if (this.#parts.length === 0) return { text: this.#text, isRedacted: false };
    return { text: this.#parts.join("") + this.#text.slice(this.#copied), isRedacted: true };
  }

  // Reads what begins at a place, and says where the next begins.
  #step(at: number): number {
    switch (this.#text[at]) {
      case "{":
        return this.#enter(at, true);
      case "[":
        return this.#enter(at, false);
      case "}":
      case "]":
        this.#open.pop();
        return at + 1;
      case ",":
        this.#isKeyNext = this.#open.at(-1)?.isObject ?? false;
        this.#path = this.#open.at(-1)?.path;
        return at + 1;
      case '"':
        return this.#isKeyNext ? this.#readKey(at) : endOfString(this.#text, at);
      default:
        return at + 1;
    }
  }

  #enter(at: number, isObject: boolean): number {
    this.#open.push({ isObject, path: this.#path });
    this.#isKeyNext = isObject;
    return at + 1;
  }

  #readKey(at: number): number {
    this.#isKeyNext = false;
    const end = endOfString(this.#text, at);
    const key = decodeKey(this.#text.slice(at, end));
    this.#path = this.#extend(this.#open.at(-1)?.path, key);
    const isListed = typeof this.#path === "string" && this.#paths.has(this.#path);
    if (!isListed && !isSecretKey(key)) return end;
    const value = startOfValue(this.#text, end);
    if (value === this.#text.length) return value;
    this.#parts.push(this.#text.slice(this.#copied, value), `"${redacted}"`);
    this.#copied = endOfValue(this.#text, value);
    return this.#copied;
  }

  #extend(path: Path, key: string): Path {
    if (path === null) return null;
    const longer = path === undefined ? key : `${path}.${key}`;
    return longer.length > this.#longest ? null : longer;
  }
}

function startOfValue(text: string, from: number): number {
  let at = from;
  while (at < text.length && ": \t\n\r".includes(text.charAt(at))) at += 1;
  return at;
}

function endOfValue(text: string, from: number): number {
  const first = text[from];
  if (first === '"') return endOfString(text, from);
  if (first === "{" || first === "[") return endOfStructure(text, from);
  let at = from;
  while (at < text.length && !",}] \t\n\r".includes(text.charAt(at))) at += 1;
  return at;
}

function endOfStructure(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const next = text[at];
    if (next === "{" || next === "[") depth += 1;
    if (next === "}" || next === "]") depth -= 1;
    at = next === '"' ? endOfString(text, at) : at + 1;
    if (depth === 0) return at;
  }
  return text.length;
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    at += code === backslash ? 2 : 1;
  }
  return text.length;
}

function decodeKey(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    // Cut within an escape: there is no value after it.
    return quoted;
  }
}
