import { invalidOption, text as checkText } from "../core/options.ts";
import type { Redactor } from "./context.ts";
import { redacted, redactJson } from "./redact-json.ts";
import { isSecretKey } from "./secret-keys.ts";

// Bounded, so that no text makes them slow.
const urls = /([a-z][a-z0-9+.-]{0,31}:\/\/)\S{0,512}@/gi;
const bearers = /\b(bearer\s{1,4})[\w.~+/=-]{8,}/gi;
const keys = /([a-z][\w-]{0,63})["']?\s{0,4}[=:]\s{0,4}/gi;
const values =
  /(?:(?:bearer|basic|digest|token)\s{1,4})?(?:\[redacted\]|"(?:[^"\\]|\\[^])*"?|'(?:[^'\\]|\\[^])*'?|[^\s,;&"')}\]]+)/iy;

// PostgreSQL also takes "-1" and " +0" for a place in a list.
const mayBePlace = /^\s*[-+]?\d+$/;
const mostPossible = 64;

/** Takes secrets out of what is shown: by the names of their keys, and by paths of the application's. */
export function createRedactor(paths: readonly string[] = []): Redactor {
  const secretPaths = new Set(paths);
  return {
    redact: (jsonText) => redactJson(jsonText, secretPaths),
    redactSentence,
    isSecretPath: (path) => path.some(isSecretKey) || isBelow(path, secretPaths),
  };
}

// An element of a list has the path of the list; but what looks like a place in one may be a key as well.
function isBelow(path: readonly string[], secretPaths: ReadonlySet<string>): boolean {
  let possible = new Set([""]);
  for (const key of path) {
    const longer = [...possible].map((before) => (before === "" ? key : `${before}.${key}`));
    if (longer.some((each) => secretPaths.has(each))) return true;
    possible = new Set(mayBePlace.test(key) ? [...possible, ...longer] : longer);
    // Nobody means as many; what is not understood is not shown.
    if (possible.size > mostPossible) return true;
  }
  return false;
}

/** Checks the option `redact`: paths of keys such as `user.email`. Throws `OptionError`. */
export function checkRedact(given: unknown): readonly string[] {
  if (!Array.isArray(given)) {
    throw invalidOption("redact", 'a list of paths such as "user.email"', given);
  }
  return given.map((path, index) => checkText(`redact[${index}]`, path));
}

function redactSentence(sentence: string): {
  readonly text: string;
  readonly isRedacted: boolean;
} {
  const masked = sentence.replace(urls, `$1${redacted}@`).replace(bearers, `$1${redacted}`);
  const text = redactAssignments(masked);
  return { text, isRedacted: text !== sentence };
}

// `password=x`, `token: x`, `"apiKey":"x"`.
function redactAssignments(sentence: string): string {
  const key = new RegExp(keys);
  const value = new RegExp(values);
  const parts: string[] = [];
  let copied = 0;
  for (let found = key.exec(sentence); found !== null; found = key.exec(sentence)) {
    const [, name = ""] = found;
    value.lastIndex = key.lastIndex;
    if (!isSecretKey(name) || !value.test(sentence)) {
      key.lastIndex = found.index + name.length;
      continue;
    }
    parts.push(sentence.slice(copied, key.lastIndex), redacted);
    copied = value.lastIndex;
    key.lastIndex = copied;
  }
  return parts.join("") + sentence.slice(copied);
}
