/** A field of a form, made of a JSON Schema. */
export type FormField =
  | {
      readonly kind: "string" | "number" | "integer" | "json";
      readonly note: string | undefined;
      /** What it holds at first. */
      readonly initial: string;
    }
  | {
      readonly kind: "choice";
      readonly note: string | undefined;
      readonly initial: string;
      /** JSON texts. */
      readonly options: readonly string[];
    }
  | {
      readonly kind: "object";
      readonly note: string | undefined;
      readonly members: readonly FormMember[];
    }
  | { readonly kind: "array"; readonly note: string | undefined; readonly item: FormField };

/** A member of an object. */
export interface FormMember {
  readonly name: string;
  readonly isRequired: boolean;
  readonly field: FormField;
}

interface Schema {
  readonly type?: unknown;
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly properties?: unknown;
  readonly required?: unknown;
  readonly items?: unknown;
  readonly description?: unknown;
  readonly default?: unknown;
  readonly $ref?: unknown;
  readonly [other: string]: unknown;
}

const deepest = 8;
// What a form has no field for.
const beyond = ["anyOf", "oneOf", "allOf", "not", "if", "patternProperties", "prefixItems"];

/** The form for a schema given as JSON text; undefined when there is none that says more than its text would. */
export function formOf(schemaText: string | null): FormField | undefined {
  if (schemaText === null) return undefined;
  try {
    const root = asSchema(JSON.parse(schemaText));
    const field = fieldOf(root, root, 0);
    return field.kind === "object" && field.members.length > 0 ? field : undefined;
  } catch {
    return undefined;
  }
}

function fieldOf(schema: Schema, root: Schema, depth: number): FormField {
  const note = typeof schema.description === "string" ? schema.description : undefined;
  const free = { kind: "json", note, initial: initialOf(schema) } as const;
  if (depth > deepest || beyond.some((word) => word in schema)) return free;
  if (typeof schema.$ref === "string") return referred(schema.$ref, root, depth) ?? free;
  const options = optionsOf(schema);
  if (options !== undefined) {
    const only = options.length === 1 ? options[0] : undefined;
    return { kind: "choice", note, options, initial: only ?? initialOf(schema) };
  }
  switch (schema.type) {
    case "string":
      return {
        kind: "string",
        note,
        initial: typeof schema.default === "string" ? schema.default : "",
      };
    case "number":
    case "integer":
      return { ...free, kind: schema.type };
    case "array":
      return { kind: "array", note, item: fieldOf(asSchema(schema.items), root, depth + 1) };
    case "object":
      return objectOf(schema, root, depth);
    default:
      return free;
  }
}

function objectOf(schema: Schema, root: Schema, depth: number): FormField {
  const note = typeof schema.description === "string" ? schema.description : undefined;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const members = Object.entries(asSchema(schema.properties)).map(([name, member]) => ({
    name,
    isRequired: required.includes(name),
    field: fieldOf(asSchema(member), root, depth + 1),
  }));
  // An object with names of any kind, such as a dictionary.
  const isOpen = members.length === 0;
  return isOpen
    ? { kind: "json", note, initial: initialOf(schema) }
    : { kind: "object", note, members };
}

function referred(reference: string, root: Schema, depth: number): FormField | undefined {
  if (!reference.startsWith("#/")) return undefined;
  let found: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    found = asSchema(found)[part.replace(/~1/g, "/").replace(/~0/g, "~")];
  }
  return found === undefined ? undefined : fieldOf(asSchema(found), root, depth + 1);
}

function optionsOf(schema: Schema): readonly string[] | undefined {
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value));
  return schema.type === "boolean" ? ["true", "false"] : undefined;
}

function initialOf(schema: Schema): string {
  return schema.default === undefined ? "" : JSON.stringify(schema.default);
}

function asSchema(value: unknown): Schema {
  // A schema may be `true`; whatever else it is, each keyword is checked where it is read.
  return typeof value === "object" && value !== null ? (value as Schema) : {};
}
