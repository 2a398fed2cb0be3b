import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { draftOf, emptyDraft, isJson, sayDraft, type Draft, type Said } from "../form-draft.ts";
import { formOf, type FormField } from "../form-schema.ts";
import { indented } from "../json-text.ts";
import { Button } from "./button.tsx";
import { AreaField } from "./field.tsx";
import { FormFields } from "./form-fields.tsx";

/** A payload that is being typed, as a form or as text. */
export interface Payload {
  /** What it says; undefined while that is not complete. */
  readonly json: string | undefined;
  readonly form: FormField | undefined;
  readonly draft: Draft | undefined;
  readonly text: string;
  readonly said: Said | undefined;
  readonly view: "form" | "text";
  readonly setDraft: (draft: Draft) => void;
  readonly setText: (text: string) => void;
  readonly setView: (view: "form" | "text") => void;
}

interface Typed {
  readonly view: "form" | "text";
  readonly text: string;
  readonly draft: Draft | undefined;
}

/** Keeps what is typed; another schema begins anew. */
export function usePayload(schema: string | null, original: string | undefined): Payload {
  const [typed, setTyped] = useState<Typed>(() => begin(formOf(schema), original));
  const form = formOf(schema);
  const [known, setKnown] = useState(schema);
  useEffect(() => {
    if (known === schema) return;
    setKnown(schema);
    setTyped(begin(formOf(schema), original));
  }, [schema]);
  // Until the effect has run, the draft is one of another form.
  const draft = known === schema ? typed.draft : undefined;
  const isForm = typed.view === "form" && form !== undefined && draft !== undefined;
  const said = isForm ? sayDraft(form, draft) : undefined;
  const ownText = isJson(typed.text) ? typed.text : undefined;
  const formText = said !== undefined && "json" in said ? said.json : undefined;
  return {
    json: isForm ? formText : ownText,
    form,
    draft,
    text: typed.text,
    said,
    view: isForm ? "form" : "text",
    setDraft: (changed) => setTyped({ ...typed, draft: changed }),
    setText: (text) => setTyped({ ...typed, text }),
    setView: (view) => {
      if (view === "text") setTyped({ ...typed, view, text: formText ?? typed.text });
      else if (form !== undefined) setTyped({ ...typed, view, draft: draftOf(form, typed.text) });
    },
  };
}

function begin(form: FormField | undefined, original: string | undefined): Typed {
  const text = original === undefined ? "{}" : indented(original);
  if (form === undefined) return { view: "text", text, draft: undefined };
  const draft = original === undefined ? emptyDraft(form) : draftOf(form, original);
  return { view: draft === undefined ? "text" : "form", text, draft };
}

/** The payload's form, its text, and what switches between them. */
export function PayloadField({ payload }: { readonly payload: Payload }): VNode {
  const { form, draft, said, view, text } = payload;
  return (
    <div class="stack tight">
      <div class="row spread">
        <h2>Payload</h2>
        {form !== undefined && view === "form" && (
          <Button size="tiny" look="plain" onClick={() => payload.setView("text")}>
            As JSON
          </Button>
        )}
        {form !== undefined && view === "text" && (
          <Button
            size="tiny"
            look="plain"
            against={
              draftOf(form, text) === undefined
                ? "The form has no fields for all that the text says."
                : undefined
            }
            onClick={() => payload.setView("form")}
          >
            As a form
          </Button>
        )}
      </div>
      {view === "form" && form !== undefined && draft !== undefined ? (
        <FormFields
          field={form}
          draft={draft}
          onChange={payload.setDraft}
          problems={said !== undefined && "problems" in said ? said.problems : {}}
          label="Payload"
          path=""
          isRequired
        />
      ) : (
        <AreaField
          label="JSON"
          value={text}
          onChange={payload.setText}
          error={isJson(text) ? undefined : "This is not JSON yet."}
        />
      )}
    </div>
  );
}
