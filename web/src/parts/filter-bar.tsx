import type { VNode } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { choicesOf, suggestionsFor, textOf, type FilterWord, type Vocabulary } from "../filter-text.ts";
import { choose, route } from "../route.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

/** What a filter asks for beforehand. */
export interface FilterProps {
  readonly words: readonly FilterWord[];
  readonly vocabulary: Vocabulary;
  readonly example: string;
}

/** One field that says which jobs to show, and completes what is typed. What it says is in the address. */
export function FilterBar({ words, vocabulary, example }: FilterProps): VNode {
  const applied = textOf(route.value.query, words);
  const [text, setText] = useState(applied);
  const [marked, setMarked] = useState(-1);
  const [isOpen, setIsOpen] = useState(false);
  const listId = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(applied), [applied]);
  const suggestions = isOpen ? suggestionsFor(text, vocabulary) : [];
  const apply = (said: string): void => {
    setIsOpen(false);
    setMarked(-1);
    choose({ ...choicesOf(said, words), after: undefined, back: undefined });
  };
  const take = (suggestion: string): void => {
    setText(suggestion);
    setMarked(-1);
    input.current?.focus();
    // A word without its value goes on being typed.
    if (!/[:.]$/.test(suggestion)) apply(suggestion);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { key } = event;
    if (key === "Enter") {
      event.preventDefault();
      const suggestion = suggestions[marked];
      if (suggestion === undefined) apply(text);
      else take(suggestion);
    } else if (key === "Escape") {
      if (isOpen) setIsOpen(false);
      else input.current?.blur();
    } else if ((key === "ArrowDown" || key === "ArrowUp") && suggestions.length > 0) {
      event.preventDefault();
      const step = key === "ArrowDown" ? 1 : -1;
      setMarked((marked + step + suggestions.length + (marked < 0 && step < 0 ? 1 : 0)) % suggestions.length);
    }
  };
  return (
    <div class="row">
      <div class="filter">
        <Icon name="search" />
        <input
          ref={input}
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
          placeholder={example}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setMarked(-1);
            setIsOpen(true);
          }}
          onFocus={() => setIsOpen(true)}
          onBlur={() => setIsOpen(false)}
          onKeyDown={onKeyDown}
        />
        <Suggestions id={listId} texts={suggestions} marked={marked} onTake={take} />
      </div>
      <Button onClick={() => apply(text)}>Find</Button>
      {applied !== "" && (
        <Button look="plain" onClick={() => apply("")}>
          Clear
        </Button>
      )}
    </div>
  );
}

function Suggestions(props: {
  readonly id: string;
  readonly texts: readonly string[];
  readonly marked: number;
  readonly onTake: (text: string) => void;
}): VNode {
  const { id, texts, marked, onTake } = props;
  return (
    <div
      id={id}
      role="listbox"
      aria-label="Suggestions"
      class={texts.length > 0 ? "suggestions" : undefined}
      hidden={texts.length === 0}
    >
      {texts.map((text, index) => (
        <div
          key={text}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === marked}
          class="suggestion"
          onMouseDown={(event) => {
            // The field keeps the focus.
            event.preventDefault();
            onTake(text);
          }}
        >
          {text}
        </div>
      ))}
    </div>
  );
}
