import type { VNode } from "preact";
import { useId } from "preact/hooks";
import type { Vocabulary } from "../filter-text.ts";
import { Button } from "./button.tsx";
import { useFilterField, type FilterField } from "./filter-field.ts";
import { Icon } from "./icon.tsx";

/** One field that says which jobs to show, and completes what is typed. What it says is in the address. */
export function FilterBar(props: {
  readonly vocabulary: Vocabulary;
  readonly example: string;
}): VNode {
  const field = useFilterField(props.vocabulary);
  const { text, suggestions, marked } = field;
  const listId = useId();
  return (
    <div class="row">
      <div class="filter">
        <Icon name="search" />
        <input
          class="input"
          id="filter"
          type="text"
          role="combobox"
          aria-label="Filter"
          aria-expanded={suggestions.length > 0}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={marked >= 0 ? `${listId}-${marked}` : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder={props.example}
          value={text}
          onInput={(event) => field.type(event.currentTarget.value)}
          onFocus={field.open}
          onBlur={field.close}
          onKeyDown={field.onKeyDown}
        />
        <Suggestions id={listId} field={field} />
      </div>
      <Button onClick={() => field.apply(text)}>Find</Button>
      {field.applied !== "" && (
        <Button look="plain" onClick={() => field.apply("")}>
          Clear
        </Button>
      )}
    </div>
  );
}

function Suggestions({ id, field }: { readonly id: string; readonly field: FilterField }): VNode {
  const { suggestions, marked, take } = field;
  return (
    <div
      id={id}
      role="listbox"
      aria-label="Suggestions"
      class={suggestions.length > 0 ? "suggestions" : undefined}
      hidden={suggestions.length === 0}
    >
      {suggestions.map((text, index) => (
        <div
          key={text}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === marked}
          class="suggestion"
          onMouseDown={(event) => {
            // The field keeps the focus.
            event.preventDefault();
            take(text);
          }}
        >
          {text}
        </div>
      ))}
    </div>
  );
}
