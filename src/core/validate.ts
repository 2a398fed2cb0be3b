import { PayloadError, type PayloadIssue } from "./errors.ts";
import { invalidOption } from "./options.ts";
import { formatPath } from "./serializer.ts";

/** What Pawl needs of a Standard Schema, version 1 (https://standardschema.dev). */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The validated value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing a schema finds wrong. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type a schema takes: what a producer gives. */
export type InferInput<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["input"];

/** The type a schema gives: what a handler gets. */
export type InferOutput<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["output"];

const maxIssues = 100;
const maxIssuesInMessage = 3;

/** Whether this is a schema that `validate` can use. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard: unknown = "~standard" in value ? value["~standard"] : undefined;
  if (typeof standard !== "object" || standard === null) return false;
  const { version, validate }: Record<string, unknown> = { ...standard };
  return version === 1 && typeof validate === "function";
}

/** The value as the schema gives it, at once if it can; a PayloadError says what is wrong. */
export function validate<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
): Output | Promise<Output> {
  const result = schema["~standard"].validate(value);
  return "then" in result ? result.then(accept) : accept(result);
}

/**
 * Checks the payload of any task before it is enqueued: returns what is wrong with it, or nothing; it may also throw. A
 * path leads from the payload to the place: `["user", "tags", 2]`.
 */
export type PayloadValidator = (
  task: string,
  payload: unknown,
) => readonly SchemaIssue[] | undefined | Promise<readonly SchemaIssue[] | undefined>;

/** Runs the application's own check. Throws `PayloadError`. */
export async function checkWith(
  check: PayloadValidator | undefined,
  task: string,
  payload: unknown,
): Promise<void> {
  if (check === undefined) return;
  let issues: unknown;
  try {
    issues = await check(task, payload);
  } catch (cause) {
    if (cause instanceof PayloadError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw payloadError("the application's `validate` accepts", [{ message }], cause);
  }
  if (issues === undefined) return;
  if (!isIssueList(issues)) {
    throw invalidOption("validate", "a function that returns nothing or a list of issues", issues);
  }
  if (issues.length > 0) throw payloadError("the application's `validate` accepts", issues);
}

function isIssueList(value: unknown): value is readonly SchemaIssue[] {
  const isIssue = (issue: unknown) =>
    typeof issue === "object" &&
    issue !== null &&
    "message" in issue &&
    typeof issue.message === "string" &&
    (!("path" in issue) || issue.path === undefined || Array.isArray(issue.path));
  return Array.isArray(value) && value.every(isIssue);
}

/** A schema that accepts anything and types it as `T`: no check at run time. */
export function typed<T>(): StandardSchema<T, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "pawl",
      // The caller's word for it, which is what typed() is for.
      validate: (value) => ({ value: value as T }),
    },
  };
}

function accept<Output>(result: SchemaResult<Output>): Output {
  if (result.issues === undefined) return result.value;
  throw payloadError("matches its schema", result.issues);
}

function payloadError(
  expected: string,
  found: readonly SchemaIssue[],
  cause?: unknown,
): PayloadError {
  const issues = found.slice(0, maxIssues).map(describeIssue);
  const shown = issues
    .slice(0, maxIssuesInMessage)
    .map(({ path, message }) => `${path}: ${message}`);
  const hidden = found.length - shown.length;
  const rest = hidden > 0 ? [`and ${hidden} more`] : [];
  return new PayloadError(
    "PAWL_PAYLOAD_INVALID",
    `expected a payload that ${expected}, got: ${[...shown, ...rest].join("; ")}`,
    { path: issues[0]?.path ?? "payload", issues, ...(cause === undefined ? {} : { cause }) },
  );
}

function describeIssue({ message, path = [] }: SchemaIssue): PayloadIssue {
  const keys = path.map((segment) => (typeof segment === "object" ? segment.key : segment));
  return { path: formatPath("payload", keys), message };
}
