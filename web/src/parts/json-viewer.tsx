import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { formatScalar, tryParseJson, type JsonNode } from "../json-text.ts";

const openDepth = 3;
const shownAtOnce = 100;
const longText = 600;

/** JSON text as a tree that folds; what is no JSON, or is cut, stands there as it is. Numbers keep all their digits. */
export function JsonViewer({ text }: { readonly text: string }) {
  const node = useMemo(() => tryParseJson(text), [text]);
  if (node === undefined) {
    return (
      <pre class="text" tabIndex={0}>
        {text}
      </pre>
    );
  }
  return (
    <div class="json" tabIndex={0} role="region" aria-label="JSON">
      <Node node={node} depth={0} />
    </div>
  );
}

function Node({ node, depth }: { readonly node: JsonNode; readonly depth: number }) {
  switch (node.kind) {
    case "object":
      return (
        <Branch marks="{}" depth={depth} count={node.entries.length}>
          {(shown) =>
            node.entries.slice(0, shown).map(({ key, value }, place) => (
              <li key={place}>
                <span class="key">{JSON.stringify(key)}</span>
                <span class="mark-text">: </span>
                <Node node={value} depth={depth + 1} />
              </li>
            ))
          }
        </Branch>
      );
    case "array":
      return (
        <Branch marks="[]" depth={depth} count={node.items.length}>
          {(shown) =>
            node.items.slice(0, shown).map((item, place) => (
              <li key={place}>
                <Node node={item} depth={depth + 1} />
              </li>
            ))
          }
        </Branch>
      );
    case "string":
      return <Text value={node.value} />;
    default:
      return <span class={node.kind}>{formatScalar(node)}</span>;
  }
}

interface BranchProps {
  readonly marks: "{}" | "[]";
  readonly depth: number;
  readonly count: number;
  readonly children: (shown: number) => ComponentChildren;
}

function Branch({ marks, depth, count, children }: BranchProps) {
  const [isOpen, setOpen] = useState(depth < openDepth);
  const [shown, setShown] = useState(shownAtOnce);
  const [opening, closing] = [marks.charAt(0), marks.charAt(1)];
  if (count === 0) return <span class="mark-text">{marks}</span>;
  const label = `${count} ${marks === "{}" ? "members" : "items"}`;
  return (
    <>
      <button
        type="button"
        class="fold"
        aria-expanded={isOpen}
        aria-label={isOpen ? `Fold ${label}` : `Unfold ${label}`}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? opening : `${opening} ${label} ${closing}`}
      </button>
      {isOpen && (
        <>
          <ul>
            {children(shown)}
            {count > shown && (
              <li>
                <button
                  type="button"
                  class="small"
                  onClick={() => setShown(shown + 10 * shownAtOnce)}
                >
                  Show more of the other {count - shown}
                </button>
              </li>
            )}
          </ul>
          <span class="mark-text">{closing}</span>
        </>
      )}
    </>
  );
}

function Text({ value }: { readonly value: string }) {
  const [isWhole, setWhole] = useState(value.length <= longText);
  if (isWhole) return <span class="string">{JSON.stringify(value)}</span>;
  return (
    <>
      <span class="string">{JSON.stringify(value.slice(0, longText))}</span>
      <span class="mark-text">… </span>
      <button type="button" class="small" onClick={() => setWhole(true)}>
        All {value.length} characters
      </button>
    </>
  );
}
