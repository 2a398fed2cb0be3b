import { formatScalar, parseJson, tryParseJson, type JsonNode } from "./json-text.ts";

/** What a form can ask for, as read from a JSON Schema. */
export type Shape =
  | { readonly kind: "text" }
  | { readonly kind: "number"; readonly isWhole: boolean }
  | { readonly kind: "boolean" }
  | { readonly kind: "choice"; readonly options: readonly JsonNode[] }
  | { readonly kind: "object"; readonly members: readonly Member[] }
  | { readonly kind: "list"; readonly item: Shape }
  /** Something that is written as JSON text. */
  | { readonly kind: "any" };

/** A member of an object. */
export interface Member {
  readonly name: string;
  readonly shape: Shape;
  readonly isRequired: boolean;
  readonly description: string | undefined;
}

const deepest = 8;

interface Place {
  readonly root: JsonNode;
  readonly depth: number;
}

/** Reads JSON text of a schema; what a form cannot ask for becomes `any`. */
export function readSchema(text: string): Shape {
  const root = tryParseJson(text);
  return root === undefined ? { kind: "any" } : shapeOf(root, { root, depth: 0 });
}

/** What a form begins with: what a schema says is left, and the least of everything that is required. */
export function emptyOf(shape: Shape): JsonNode {
  switch (shape.kind) {
    case "text":
      return { kind: "string", value: "" };
    case "number":
      return { kind: "number", text: "0" };
    case "boolean":
      return { kind: "boolean", value: false };
    case "choice":
      return shape.options[0] ?? { kind: "null" };
    case "list":
      return { kind: "array", items: [] };
    case "object":
      return {
        kind: "object",
        entries: shape.members
          .filter(({ isRequired }) => isRequired)
          .map((member) => ({ key: member.name, value: emptyOf(member.shape) })),
      };
    case "any":
      return { kind: "null" };
  }
}

/** Whether a form of this shape can show a value without losing a part of it. */
export function fits(shape: Shape, node: JsonNode): boolean {
  switch (shape.kind) {
    case "text":
      return node.kind === "string";
    case "number":
      return node.kind === "number";
    case "boolean":
      return node.kind === "boolean";
    case "choice":
      return shape.options.some((option) => isSame(option, node));
    case "list":
      return node.kind === "array" && node.items.every((item) => fits(shape.item, item));
    case "object":
      return node.kind === "object" && fitsObject(shape.members, node.entries);
    case "any":
      return true;
  }
}

/** Whether a number is one that JSON knows, and whole where it has to be. */
export function isNumber(text: string, isWhole: boolean): boolean {
  const form = isWhole ? /^-?(?:0|[1-9]\d*)$/ : /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
  return form.test(text);
}

/** Whether two values without parts are the same. */
export function isSame(one: JsonNode, other: JsonNode): boolean {
  if (one.kind === "object" || one.kind === "array") return false;
  if (other.kind === "object" || other.kind === "array") return false;
  return formatScalar(one) === formatScalar(other);
}

function fitsObject(
  members: readonly Member[],
  entries: readonly { readonly key: string; readonly value: JsonNode }[],
): boolean {
  const keys = new Set(entries.map(({ key }) => key));
  if (keys.size < entries.length) return false;
  return entries.every(({ key, value }) => {
    const member = members.find(({ name }) => name === key);
    return member !== undefined && fits(member.shape, value);
  });
}

function shapeOf(given: JsonNode, place: Place): Shape {
  const schema = resolve(given, place.root);
  if (place.depth > deepest || schema.kind !== "object") return { kind: "any" };
  const options = optionsOf(schema);
  if (options !== undefined) return { kind: "choice", options };
  switch (textOf(member(schema, "type"))) {
    case "string":
      return { kind: "text" };
    case "number":
      return { kind: "number", isWhole: false };
    case "integer":
      return { kind: "number", isWhole: true };
    case "boolean":
      return { kind: "boolean" };
    case "object":
      return objectShape(schema, place);
    case "array": {
      const item = member(schema, "items");
      const depth = place.depth + 1;
      return item === undefined || member(schema, "prefixItems") !== undefined
        ? { kind: "any" }
        : { kind: "list", item: shapeOf(item, { ...place, depth }) };
    }
    default:
      return { kind: "any" };
  }
}

function objectShape(schema: JsonNode, { root, depth }: Place): Shape {
  const properties = member(schema, "properties");
  if (properties?.kind !== "object" || properties.entries.length === 0) return { kind: "any" };
  const required = textsOf(member(schema, "required"));
  const members = properties.entries.map(({ key, value }) => ({
    name: key,
    shape: shapeOf(value, { root, depth: depth + 1 }),
    isRequired: required.includes(key),
    description:
      textOf(member(resolve(value, root), "description")) ?? textOf(member(value, "description")),
  }));
  return { kind: "object", members };
}

function optionsOf(schema: JsonNode): readonly JsonNode[] | undefined {
  const one = member(schema, "const");
  const given = member(schema, "enum");
  const options = given?.kind === "array" ? given.items : one && [one];
  const areScalars = options?.every(({ kind }) => kind !== "object" && kind !== "array") ?? false;
  return areScalars && options !== undefined && options.length > 0 ? options : undefined;
}

// `#/$defs/Address`, as validators write it for what occurs more than once.
function resolve(schema: JsonNode, root: JsonNode, hops = 0): JsonNode {
  const reference = textOf(member(schema, "$ref"));
  if (reference === undefined || hops > deepest) return schema;
  if (!reference.startsWith("#")) return { kind: "null" };
  const parts = reference.slice(1).split("/").slice(1);
  let target: JsonNode | undefined = root;
  for (const part of parts) {
    target = member(target, part.replaceAll("~1", "/").replaceAll("~0", "~"));
  }
  return target === undefined ? { kind: "null" } : resolve(target, root, hops + 1);
}

function member(node: JsonNode | undefined, name: string): JsonNode | undefined {
  if (node?.kind !== "object") return undefined;
  return node.entries.find(({ key }) => key === name)?.value;
}

function textOf(node: JsonNode | undefined): string | undefined {
  return node?.kind === "string" ? node.value : undefined;
}

function textsOf(node: JsonNode | undefined): string[] {
  if (node?.kind !== "array") return [];
  return node.items.flatMap((item) => (item.kind === "string" ? [item.value] : []));
}

/** Reads what somebody wrote as JSON; throws an error that says what is wrong with it. */
export function checkJson(text: string): JsonNode {
  if (text.trim() === "") throw new SyntaxError("expected JSON, got nothing");
  return parseJson(text);
}
