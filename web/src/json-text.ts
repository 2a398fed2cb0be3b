/** A JSON value read without loss: numbers stay the text they were, and keys keep their order and their doubles. */
export type JsonNode =
  | { readonly kind: "object"; readonly entries: readonly JsonEntry[] }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "null" };

/** One member of an object. */
export interface JsonEntry {
  readonly key: string;
  readonly value: JsonNode;
}

// Deeper than anything that somebody reads, and far from the end of the stack.
const maxDepth = 500;

/** Reads JSON text; throws a `SyntaxError` that says where it went wrong. */
export function parseJson(text: string): JsonNode {
  const reader = new Reader(text);
  const node = reader.value(0);
  reader.end();
  return node;
}

/** Reads JSON text; undefined when it is none. */
export function tryParseJson(text: string): JsonNode | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** JSON text for people, indented by two spaces; numbers as they were. */
export function formatJson(node: JsonNode, indent = ""): string {
  const deeper = `${indent}  `;
  switch (node.kind) {
    case "object": {
      if (node.entries.length === 0) return "{}";
      const lines = node.entries.map(
        ({ key, value }) => `${deeper}${JSON.stringify(key)}: ${formatJson(value, deeper)}`,
      );
      return `{\n${lines.join(",\n")}\n${indent}}`;
    }
    case "array": {
      if (node.items.length === 0) return "[]";
      const lines = node.items.map((item) => deeper + formatJson(item, deeper));
      return `[\n${lines.join(",\n")}\n${indent}]`;
    }
    default:
      return formatScalar(node);
  }
}

/** A value without parts, as JSON text. */
export function formatScalar(node: Exclude<JsonNode, { kind: "object" | "array" }>): string {
  switch (node.kind) {
    case "string":
      return JSON.stringify(node.value);
    case "number":
      return node.text;
    case "boolean":
      return String(node.value);
    case "null":
      return "null";
  }
}

class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonNode {
    if (depth > maxDepth) throw this.#wrong(`at most ${maxDepth} levels`);
    this.#match(/[ \t\n\r]*/y);
    const node = this.#bare(depth);
    this.#match(/[ \t\n\r]*/y);
    return node;
  }

  end(): void {
    if (this.#position < this.#text.length) throw this.#wrong("the end");
  }

  #bare(depth: number): JsonNode {
    switch (this.#text[this.#position]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return { kind: "string", value: this.#string() };
      default:
        return this.#word();
    }
  }

  #object(depth: number): JsonNode {
    const entries: JsonEntry[] = [];
    this.#position += 1;
    this.#match(/[ \t\n\r]*/y);
    if (this.#takes("}")) return { kind: "object", entries };
    do {
      this.#match(/[ \t\n\r]*/y);
      const key = this.#string();
      this.#match(/[ \t\n\r]*/y);
      if (!this.#takes(":")) throw this.#wrong("a colon");
      entries.push({ key, value: this.value(depth + 1) });
    } while (this.#takes(","));
    if (!this.#takes("}")) throw this.#wrong("a comma or }");
    return { kind: "object", entries };
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#position += 1;
    this.#match(/[ \t\n\r]*/y);
    if (this.#takes("]")) return { kind: "array", items };
    do items.push(this.value(depth + 1));
    while (this.#takes(","));
    if (!this.#takes("]")) throw this.#wrong("a comma or ]");
    return { kind: "array", items };
  }

  #string(): string {
    // Runs of plain characters and single escapes alternate, so that no text makes it try twice. U+0000 to U+001F are refused.
    // eslint-disable-next-line no-control-regex -- those are what JSON forbids here
    const raw = this.#match(/"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\x00-\x1f]*)*"/y);
    if (raw === "") throw this.#wrong("a text in double quotes");
    return String(JSON.parse(raw));
  }

  #word(): JsonNode {
    const number = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (number !== "") return { kind: "number", text: number };
    if (this.#takes("true")) return { kind: "boolean", value: true };
    if (this.#takes("false")) return { kind: "boolean", value: false };
    if (this.#takes("null")) return { kind: "null" };
    throw this.#wrong("a value");
  }

  #takes(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#position)) return false;
    this.#position += mark.length;
    return true;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const matched = pattern.exec(this.#text)?.[0] ?? "";
    this.#position += matched.length;
    return matched;
  }

  #wrong(expected: string): SyntaxError {
    const line = this.#text.slice(0, this.#position).split("\n").length;
    const rest = this.#text.slice(this.#position, this.#position + 12);
    const got = rest === "" ? "the end" : JSON.stringify(rest);
    return new SyntaxError(`expected ${expected} in line ${line}, got ${got}`);
  }
}
