import type { VNode } from "preact";
import { emptyDraft, type Draft } from "../form-draft.ts";
import type { FormField } from "../form-schema.ts";
import { Button } from "./button.tsx";
import { AreaField, SelectField, TextField } from "./field.tsx";

interface FieldProps {
  readonly field: FormField;
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  /** By path. */
  readonly problems: Readonly<Record<string, string>>;
  readonly label: string;
  readonly path: string;
  readonly isRequired: boolean;
}

/** The fields of a form, nested as its schema is. */
export function FormFields(props: FieldProps): VNode {
  const { field, draft } = props;
  if (field.kind === "object") return <ObjectFields {...props} field={field} />;
  if (field.kind === "array") return <ArrayFields {...props} field={field} />;
  const text = "text" in draft ? draft.text : "";
  const onText = (typed: string): void => props.onChange({ text: typed });
  // What is still empty is marked as needed; that it is empty is no mistake yet.
  const error = text === "" ? undefined : props.problems[props.path];
  const note = field.note === undefined ? {} : { note: field.note };
  if (field.kind === "choice") {
    const options = field.options.map((option) => [option, shown(option)] as const);
    return (
      <SelectField
        label={props.label}
        value={text}
        onChange={onText}
        options={[["", props.isRequired ? "Choose one" : "(left out)"], ...options]}
        note={error ?? field.note}
      />
    );
  }
  if (field.kind === "json") {
    return (
      <AreaField label={`${props.label} (JSON)`} value={text} onChange={onText} error={error} />
    );
  }
  return (
    <TextField
      {...note}
      label={props.label}
      value={text}
      onChange={onText}
      error={error}
      isRequired={props.isRequired}
      placeholder={field.kind === "string" ? "" : "0"}
    />
  );
}

function ObjectFields({
  field,
  ...props
}: FieldProps & { readonly field: FormField & { readonly kind: "object" } }): VNode {
  const members = "members" in props.draft ? props.draft.members : {};
  return (
    <fieldset class={props.path === "" ? "bare" : "bare nested"}>
      {props.path !== "" && <legend class="field-label">{props.label}</legend>}
      {field.note !== undefined && <span class="field-note">{field.note}</span>}
      {field.members.map(({ name, isRequired, field: member }) => (
        <FormFields
          key={name}
          field={member}
          draft={members[name] ?? emptyDraft(member)}
          onChange={(draft) => props.onChange({ members: { ...members, [name]: draft } })}
          problems={props.problems}
          label={name}
          path={props.path === "" ? name : `${props.path}.${name}`}
          isRequired={isRequired}
        />
      ))}
    </fieldset>
  );
}

function ArrayFields({
  field,
  ...props
}: FieldProps & { readonly field: FormField & { readonly kind: "array" } }): VNode {
  const items = "items" in props.draft ? props.draft.items : [];
  const put = (changed: readonly Draft[]): void => props.onChange({ items: changed });
  return (
    <fieldset class="bare nested">
      <legend class="field-label">{props.label}</legend>
      {field.note !== undefined && <span class="field-note">{field.note}</span>}
      {items.map((item, index) => (
        <div key={index} class="row">
          <div class="grow-field">
            <FormFields
              field={field.item}
              draft={item}
              onChange={(draft) => put(items.with(index, draft))}
              problems={props.problems}
              label={`${props.label} ${index + 1}`}
              path={`${props.path}.${index}`}
              isRequired
            />
          </div>
          <Button
            icon="cancel"
            look="plain"
            label={`Remove ${props.label} ${index + 1}`}
            onClick={() => put(items.toSpliced(index, 1))}
          />
        </div>
      ))}
      <div>
        <Button size="tiny" icon="enqueue" onClick={() => put([...items, emptyDraft(field.item)])}>
          Add to {props.label}
        </Button>
      </div>
    </fieldset>
  );
}

// A string without its quotation marks, anything else as its JSON.
function shown(option: string): string {
  const value: unknown = JSON.parse(option);
  return typeof value === "string" ? value : option;
}
