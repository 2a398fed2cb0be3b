import type { FormField } from "./form-schema.ts";
import { compactJson, indentJson, parseJsonText, type JsonNode } from "./json-text.ts";

/** What is typed into a form. A text that is empty is left out, unless it is needed. */
export type Draft =
  | { readonly text: string }
  | { readonly members: Readonly<Record<string, Draft>> }
  | { readonly items: readonly Draft[] };

/** What a draft says: JSON text, or what is wrong with it, by path: `user.id`. */
export type Said =
  { readonly json: string } | { readonly problems: Readonly<Record<string, string>> };

const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const integerForm = /^-?(?:0|[1-9]\d*)$/;

/** A form as it is at first. */
export function emptyDraft(field: FormField): Draft {
  switch (field.kind) {
    case "object":
      return {
        members: Object.fromEntries(
          field.members.map(({ name, field: member }) => [name, emptyDraft(member)]),
        ),
      };
    case "array":
      return { items: [] };
    default:
      return { text: field.initial };
  }
}

/** The JSON text that a form's fields say, with each number as it was typed. */
export function sayDraft(field: FormField, draft: Draft): Said {
  const problems: Record<string, string> = {};
  const json = say(field, draft, { path: "", isRequired: true, problems }) ?? "{}";
  return Object.keys(problems).length > 0
    ? { problems }
    : { json: indentJson(parseJsonText(json)) };
}

/** The draft that says the same as JSON text; undefined when the form has no fields for all of it. */
export function draftOf(field: FormField, text: string): Draft | undefined {
  try {
    const node = parseJsonText(text);
    const draft = fill(field, node);
    if (draft === undefined) return undefined;
    const said = sayDraft(field, draft);
    return "json" in said && inOrder(parseJsonText(said.json)) === inOrder(node)
      ? draft
      : undefined;
  } catch {
    return undefined;
  }
}

/** The same text for the same value: members stand in the order of their names. */
function inOrder(node: JsonNode): string {
  if ("text" in node) return node.kind === "string" ? JSON.stringify(node.value) : node.text;
  if (node.kind === "array") return `[${node.items.map(inOrder).join(",")}]`;
  const members = node.members.map(
    ({ name, value }) => `${JSON.stringify(name)}:${inOrder(value)}`,
  );
  return `{${members.sort().join(",")}}`;
}

/** Whether it is JSON text. */
export function isJson(text: string): boolean {
  try {
    parseJsonText(text);
    return true;
  } catch {
    return false;
  }
}

interface Place {
  readonly path: string;
  readonly isRequired: boolean;
  readonly problems: Record<string, string>;
}

function say(field: FormField, draft: Draft, place: Place): string | undefined {
  if (field.kind === "object") {
    return "members" in draft ? sayObject(field, draft.members, place) : undefined;
  }
  if (field.kind === "array") {
    const items = "items" in draft ? draft.items : [];
    if (items.length === 0 && !place.isRequired) return undefined;
    const said = items.map((item, index) =>
      say(field.item, item, { ...place, path: join(place.path, String(index)), isRequired: true }),
    );
    return `[${said.filter((item) => item !== undefined).join(",")}]`;
  }
  return sayText(field.kind, "text" in draft ? draft.text : "", place);
}

function sayObject(
  field: FormField & { readonly kind: "object" },
  drafts: Readonly<Record<string, Draft>>,
  place: Place,
): string | undefined {
  const isUntouched = !place.isRequired && isEmpty({ members: drafts });
  if (isUntouched) return undefined;
  const members = field.members.flatMap(({ name, isRequired, field: member }) => {
    const at = { ...place, path: join(place.path, name), isRequired };
    const said = say(member, drafts[name] ?? { text: "" }, at);
    return said === undefined ? [] : [`${JSON.stringify(name)}:${said}`];
  });
  return `{${members.join(",")}}`;
}

function sayText(
  kind: "string" | "number" | "integer" | "choice" | "json",
  text: string,
  { path, isRequired, problems }: Place,
): string | undefined {
  if (kind === "string") return text === "" && !isRequired ? undefined : JSON.stringify(text);
  const typed = text.trim();
  if (typed === "") {
    if (isRequired) problems[path] = "This is needed.";
    return undefined;
  }
  if (kind === "number" && !numberForm.test(typed)) problems[path] = "A number is expected.";
  else if (kind === "integer" && !integerForm.test(typed))
    problems[path] = "An integer is expected.";
  else if (kind === "json" && !isJson(typed)) problems[path] = "JSON is expected.";
  return typed;
}

function isEmpty(draft: Draft): boolean {
  if ("text" in draft) return draft.text === "";
  if ("items" in draft) return draft.items.length === 0;
  return Object.values(draft.members).every(isEmpty);
}

function fill(field: FormField, node: JsonNode | undefined): Draft | undefined {
  if (node === undefined) return blank(field);
  switch (field.kind) {
    case "object":
      return node.kind === "object" ? fillObject(field, node) : undefined;
    case "array": {
      if (node.kind !== "array") return undefined;
      const items = node.items.map((item) => fill(field.item, item));
      return items.includes(undefined)
        ? undefined
        : { items: items.filter((item) => item !== undefined) };
    }
    case "string":
      // A field of one line would join lines.
      return node.kind === "string" && !/[\r\n]/.test(node.value)
        ? { text: node.value }
        : undefined;
    case "number":
    case "integer":
      return node.kind === "number" ? { text: node.text } : undefined;
    case "choice":
      return field.options.includes(compactJson(node)) ? { text: compactJson(node) } : undefined;
    case "json":
      return { text: indentJson(node) };
  }
}

function fillObject(
  field: FormField & { readonly kind: "object" },
  node: JsonNode & { readonly kind: "object" },
): Draft | undefined {
  const values = new Map(node.members.map(({ name, value }) => [name, value]));
  const isForeign = node.members.some(
    ({ name }) => !field.members.some((member) => member.name === name),
  );
  if (isForeign || values.size < node.members.length) return undefined;
  const filled = field.members.map(
    ({ name, field: member }) => [name, fill(member, values.get(name))] as const,
  );
  const known = filled.filter((entry): entry is [string, Draft] => entry[1] !== undefined);
  return known.length < filled.length ? undefined : { members: Object.fromEntries(known) };
}

// What is not in the text is left out, whatever a form begins with.
function blank(field: FormField): Draft {
  switch (field.kind) {
    case "object":
      return {
        members: Object.fromEntries(
          field.members.map(({ name, field: member }) => [name, blank(member)]),
        ),
      };
    case "array":
      return { items: [] };
    default:
      return { text: "" };
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
