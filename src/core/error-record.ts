/** An error as history keeps it: JSON that PostgreSQL takes, at most 16 KiB. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: ErrorRecord | undefined;
  readonly errors?: readonly ErrorRecord[] | undefined;
}

const maxTotalBytes = 16_384;
const maxMessageBytes = 4_096;
const maxStackBytes = 8_192;
const maxWordBytes = 256;
const maxDepth = 4;
const maxErrors = 10;
const maxRecords = 25;
const ellipsis = "…";

/** What to keep of anything a handler may throw, also of a hostile proxy. Never throws. */
export function recordError(error: unknown): ErrorRecord {
  try {
    return fit(describe(error, { parents: [], recordsLeft: maxRecords }));
  } catch {
    return nonError("an error that cannot be read");
  }
}

interface Walk {
  readonly parents: unknown[];
  recordsLeft: number;
}

function describe(error: unknown, walk: Walk): ErrorRecord {
  walk.recordsLeft -= 1;
  if (typeof error !== "object" || error === null) return describeValue(error);
  walk.parents.push(error);
  const record = {
    ...describeOwn(error),
    cause: describeInner(read(error, "cause"), walk),
    errors: describeErrors(read(error, "errors"), walk),
  };
  walk.parents.pop();
  return record;
}

function describeValue(value: unknown): ErrorRecord {
  if (typeof value === "string") return nonError(value);
  return nonError(gotInstead(typeof value === "function" ? "a function" : String(value)));
}

function nonError(message: string): ErrorRecord {
  return { name: "NonError", message: clean(message, maxMessageBytes) };
}

function describeOwn(error: object): ErrorRecord {
  const name = read(error, "name");
  const message = read(error, "message");
  const stack = read(error, "stack");
  const code = read(error, "code");
  const fullMessage = typeof message === "string" ? message : gotInstead(showObject(error));
  const keptMessage = clean(fullMessage, maxMessageBytes);
  return {
    name: typeof name === "string" ? clean(name, maxWordBytes) : "NonError",
    message: keptMessage,
    stack: typeof stack === "string" ? cleanStack(stack, fullMessage, keptMessage) : undefined,
    code:
      typeof code === "string" || typeof code === "number"
        ? clean(String(code), maxWordBytes)
        : undefined,
  };
}

function describeInner(inner: unknown, walk: Walk): ErrorRecord | undefined {
  if (inner === undefined || inner === null) return undefined;
  if (walk.recordsLeft === 0 || walk.parents.length > maxDepth) return undefined;
  return walk.parents.includes(inner) ? undefined : describe(inner, walk);
}

function describeErrors(errors: unknown, walk: Walk): ErrorRecord[] | undefined {
  if (!isArray(errors)) return undefined;
  const records: ErrorRecord[] = [];
  for (let index = 0; index < Math.min(errors.length, maxErrors); index += 1) {
    const record = describeInner(read(errors, index), walk);
    if (record !== undefined) records.push(record);
  }
  return records;
}

function gotInstead(thrown: string): string {
  return `expected an Error to be thrown, got ${thrown}`;
}

function showObject(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "an object";
  }
}

// A long message stands at the head of its stack as well, and would push out the frames.
function cleanStack(stack: string, fullMessage: string, keptMessage: string): string {
  const shorter =
    fullMessage.length > maxMessageBytes ? stack.replace(fullMessage, () => keptMessage) : stack;
  return clean(shorter, maxStackBytes);
}

// Text PostgreSQL takes: without NUL and lone surrogates, cut to a size between two characters.
function clean(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text.replaceAll("\0", "").slice(0, maxBytes + 1));
  if (bytes.length <= maxBytes) return new TextDecoder().decode(bytes);
  const kept = bytes.subarray(0, maxBytes - Buffer.byteLength(ellipsis));
  return new TextDecoder().decode(kept, { stream: true }) + ellipsis;
}

// What an error says matters more than its stack, and its own stack more than what caused it.
function fit(record: ErrorRecord): ErrorRecord {
  const { name, message, stack, code, cause, errors } = record;
  const inner = { cause: cause && withoutStacks(cause), errors: errors?.map(withoutStacks) };
  const choices = [
    record,
    { name, message, stack, code, ...inner },
    { name, message, stack, code },
  ];
  return (
    choices.find(isSmallEnough) ?? { name, message: clean(message, maxMessageBytes / 4), code }
  );
}

function withoutStacks({ name, message, code, cause, errors }: ErrorRecord): ErrorRecord {
  return {
    name,
    message,
    code,
    cause: cause && withoutStacks(cause),
    errors: errors?.map(withoutStacks),
  };
}

function isSmallEnough(record: ErrorRecord): boolean {
  return Buffer.byteLength(JSON.stringify(record)) <= maxTotalBytes;
}

function isArray(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a revoked proxy
  }
}

function read(value: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}
