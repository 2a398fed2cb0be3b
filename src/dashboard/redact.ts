import type { Secrets } from "./context.ts";
import { maskText, redacted } from "./mask-text.ts";
import { isCountKey, isSecretKey } from "./secret-keys.ts";

const redactedJson = JSON.stringify(redacted);
const quote = 0x22;
const backslash = 0x5c;

/**
 * Knows what is secret: what a key such as `password` or `apiKey` says, what stands at one of these paths (`user.email`; the
 * elements of a list have the path of the list), and credentials within texts.
 */
export function makeSecrets(paths: readonly string[] = []): Secrets {
  const root = pathTree(paths);
  return {
    redact(jsonText) {
      try {
        return new Reader(jsonText, root).read();
      } catch {
        // No JSON: then nobody knows what is in it.
        return { text: redactedJson, isRedacted: true };
      }
    },
    isSecretPath: (path) => isSecretPath(path, root),
  };
}

/** The paths as a tree of their keys. */
interface PathNode {
  readonly next: Map<string, PathNode>;
  isEnd: boolean;
}

function pathTree(paths: readonly string[]): PathNode {
  const root: PathNode = { next: new Map(), isEnd: false };
  for (const path of paths) {
    let node = root;
    for (const key of path.split(".")) {
      const known: PathNode = node.next.get(key) ?? { next: new Map(), isEnd: false };
      node.next.set(key, known);
      node = known;
    }
    node.isEnd = true;
  }
  return root;
}

function isSecretPath(path: readonly string[], root: PathNode): boolean {
  if (path.some(isSecretKey)) return true;
  let node: PathNode | undefined = root;
  for (const key of path) {
    // A place in a list is no key.
    if (/^\d+$/.test(key) && !node.next.has(key)) continue;
    node = node.next.get(key);
    if (node === undefined) return false;
    if (node.isEnd) return true;
  }
  return false;
}

interface Open {
  readonly isObject: boolean;
  readonly node: PathNode | undefined;
}

/** Reads JSON text from the left to the right, with a list of what is open in place of recursion. */
class Reader {
  readonly #text: string;
  readonly #parts: string[] = [];
  readonly #open: Open[] = [];
  // Up to where the text was copied.
  #copied = 0;
  // Where in the tree of paths the value is that comes next.
  #node: PathNode | undefined;
  #isKeyNext = false;

  constructor(text: string, root: PathNode) {
    this.#text = text;
    this.#node = root;
  }

  read(): { text: string; isRedacted: boolean } {
    let at = 0;
    while (at < this.#text.length) at = this.#step(at);
    if (this.#open.length > 0) throw new SyntaxError("expected JSON, got a part of it");
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
        this.#isKeyNext = false;
        return at + 1;
      case ",":
        this.#isKeyNext = this.#open.at(-1)?.isObject ?? false;
        this.#node = this.#open.at(-1)?.node;
        return at + 1;
      case '"':
        return this.#isKeyNext ? this.#readKey(at) : this.#readText(at);
      default:
        return at + 1;
    }
  }

  #enter(at: number, isObject: boolean): number {
    this.#open.push({ isObject, node: this.#node });
    this.#isKeyNext = isObject;
    return at + 1;
  }

  #readKey(at: number): number {
    this.#isKeyNext = false;
    const end = endOfText(this.#text, at);
    const key = decode(this.#text.slice(at, end));
    this.#node = this.#open.at(-1)?.node?.next.get(key);
    const value = startOfValue(this.#text, end);
    if (!this.#hides(key, value)) return end;
    return this.#replace(value, endOfValue(this.#text, value), redactedJson);
  }

  #hides(key: string, value: number): boolean {
    if (this.#node?.isEnd) return true;
    return isSecretKey(key) && !(isCountKey(key) && /[-\d]/.test(this.#text.charAt(value)));
  }

  #readText(at: number): number {
    const end = endOfText(this.#text, at);
    const text = decode(this.#text.slice(at, end));
    const masked = maskText(text);
    return masked === text ? end : this.#replace(at, end, JSON.stringify(masked));
  }

  #replace(start: number, end: number, jsonText: string): number {
    this.#parts.push(this.#text.slice(this.#copied, start), jsonText);
    this.#copied = end;
    return end;
  }
}

function startOfValue(text: string, from: number): number {
  let at = from;
  while (at < text.length && ": \t\n\r".includes(text.charAt(at))) at += 1;
  return at;
}

function endOfValue(text: string, from: number): number {
  const first = text[from];
  if (first === '"') return endOfText(text, from);
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
    at = next === '"' ? endOfText(text, at) : at + 1;
    if (depth === 0) return at;
  }
  throw new SyntaxError("expected JSON, got a part of it");
}

function endOfText(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    at += code === backslash ? 2 : 1;
  }
  throw new SyntaxError("expected JSON, got a part of it");
}

function decode(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
