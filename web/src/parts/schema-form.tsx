import { useState } from "preact/hooks";
import { formatJson, formatScalar, tryParseJson, type JsonNode } from "../json-text.ts";
import { emptyOf, isNumber, isSame, type Member, type Shape } from "../schema.ts";
import { Icon } from "./icons.tsx";

interface FieldProps {
  readonly shape: Shape;
  readonly node: JsonNode;
  readonly onChange: (node: JsonNode) => void;
  /** Unlike that of every other field. */
  readonly id: string;
  /** What it is called, for fields that have no label of their own. */
  readonly name: string;
}

/** Fields for a value of some shape. What it holds is JSON at any time, with numbers as they were written. */
export function Field(props: FieldProps) {
  const { shape, node, onChange, id, name } = props;
  switch (shape.kind) {
    case "object":
      return <Members {...props} members={shape.members} />;
    case "list":
      return <Items {...props} item={shape.item} />;
    case "text":
      return (
        <input
          id={id}
          aria-label={name}
          value={node.kind === "string" ? node.value : ""}
          onInput={(event) => onChange({ kind: "string", value: event.currentTarget.value })}
        />
      );
    case "number":
      return <NumberField {...props} isWhole={shape.isWhole} />;
    case "boolean":
      return (
        <input
          id={id}
          type="checkbox"
          aria-label={name}
          checked={node.kind === "boolean" && node.value}
          onChange={(event) => onChange({ kind: "boolean", value: event.currentTarget.checked })}
        />
      );
    case "choice":
      return <Choice {...props} options={shape.options} />;
    case "any":
      return <AnyField {...props} />;
  }
}

function NumberField({ node, onChange, id, name, isWhole }: FieldProps & { isWhole: boolean }) {
  const [text, setText] = useState(node.kind === "number" ? node.text : "");
  const isWrong = !isNumber(text, isWhole);
  return (
    <>
      <input
        id={id}
        aria-label={name}
        aria-invalid={isWrong}
        inputMode={isWhole ? "numeric" : "decimal"}
        value={text}
        onInput={(event) => {
          const written = event.currentTarget.value.trim();
          setText(written);
          // Sent as it was written, so that the server says what it thinks of it.
          onChange(
            isNumber(written, isWhole)
              ? { kind: "number", text: written }
              : { kind: "string", value: written },
          );
        }}
      />
      {isWrong && <span class="wrong">expected a {isWhole ? "whole number" : "number"}</span>}
    </>
  );
}

function Choice({ node, onChange, id, name, options }: FieldProps & { options: readonly JsonNode[] }) {
  return (
    <select
      id={id}
      aria-label={name}
      value={String(options.findIndex((option) => isSame(option, node)))}
      onChange={(event) => onChange(options[Number(event.currentTarget.value)] ?? { kind: "null" })}
    >
      {options.map((option, place) => (
        <option key={place} value={String(place)}>
          {labelOf(option)}
        </option>
      ))}
    </select>
  );
}

function AnyField({ node, onChange, id, name }: FieldProps) {
  const [text, setText] = useState(() => formatJson(node));
  const isWrong = tryParseJson(text) === undefined;
  return (
    <>
      <textarea
        id={id}
        aria-label={name}
        aria-invalid={isWrong}
        rows={3}
        spellcheck={false}
        value={text}
        onInput={(event) => {
          const written = event.currentTarget.value;
          setText(written);
          onChange(tryParseJson(written) ?? { kind: "string", value: written });
        }}
      />
      {isWrong && <span class="wrong">no JSON yet; it would be sent as a text</span>}
    </>
  );
}

function Members({ node, onChange, id, members }: FieldProps & { members: readonly Member[] }) {
  const entries = node.kind === "object" ? node.entries : [];
  const set = (name: string, value: JsonNode | undefined) => {
    const values = new Map(entries.map((entry) => [entry.key, entry.value]));
    if (value === undefined) values.delete(name);
    else values.set(name, value);
    const ordered = members.flatMap((member) => {
      const own = values.get(member.name);
      return own === undefined ? [] : [{ key: member.name, value: own }];
    });
    onChange({ kind: "object", entries: ordered });
  };
  return (
    <div class="nested">
      {members.map((member) => (
        <MemberField
          key={member.name}
          member={member}
          id={`${id}.${member.name}`}
          value={entries.find(({ key }) => key === member.name)?.value}
          onChange={(value) => set(member.name, value)}
        />
      ))}
    </div>
  );
}

interface MemberFieldProps {
  readonly member: Member;
  readonly id: string;
  /** Undefined when it is left out. */
  readonly value: JsonNode | undefined;
  readonly onChange: (value: JsonNode | undefined) => void;
}

function MemberField({ member, id, value, onChange }: MemberFieldProps) {
  const { name, shape, isRequired, description } = member;
  return (
    <div class="field">
      <div class="between">
        <label for={id}>
          {name}
          {isRequired && (
            <span class="required" title="required">
              {" "}
              *
            </span>
          )}
        </label>
        {!isRequired && value !== undefined && (
          <button
            type="button"
            class="plain small"
            aria-label={`Leave out ${name}`}
            onClick={() => onChange(undefined)}
          >
            Leave out
          </button>
        )}
      </div>
      {value === undefined ? (
        <span>
          <button
            type="button"
            id={id}
            class="small"
            aria-label={`Add ${name}`}
            onClick={() => onChange(emptyOf(shape))}
          >
            <Icon name="enqueue" />
            Add
          </button>
        </span>
      ) : (
        <Field shape={shape} node={value} onChange={onChange} id={id} name={name} />
      )}
      {description !== undefined && <span class="hint">{description}</span>}
    </div>
  );
}

function Items({ node, onChange, id, name, item }: FieldProps & { item: Shape }) {
  const items = node.kind === "array" ? node.items : [];
  // Each keeps its field when one before it is taken away.
  const [keys, setKeys] = useState(() => items.map((_, place) => place));
  const set = (next: readonly JsonNode[]) => onChange({ kind: "array", items: next });
  return (
    <div class="nested" id={id}>
      {items.map((each, place) => (
        <div class="item" key={keys[place] ?? place}>
          <div class="field">
            <Field
              shape={item}
              node={each}
              id={`${id}.${place}`}
              name={`${name}, item ${place + 1}`}
              onChange={(value) => set(items.with(place, value))}
            />
          </div>
          <button
            type="button"
            class="plain square"
            aria-label={`Remove item ${place + 1} of ${name}`}
            onClick={() => {
              setKeys(keys.toSpliced(place, 1));
              set(items.toSpliced(place, 1));
            }}
          >
            <Icon name="cancel" />
          </button>
        </div>
      ))}
      <span>
        <button
          type="button"
          class="small"
          aria-label={`Add an item to ${name}`}
          onClick={() => {
            setKeys([...keys, Math.max(-1, ...keys) + 1]);
            set([...items, emptyOf(item)]);
          }}
        >
          <Icon name="enqueue" />
          Add an item
        </button>
      </span>
    </div>
  );
}

function labelOf(option: JsonNode): string {
  if (option.kind === "object" || option.kind === "array") return formatJson(option);
  return option.kind === "string" ? option.value : formatScalar(option);
}
