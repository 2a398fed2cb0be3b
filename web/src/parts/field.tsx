import type { ComponentChildren, VNode } from "preact";
import { useId } from "preact/hooks";

/** A labelled field for a short text. */
export interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly note?: ComponentChildren;
  readonly error?: string | undefined;
  readonly placeholder?: string;
  readonly type?: "text" | "datetime-local";
  readonly isRequired?: boolean;
  /** When `onChange` is called: with each key, or when the field is left. Default: with each key. */
  readonly tells?: "each key" | "at the end";
}

/** A field for a short text. */
export function TextField(props: TextFieldProps): VNode {
  const id = useId();
  const { label, note, error } = props;
  const tell = (event: { readonly currentTarget: HTMLInputElement }): void =>
    props.onChange(event.currentTarget.value);
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
        {props.isRequired === true && <span class="soft"> (needed)</span>}
      </label>
      <input
        id={id}
        class="input"
        {...(props.type === "datetime-local"
          ? ({ type: "datetime-local", step: 1 } as const)
          : ({ type: "text" } as const))}
        value={props.value}
        placeholder={props.placeholder}
        aria-invalid={error !== undefined}
        aria-describedby={note === undefined && error === undefined ? undefined : `${id}-note`}
        autocomplete="off"
        {...(props.tells === "at the end" ? { onBlur: tell } : { onInput: tell })}
      />
      <FieldNote id={`${id}-note`} note={note} error={error} />
    </div>
  );
}

/** A field for one of several. */
export function SelectField(props: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
  readonly note?: ComponentChildren;
}): VNode {
  const id = useId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <select
        id={id}
        class="input"
        value={props.value}
        aria-describedby={props.note === undefined ? undefined : `${id}-note`}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <FieldNote id={`${id}-note`} note={props.note} error={undefined} />
    </div>
  );
}

/** A field for a long text. */
export function AreaField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly error?: string | undefined;
}): VNode {
  const id = useId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <textarea
        id={id}
        class="input"
        spellcheck={false}
        aria-invalid={props.error !== undefined}
        aria-describedby={props.error === undefined ? undefined : `${id}-note`}
        value={props.value}
        onInput={(event) => props.onChange(event.currentTarget.value)}
      />
      <FieldNote id={`${id}-note`} note={undefined} error={props.error} />
    </div>
  );
}

function FieldNote(props: {
  readonly id: string;
  readonly note: ComponentChildren;
  readonly error: string | undefined;
}): VNode | null {
  const { id, note, error } = props;
  if (error !== undefined) {
    return (
      <span id={id} class="field-error">
        {error}
      </span>
    );
  }
  if (note === undefined) return null;
  return (
    <span id={id} class="field-note">
      {note}
    </span>
  );
}
