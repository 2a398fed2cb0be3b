import { PayloadError } from "./errors.ts";
import { invalidOption } from "./options.ts";

/** Turns a value into JSON text and back. */
export interface Serializer {
  /** Gives JSON text; throws for what it cannot carry. */
  serialize(value: unknown): string;
  /** Gives the value back from the text; throws when it cannot. */
  deserialize(text: string): unknown;
}

const maxDepth = 100;
const unstorable = /[\0\p{Surrogate}]/u;
const plainKey = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

interface Problem {
  readonly got: string;
  readonly keys: PropertyKey[];
}

/**
 * Strict JSON: what comes back equals what went in. Properties that are `undefined` or named by a
 * symbol are left out, an object with `toJSON()` is written as that says, and everything else JSON
 * would bend is refused with its path.
 */
export const jsonSerializer: Serializer = {
  serialize: (value) => toJson(value, "payload"),
  deserialize: (text) => {
    const value: unknown = JSON.parse(text);
    return value;
  },
};

/** Strict JSON text of a value; `root` is the first word of the path in a PayloadError. */
export function toJson(value: unknown, root: string): string {
  if (value === undefined) return "null";
  checkJson(value, root);
  return JSON.stringify(value);
}

/** Throws a PayloadError that names the path of the first thing JSON in PostgreSQL cannot carry. */
export function checkJson(value: unknown, root: string): void {
  const problem = findProblem(value, []);
  if (problem === undefined) return;
  const path = formatPath(root, problem.keys);
  throw new PayloadError(
    "PAWL_PAYLOAD_INVALID",
    `expected \`${path}\` to be a JSON value, got ${problem.got}`,
    { path, issues: [{ path, message: `expected a JSON value, got ${problem.got}` }] },
  );
}

/** A path as JavaScript writes it: `payload.user.tags[2]`. */
export function formatPath(root: string, keys: readonly PropertyKey[]): string {
  let path = root;
  for (const key of keys) {
    if (typeof key === "string")
      path += plainKey.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    else path += `[${String(key)}]`;
  }
  return path;
}

// A problem's keys are collected on the way back up, so that a sound value pays nothing for paths.
function findProblem(value: unknown, parents: object[]): Problem | undefined {
  switch (typeof value) {
    case "string":
      return unstorable.test(value) ? problem("text with NUL or a lone surrogate") : undefined;
    case "number":
      return Number.isFinite(value) ? undefined : problem(`${value}`);
    case "boolean":
      return undefined;
    case "object":
      return value === null ? undefined : findProblemInObject(value, parents);
    default:
      return problem(nameOf(value));
  }
}

function findProblemInObject(value: object, parents: object[]): Problem | undefined {
  if (parents.includes(value)) return problem("a cycle (an object inside itself)");
  if (parents.length === maxDepth) return problem(`more than ${maxDepth} levels of nesting`);
  parents.push(value);
  const found = findProblemInContent(hasToJson(value) ? value.toJSON("") : value, parents);
  parents.pop();
  return found;
}

function findProblemInContent(content: unknown, parents: object[]): Problem | undefined {
  if (typeof content !== "object" || content === null) return findProblem(content, parents);
  if (Array.isArray(content)) return findProblemInArray(content, parents);
  if (isPlain(content)) return findProblemInProperties(content, parents);
  return problem(nameOfObject(content));
}

function findProblemInArray(values: readonly unknown[], parents: object[]): Problem | undefined {
  for (let index = 0; index < values.length; index += 1) {
    const found = findProblem(values[index], parents);
    if (found !== undefined) return below(index, found);
  }
  return undefined;
}

function findProblemInProperties(
  properties: Record<string, unknown>,
  parents: object[],
): Problem | undefined {
  for (const key of Object.keys(properties)) {
    const value = properties[key];
    if (value === undefined) continue;
    if (unstorable.test(key)) return below(key, problem("a key with NUL or a lone surrogate"));
    const found = findProblem(value, parents);
    if (found !== undefined) return below(key, found);
  }
  return undefined;
}

function problem(got: string): Problem {
  return { got, keys: [] };
}

function below(key: PropertyKey, found: Problem): Problem {
  found.keys.unshift(key);
  return found;
}

// A Date has a toJSON(), but what comes back is a string.
function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function" && !(value instanceof Date);
}

// An object of another realm has a prototype of its own that is nobody's child.
function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.getPrototypeOf(prototype) === null
  );
}

function nameOf(value: unknown): string {
  switch (typeof value) {
    case "bigint":
      return "a BigInt (send it as a string)";
    case "undefined":
      return "undefined (send null)";
    default:
      return `a ${typeof value}`;
  }
}

function nameOfObject(value: object): string {
  if (value instanceof Date) return "a Date (send its toISOString())";
  if (value instanceof Promise) return "a Promise (await it first)";
  return `an instance of ${value.constructor.name || "a class"} (send a plain object)`;
}

/** Checks the option `serializer`. Throws `OptionError`. */
export function checkSerializer(serializer: Serializer): Serializer {
  const isWhole =
    typeof serializer.serialize === "function" && typeof serializer.deserialize === "function";
  if (isWhole) return serializer;
  throw invalidOption("serializer", "an object with `serialize` and `deserialize`", serializer);
}
