/** JSON text without its secrets. */
export interface Redacted {
  readonly text: string;
  /** Whether something was taken out. */
  readonly isRedacted: boolean;
}

/** Takes secrets out of what is shown. */
export interface Redactor {
  /** Of JSON text: everything else stays as it is, to the last digit. */
  redact(json: string): Redacted;
  /** Of free text: passwords in addresses, and what is said to be a secret. */
  mask(text: string): Redacted;
}

const redacted = "[redacted]";
const redactedJson = JSON.stringify(redacted);

// As whole words of a key, however they are joined: apiKey, api_key, "API-Key", userPassword.
const secretWords = [
  ...["password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "auth"],
  ...["cookie", "credential", "credentials", "jwt", "bearer", "otp", "pin", "cvv", "cvc", "ssn", "iban"],
  ...["apikey", "privatekey", "accesskey", "secretkey", "signingkey", "encryptionkey"],
  ...["creditcard", "cardnumber", "sessionid"],
];
const secretWordSet: ReadonlySet<string> = new Set(
  secretWords.flatMap((word) => [word, `${word}s`]),
);
const longestSecret = 3;

const addressWithPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi;
const saidSecret =
  /\b([\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization)[\w-]*)(\s*[=:]\s*)("[^"]*"|'[^']*'|(?:bearer |basic )?[^\s,;&]+)/gi;

/** Makes one that also takes out what stands at these paths: `user.email`, `items.0.iban`; `*` is any key. */
export function makeRedactor(paths: readonly string[]): Redactor {
  const wanted = paths.map((path) => path.split("."));
  return {
    redact: (json) => redactJson(json, wanted),
    mask,
  };
}

function mask(text: string): Redacted {
  const masked = text
    .replaceAll(addressWithPassword, `$1:${redacted}@`)
    .replaceAll(saidSecret, `$1$2${redacted}`);
  return { text: masked, isRedacted: masked !== text };
}

/** Whether a key says that its value is a secret. */
export function isSecretKey(key: string): boolean {
  const words = key
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== "");
  return words.some((_, from) =>
    Array.from({ length: longestSecret }, (_, more) => words.slice(from, from + more + 1).join("")).some(
      (joined) => secretWordSet.has(joined),
    ),
  );
}

interface Level {
  readonly isArray: boolean;
  /** The key, or the place, of the value that is being read. */
  at: string;
  place: number;
}

const token = /\s+|"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gy;

// Reads token by token and never goes deeper in calls, however deep the text is.
function redactJson(json: string, paths: readonly (readonly string[])[]): Redacted {
  const levels: Level[] = [];
  const kept: string[] = [];
  let from = 0;
  let hiddenBelow: number | undefined;
  let isKeyNext = false;
  token.lastIndex = 0;
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    const [text] = match;
    const start = match.index;
    const level = levels.at(-1);
    if (text === "}" || text === "]") {
      levels.pop();
      isKeyNext = false;
      if (hiddenBelow === levels.length) {
        hiddenBelow = undefined;
        from = token.lastIndex;
      }
      continue;
    }
    if (text === ",") {
      if (level?.isArray === true) level.at = String((level.place += 1));
      isKeyNext = level?.isArray === false;
      continue;
    }
    if (text === ":") {
      isKeyNext = false;
      continue;
    }
    if (/^\s/.test(text)) continue;
    if (isKeyNext && level !== undefined) {
      level.at = textOf(text);
      isKeyNext = false;
      continue;
    }
    const isOpening = text === "{" || text === "[";
    if (hiddenBelow === undefined && isSecret(levels, paths)) {
      kept.push(json.slice(from, start), redactedJson);
      from = token.lastIndex;
      if (isOpening) hiddenBelow = levels.length;
    }
    if (isOpening) {
      levels.push({ isArray: text === "[", at: text === "[" ? "0" : "", place: 0 });
      isKeyNext = text === "{";
    }
  }
  if (kept.length === 0) return { text: json, isRedacted: false };
  return { text: kept.join("") + json.slice(from), isRedacted: true };
}

function isSecret(levels: readonly Level[], paths: readonly (readonly string[])[]): boolean {
  const level = levels.at(-1);
  if (level === undefined) return false;
  if (!level.isArray && isSecretKey(level.at)) return true;
  return paths.some(
    (path) =>
      path.length === levels.length &&
      path.every((name, depth) => name === "*" || name === levels[depth]?.at),
  );
}

function textOf(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return json;
  }
}
