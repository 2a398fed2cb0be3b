import { isCountKey, isSecretKey } from "./secret-keys.ts";

/** What stands in the place of a secret. */
export const redacted = "[redacted]";

const isSuspicious = /:\/\/|[=:]|bearer/i;
// In an address of the web an @ may stand in the path; elsewhere, a password that nobody has escaped may have a slash.
const isWebScheme = /(?:^|[^a-z0-9+.-])(?:https?|wss?)$/i;
const longestScheme = 32;
const webAuthority = /[^\s"'`<>/?#]*/y;
const anyAuthority = /[^\s"'`<>]*/y;
const bearers = /\b(bearer {1,4})[\w.~+/-]{8,}=*/gi;

const longestKey = 64;
const mostSpaces = 3;
const isKeyCharacter = /[\w.-]/;
const isHeader = /(?:authorization|cookie)$/i;
const restOfLine = /[^\r\n]*/y;
const bareValue = /(?:(?:bearer|basic|digest) {1,4})?(?:\[redacted\]|[^\s,;&"'`)\]}<>])+/iy;
const proseKeys: ReadonlySet<string> = new Set(["token", "tokens"]);

/**
 * A text without the credentials in it: of addresses (`postgres://[redacted]@host`), of `password=…` and of what is quoted from
 * JSON or a header. It takes time in proportion to the text.
 */
export function maskText(text: string): string {
  if (!isSuspicious.test(text)) return text;
  return maskAssignments(maskAddresses(text).replace(bearers, `$1${redacted}`));
}

function maskAddresses(text: string): string {
  const copy = new Copy(text);
  let at = text.indexOf("://");
  while (at !== -1) {
    const start = at + 3;
    const isWeb = isWebScheme.test(text.slice(Math.max(0, at - longestScheme), at));
    const authority = matchAt(isWeb ? webAuthority : anyAuthority, text, start);
    const sign = authority.lastIndexOf("@");
    if (sign > 0) copy.replace(start, start + sign);
    // Of the web, only what was looked at is over: another address may be in the path.
    at = text.indexOf("://", start + authority.length);
  }
  return copy.end();
}

function maskAssignments(text: string): string {
  const copy = new Copy(text);
  const signs = /[=:]/g;
  for (let found = signs.exec(text); found !== null; found = signs.exec(text)) {
    const key = keyBefore(text, found.index);
    if (key === undefined || !isSecretKey(key.name)) continue;
    const value = valueAfter(text, found.index, key);
    if (value === undefined) continue;
    copy.replace(value.start, value.end);
    signs.lastIndex = value.end;
  }
  return copy.end();
}

interface Key {
  readonly name: string;
  readonly isQuoted: boolean;
}

function keyBefore(text: string, sign: number): Key | undefined {
  let end = sign;
  while (end > 0 && sign - end < mostSpaces && text[end - 1] === " ") end -= 1;
  const isQuoted = text[end - 1] === '"' || text[end - 1] === "'";
  if (isQuoted) end -= 1;
  // Of JSON that is a text in JSON: \"password\":\"…\".
  if (isQuoted && text[end - 1] === "\\") end -= 1;
  let start = end;
  while (start > 0 && end - start < longestKey && isKeyCharacter.test(text.charAt(start - 1))) {
    start -= 1;
  }
  return start === end ? undefined : { name: text.slice(start, end), isQuoted };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function valueAfter(text: string, sign: number, key: Key): Range | undefined {
  const next = text[sign + 1];
  // A comparison, an arrow, or an address.
  if (next === "=" || next === ">" || text.startsWith("//", sign + 1)) return undefined;
  let start = sign + 1;
  while (start - sign <= mostSpaces && text[start] === " ") start += 1;
  if (text[start] === "\\") start += 1;
  const quote = text[start];
  if (quote === '"' || quote === "'") return rangeOf(start + 1, endOfQuoted(text, start));
  const isColon = text[sign] === ":";
  if (isColon && isHeader.test(key.name)) {
    return rangeOf(start, start + matchAt(restOfLine, text, start).length);
  }
  // "Unexpected token: x" is a sentence.
  const isProse = isColon && !key.isQuoted && start > sign + 1;
  if (isProse && proseKeys.has(key.name.toLowerCase())) return undefined;
  const value = matchAt(bareValue, text, start);
  return isCount(key.name, value) ? undefined : rangeOf(start, start + value.length);
}

function isCount(key: string, value: string): boolean {
  return isCountKey(key) && /^\d+$/.test(value);
}

function rangeOf(start: number, end: number): Range | undefined {
  return start < end ? { start, end } : undefined;
}

// Where the closing quote is, which may have a backslash before it when the opening one has; the end when there is none.
function endOfQuoted(text: string, open: number): number {
  const quote = text.charAt(open);
  if (text[open - 1] === "\\") {
    const close = text.indexOf(`\\${quote}`, open + 1);
    return close === -1 ? text.length : close;
  }
  let at = open + 1;
  while (at < text.length && text[at] !== quote) at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

/** A copy of a text in which parts are replaced, from the left to the right. */
class Copy {
  readonly #text: string;
  readonly #parts: string[] = [];
  #copied = 0;

  constructor(text: string) {
    this.#text = text;
  }

  replace(start: number, end: number): void {
    this.#parts.push(this.#text.slice(this.#copied, start), redacted);
    this.#copied = end;
  }

  end(): string {
    if (this.#parts.length === 0) return this.#text;
    return this.#parts.join("") + this.#text.slice(this.#copied);
  }
}
