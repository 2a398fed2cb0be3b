import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { choicesOf, suggestionsFor, textOf, type Vocabulary } from "../filter-text.ts";
import { choose, route } from "../route.ts";

/** What is typed into a filter, and what may be meant by it. */
export interface FilterField {
  /** What the address says. */
  readonly applied: string;
  readonly text: string;
  readonly suggestions: readonly string[];
  /** The suggestion that the arrow keys are at; -1 for none. */
  readonly marked: number;
  readonly type: (text: string) => void;
  readonly open: () => void;
  readonly close: () => void;
  /** Puts what is said into the address. */
  readonly apply: (text: string) => void;
  readonly take: (suggestion: string) => void;
  readonly onKeyDown: (event: TargetedKeyboardEvent<HTMLInputElement>) => void;
}

interface Typed {
  readonly text: string;
  readonly marked: number;
  readonly isOpen: boolean;
}

/** Keeps what is typed into a filter, until it is applied. */
export function useFilterField(vocabulary: Vocabulary): FilterField {
  const { words } = vocabulary;
  const applied = textOf(route.value.query, words);
  const [typed, setTyped] = useState<Typed>({ text: applied, marked: -1, isOpen: false });
  useEffect(() => setTyped((before) => ({ ...before, text: applied })), [applied]);
  const suggestions = typed.isOpen ? suggestionsFor(typed.text, vocabulary) : [];
  const apply = (text: string): void => {
    setTyped({ text, marked: -1, isOpen: false });
    choose({ ...choicesOf(text, words), after: undefined, back: undefined });
  };
  const take = (text: string): void => {
    // A word without its value goes on being typed.
    if (/[:.]$/.test(text)) setTyped({ text, marked: -1, isOpen: true });
    else apply(text);
  };
  const close = (): void => setTyped({ ...typed, marked: -1, isOpen: false });
  return {
    applied,
    text: typed.text,
    suggestions,
    marked: typed.marked,
    type: (text) => setTyped({ text, marked: -1, isOpen: true }),
    open: () => setTyped({ ...typed, isOpen: true }),
    close,
    apply,
    take,
    onKeyDown: (event) => {
      const { key } = event;
      const suggestion = suggestions[typed.marked];
      if (key === "Enter" && suggestion === undefined) apply(typed.text);
      else if (key === "Enter") take(suggestion ?? "");
      else if (key === "Escape" && typed.isOpen) close();
      else if (key === "Escape") event.currentTarget.blur();
      else if (key === "ArrowDown" || key === "ArrowUp") {
        const marked = step(typed.marked, key === "ArrowDown" ? 1 : -1, suggestions.length);
        setTyped({ ...typed, marked, isOpen: true });
      } else return;
      event.preventDefault();
    },
  };
}

// Round and round, by way of none.
function step(from: number, by: 1 | -1, count: number): number {
  const places = count + 1;
  return ((from + 1 + by + places) % places) - 1;
}
