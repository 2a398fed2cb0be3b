import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { complete, suggest, wordAt, type Known } from "../suggestions.ts";
import { Icon } from "./icons.tsx";

interface FilterBarProps {
  readonly label: string;
  readonly value: string;
  readonly known: Known;
  readonly isWrong: boolean;
  readonly onApply: (text: string) => void;
}

/** One field for everything that can be searched for, which suggests what is known. */
export function FilterBar({ label, value, known, isWrong, onApply }: FilterBarProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [cursor, setCursor] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  useEffect(() => setText(value), [value]);
  const list = useMemo(() => {
    return isOpen ? suggest(wordAt(text, cursor).word, known) : [];
  }, [isOpen, text, cursor, known]);
  const apply = () => {
    setOpen(false);
    onApply(text.trim());
  };
  const take = (place: number) => {
    const suggestion = list[place];
    if (suggestion === undefined) return;
    const next = complete(text, cursor, suggestion.text);
    setText(next.text);
    setCursor(next.cursor);
    setActive(-1);
    requestAnimationFrame(() => input.current?.setSelectionRange(next.cursor, next.cursor));
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && list.length > 0) {
      event.preventDefault();
      setActive((active + step + list.length + 1) % (list.length + 1));
    } else if ((event.key === "Enter" || event.key === "Tab") && list[active] !== undefined) {
      event.preventDefault();
      take(active);
    } else if (event.key === "Enter") {
      apply();
    } else if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      setOpen(false);
    }
  };
  const follow = (field: HTMLInputElement) => {
    setText(field.value);
    setCursor(field.selectionStart ?? field.value.length);
    setActive(-1);
  };
  return (
    <div class="filter">
      <Icon name="search" />
      <input
        ref={input}
        data-filter
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={list.length > 0}
        aria-controls="suggestions"
        aria-autocomplete="list"
        aria-activedescendant={list[active] === undefined ? undefined : `suggestion-${active}`}
        aria-invalid={isWrong}
        autocomplete="off"
        spellcheck={false}
        placeholder="payload.user.id:42 queue:mail task:send"
        value={text}
        onInput={(event) => {
          setOpen(true);
          follow(event.currentTarget);
        }}
        onFocus={(event) => {
          setOpen(true);
          follow(event.currentTarget);
        }}
        onClick={(event) => follow(event.currentTarget)}
        onBlur={() => setOpen(false)}
        onKeyDown={press}
      />
      <kbd aria-hidden="true">/</kbd>
      <ul id="suggestions" class="suggestions" role="listbox" aria-label="Suggestions" hidden={list.length === 0}>
        {list.map((suggestion, place) => (
          <li
            key={suggestion.text}
            id={`suggestion-${place}`}
            role="option"
            aria-selected={place === active}
            // Before the field loses its focus.
            onMouseDown={(event) => {
              event.preventDefault();
              take(place);
            }}
          >
            <span class="mono">{suggestion.text}</span>
            <span class="hint">{suggestion.hint}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface ChipsProps {
  /** The name of each, and what it is set to; undefined ones are not shown. */
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly onRemove: (name: string) => void;
}

/** What narrows a list down besides its text, each with a button that takes it away. */
export function Chips({ values, onRemove }: ChipsProps) {
  return (
    <>
      {Object.entries(values).map(([name, value]) =>
        value === undefined ? null : (
          <span class="chip" key={name}>
            <span class="cut" title={value}>
              {name}: {value}
            </span>
            <button
              type="button"
              class="plain small square"
              aria-label={`Remove the filter ${name}`}
              onClick={() => onRemove(name)}
            >
              <Icon name="cancel" />
            </button>
          </span>
        ),
      )}
    </>
  );
}
