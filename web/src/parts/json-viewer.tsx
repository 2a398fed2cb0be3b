import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { plural } from "../format.ts";
import { parseJsonText, type JsonMember, type JsonNode } from "../json-text.ts";

const shownAtFirst = 100;
const openDepth = 3;
const deepest = 60;

/** JSON text that can be folded; each number is shown as it was written. */
export function JsonViewer({ text }: { readonly text: string }): VNode {
  const node = useMemo(() => readable(text), [text]);
  if (node === undefined) return <pre class="json json-text">{text}</pre>;
  return (
    <div class="json" tabIndex={0} role="region" aria-label="JSON">
      <Value node={node} depth={0} />
    </div>
  );
}

// Text that was cut is no JSON any more.
function readable(text: string): JsonNode | undefined {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

interface ValueProps {
  readonly node: JsonNode;
  readonly name?: string;
  readonly depth: number;
}

function Value({ node, name, depth }: ValueProps): VNode {
  if ("text" in node) {
    return (
      <div class="json-line">
        <Name name={name} />
        <span class={`json-text ${looks[node.kind]}`}>{node.text}</span>
      </div>
    );
  }
  return <Container node={node} depth={depth} {...(name === undefined ? {} : { name })} />;
}

const looks = {
  null: "json-word",
  boolean: "json-word",
  number: "json-number",
  string: "json-string",
} as const;

function Name({ name }: { readonly name: string | undefined }): VNode | null {
  if (name === undefined) return null;
  return <span class="json-name">{name}:</span>;
}

function Container({ node, name, depth }: ValueProps & { readonly node: ContainerNode }): VNode {
  const entries = entriesOf(node);
  const [isOpen, setIsOpen] = useState(depth < openDepth && entries.length <= shownAtFirst);
  const [shown, setShown] = useState(shownAtFirst);
  const isArray = node.kind === "array";
  const size = plural(entries.length, isArray ? "item" : "member");
  const isFoldable = entries.length > 0 && depth < deepest;
  return (
    <div>
      <div class="json-line">
        {isFoldable && (
          <button
            type="button"
            class="json-fold"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? "Fold" : "Unfold"} ${name ?? "everything"}`}
            onClick={() => setIsOpen(!isOpen)}
          >
            {isOpen ? "▾" : "▸"}
          </button>
        )}
        <Name name={name} />
        <span class="soft">
          {isArray ? "[" : "{"}
          {!(isFoldable && isOpen) && (entries.length === 0 ? "" : ` ${size} `)}
          {!(isFoldable && isOpen) && (isArray ? "]" : "}")}
        </span>
      </div>
      {isFoldable && isOpen && (
        <ul>
          {entries.slice(0, shown).map((entry, index) => (
            <li key={index}>
              <Value node={entry.value} name={entry.name} depth={depth + 1} />
            </li>
          ))}
          {entries.length > shown && (
            <li>
              <button
                type="button"
                class="button tiny"
                onClick={() => setShown(shown + 10 * shownAtFirst)}
              >
                Show more of {size}
              </button>
            </li>
          )}
        </ul>
      )}
    </div>
  );
}

type ContainerNode = Extract<JsonNode, { kind: "array" | "object" }>;

function entriesOf(node: ContainerNode): readonly JsonMember[] {
  if (node.kind === "object") return node.members;
  return node.items.map((value, index) => ({ name: String(index), value }));
}
