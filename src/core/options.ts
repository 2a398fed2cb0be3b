import { OptionError } from "./errors.ts";
import { isUuid } from "./uuid.ts";

const maxQueueNameBytes = 63;
const maxTaskNameBytes = 255;
const maxShortTextBytes = 255;
const maxSchemaNameBytes = 48; // leaves room in PostgreSQL's 63 for what is made from the name
const schemaNameForm = /^[a-z_][a-z0-9_]*$/;
const unstorable = /[\0\p{Surrogate}]/u;

/** Refuses what is no object, and every key that is not among `known`; `where` is the call. */
export function checkKeys(
  where: string,
  given: unknown,
  known: readonly string[],
): asserts given is object {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const got = describeValue(given);
    throw new OptionError(`expected the options of ${where} to be an object, got ${got}`, {
      option: where,
      expected: "an object",
      got,
    });
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw unknownOption(where, key, known);
  }
}

/** The error for a bad value: "expected `concurrency` to be a positive integer, got 0". */
export function invalidOption(option: string, expected: string, value: unknown): OptionError {
  const got = describeValue(value);
  return new OptionError(`expected \`${option}\` to be ${expected}, got ${got}`, {
    option,
    expected,
    got,
  });
}

/** A value in a few words for an error message; never the content of an object. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return describeText(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return describeObject(value);
}

/** Checks a value, unless it was left out. */
export function optional<Given, Checked>(
  value: Given | undefined,
  check: (value: Given) => Checked,
): Checked | undefined {
  return value === undefined ? undefined : check(value);
}

/** Checks for an integer of 1 or more. */
export function positiveInteger(option: string, value: unknown): number {
  if (isIntegerBetween(value, 1, Number.MAX_SAFE_INTEGER)) return value;
  throw invalidOption(option, "a positive integer", value);
}

/** Checks for an integer of 0 or more. */
export function nonNegativeInteger(option: string, value: unknown): number {
  if (isIntegerBetween(value, 0, Number.MAX_SAFE_INTEGER)) return value;
  throw invalidOption(option, "an integer of 0 or more", value);
}

/** Checks for an integer from `low` to `high`, both included. */
export function integerBetween(option: string, value: unknown, low: number, high: number): number {
  if (isIntegerBetween(value, low, high)) return value;
  throw invalidOption(option, `an integer from ${low} to ${high}`, value);
}

/** Checks for one of a few strings. */
export function oneOf<const Choice extends string>(
  option: string,
  value: unknown,
  values: readonly Choice[],
): Choice {
  const found = values.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw invalidOption(option, listOf(values.map((choice) => JSON.stringify(choice))), value);
}

/** Checks for a string that PostgreSQL can store: not empty, no NUL, no lone surrogate. */
export function text(option: string, value: unknown): string {
  if (typeof value !== "string") throw invalidOption(option, "a string", value);
  if (value === "") throw invalidOption(option, "a string that is not empty", value);
  if (unstorable.test(value)) {
    throw invalidOption(option, "a string without NUL and lone surrogates", value);
  }
  return value;
}

/** Checks for a string of 1 to 255 bytes in UTF-8 that PostgreSQL can store. */
export function shortText(option: string, value: unknown): string {
  return textUpTo(option, value, maxShortTextBytes);
}

/** Checks for a function. */
export function callable<Given>(option: string, value: Given): Given {
  if (typeof value === "function") return value;
  throw invalidOption(option, "a function", value);
}

/** Checks for a queue's name: a string of 1 to 63 bytes in UTF-8. */
export function queueName(option: string, value: unknown): string {
  return textUpTo(option, value, maxQueueNameBytes);
}

/** Checks for a task's name: a string of 1 to 255 bytes in UTF-8. */
export function taskName(option: string, value: unknown): string {
  return textUpTo(option, value, maxTaskNameBytes);
}

/** Checks for a schema's name: lower-case letters, digits and underscores, at most 48. */
export function schemaName(option: string, value: unknown): string {
  const name = textUpTo(option, value, maxSchemaNameBytes);
  if (schemaNameForm.test(name)) return name;
  throw invalidOption(
    option,
    "lower-case letters, digits and underscores, not starting with a digit",
    value,
  );
}

/** Checks for a UUID and gives it in lower case. */
export function uuid(option: string, value: unknown): string {
  if (typeof value === "string" && isUuid(value)) return value.toLowerCase();
  throw invalidOption(option, "a UUID", value);
}

/** Checks for true or false. */
export function boolean(option: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw invalidOption(option, "true or false", value);
}

/** Checks for a Date that is a point in time. */
export function date(option: string, value: unknown): Date {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value;
  throw invalidOption(option, "a valid Date", value);
}

/** Checks for an AbortSignal. */
export function abortSignal(option: string, value: unknown): AbortSignal {
  if (value instanceof AbortSignal) return value;
  throw invalidOption(option, "an AbortSignal", value);
}

function describeText(value: string): string {
  const shown = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return JSON.stringify(shown);
}

function describeObject(value: object): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : "a Date";
  if (value instanceof Promise) return "a Promise (await it first)";
  return "an object";
}

function unknownOption(where: string, key: string, known: readonly string[]): OptionError {
  const close = closest(key, known);
  const expected = known.length === 0 ? "no options" : `one of ${known.join(", ")}`;
  const hint = close === undefined ? `expected ${expected}` : `did you mean \`${close}\`?`;
  return new OptionError(`unknown option \`${key}\` of ${where}: ${hint}`, {
    option: key,
    expected,
    got: describeText(key),
    code: "PAWL_OPTION_UNKNOWN",
  });
}

function closest(key: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(key.length / 3));
  const near = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= limit && distance < name.length)
    .sort((left, right) => left.distance - right.distance);
  return near[0]?.name;
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line += 1) {
    let left = line;
    row = row.map((above, column) => {
      if (column === 0) return left;
      const diagonal = row[column - 1] ?? 0;
      const cost = from[line - 1] === to[column - 1] ? 0 : 1;
      left = Math.min(left + 1, above + 1, diagonal + cost);
      return left;
    });
  }
  return row[to.length] ?? 0;
}

function isIntegerBetween(value: unknown, low: number, high: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high;
}

function listOf(choices: readonly string[]): string {
  if (choices.length < 2) return choices.join("");
  return `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

function textUpTo(option: string, value: unknown, maxBytes: number): string {
  const name = text(option, value);
  const bytes = Buffer.byteLength(name);
  if (bytes <= maxBytes) return name;
  const got = `${describeText(name)} of ${bytes} bytes`;
  const expected = `at most ${maxBytes} bytes of UTF-8`;
  throw new OptionError(`expected \`${option}\` to be ${expected}, got ${got}`, {
    option,
    expected,
    got,
  });
}
