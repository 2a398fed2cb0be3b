/** What JSON text says, with each number and string still spelled as it was: no digit is lost. */
export type JsonNode =
  | { readonly kind: "null" | "boolean" | "number"; readonly text: string }
  | { readonly kind: "string"; readonly text: string; readonly value: string }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  | { readonly kind: "object"; readonly members: readonly JsonMember[] };

/** A member of an object, in the order of the text. */
export interface JsonMember {
  readonly name: string;
  readonly value: JsonNode;
}

interface Container {
  readonly node: { kind: "array"; items: JsonNode[] } | { kind: "object"; members: JsonMember[] };
  /** Of the member that is being read. */
  name: string;
}

const space = /[ \t\n\r]*/y;
// Between its escapes anything from the space on, but quotation marks and backslashes.
const stringForm =
  /"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*"/uy;
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordForm = /true|false|null/y;

/** Reads JSON text of any depth, without recursion. Throws `SyntaxError` where `JSON.parse` does. */
export function parseJsonText(text: string): JsonNode {
  const reader = new Reader(text);
  const open: Container[] = [];
  for (;;) {
    let node = reader.begin(open);
    while (node !== undefined) {
      const container = open.at(-1);
      if (container === undefined) return reader.end(node);
      add(container, node);
      node = reader.next(container) === "closed" ? open.pop()?.node : undefined;
    }
  }
}

function add({ node, name }: Container, value: JsonNode): void {
  if (node.kind === "array") node.items.push(value);
  else node.members.push({ name, value });
}

class Reader {
  readonly #text: string;
  #place = 0;

  constructor(text: string) {
    this.#text = text;
    this.#take(space);
  }

  /** Reads a value; undefined when it is a container that was opened and has something in it. */
  begin(open: Container[]): JsonNode | undefined {
    const first = this.#text[this.#place];
    if (first === "[" || first === "{") return this.#open(first, open);
    if (first === '"') {
      const text = this.#must(stringForm);
      return { kind: "string", text, value: JSON.parse(text) as string }; // a string, as its form says
    }
    const word = this.#take(wordForm);
    if (word === "null") return { kind: "null", text: word };
    if (word !== "") return { kind: "boolean", text: word };
    return { kind: "number", text: this.#must(numberForm) };
  }

  /** Reads what stands behind a value in a container. */
  next(container: Container): "more" | "closed" {
    const isArray = container.node.kind === "array";
    this.#take(space);
    if (this.#is(isArray ? "]" : "}")) return "closed";
    if (!this.#is(",")) throw this.#wrong();
    this.#take(space);
    if (!isArray) this.#name(container);
    return "more";
  }

  /** Checks that nothing stands behind the whole. */
  end(node: JsonNode): JsonNode {
    this.#take(space);
    if (this.#place < this.#text.length) throw this.#wrong();
    return node;
  }

  #open(first: "[" | "{", open: Container[]): JsonNode | undefined {
    this.#place += 1;
    this.#take(space);
    const container: Container = {
      node: first === "[" ? { kind: "array", items: [] } : { kind: "object", members: [] },
      name: "",
    };
    if (this.#is(first === "[" ? "]" : "}")) return container.node;
    if (first === "{") this.#name(container);
    open.push(container);
    return undefined;
  }

  #name(container: Container): void {
    container.name = JSON.parse(this.#must(stringForm)) as string; // a string, as its form says
    this.#take(space);
    if (!this.#is(":")) throw this.#wrong();
    this.#take(space);
  }

  #is(character: string): boolean {
    if (this.#text[this.#place] !== character) return false;
    this.#place += 1;
    return true;
  }

  #take(form: RegExp): string {
    form.lastIndex = this.#place;
    const [found = ""] = form.exec(this.#text) ?? [];
    this.#place += found.length;
    return found;
  }

  #must(form: RegExp): string {
    const found = this.#take(form);
    if (found === "") throw this.#wrong();
    return found;
  }

  #wrong(): SyntaxError {
    const got = this.#place < this.#text.length ? "another character" : "the end of the text";
    return new SyntaxError(`expected JSON, got ${got} at character ${this.#place + 1}`);
  }
}

/** The same text with line breaks and an indentation of two spaces; each number as it was. */
export function indentJson(node: JsonNode, depth = 0): string {
  // Deeper than anybody reads, and less than a stack holds.
  if (depth > 500 || "text" in node) return compactJson(node);
  const inner = "  ".repeat(depth + 1);
  const isArray = node.kind === "array";
  const lines = isArray
    ? node.items.map((item) => `${inner}${indentJson(item, depth + 1)}`)
    : node.members.map(
        ({ name, value }) => `${inner}${JSON.stringify(name)}: ${indentJson(value, depth + 1)}`,
      );
  const [begin, end] = isArray ? ["[", "]"] : ["{", "}"];
  if (lines.length === 0) return `${begin}${end}`;
  return `${begin}\n${lines.join(",\n")}\n${"  ".repeat(depth)}${end}`;
}

/** JSON text made readable; what is none, such as text that was cut, as it is. */
export function indented(text: string): string {
  try {
    return indentJson(parseJsonText(text));
  } catch {
    return text;
  }
}

/** The same text without spaces; of any depth, without recursion. */
export function compactJson(node: JsonNode): string {
  const parts: string[] = [];
  // What is put down last is taken first.
  const rest: (JsonNode | string)[] = [node];
  for (let each = rest.pop(); each !== undefined; each = rest.pop()) {
    if (typeof each === "string") parts.push(each);
    else if ("text" in each) parts.push(each.text);
    else if (each.kind === "array") putDown(rest, "[]", each.items, (item) => [item]);
    else
      putDown(rest, "{}", each.members, ({ name, value }) => [`${JSON.stringify(name)}:`, value]);
  }
  return parts.join("");
}

function putDown<Part>(
  rest: (JsonNode | string)[],
  brackets: "[]" | "{}",
  parts: readonly Part[],
  split: (part: Part) => readonly (JsonNode | string)[],
): void {
  rest.push(brackets.charAt(1));
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const part = parts[index];
    if (part !== undefined) rest.push(...[...split(part)].reverse());
    if (index > 0) rest.push(",");
  }
  rest.push(brackets.charAt(0));
}
