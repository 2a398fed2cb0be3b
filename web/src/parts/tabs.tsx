import type { VNode } from "preact";
import { linkWith, route } from "../route.ts";

/** One choice of several that exclude one another. */
export interface Tab {
  /** The value of the choice; undefined for all. */
  readonly value: string | undefined;
  readonly text: string;
  readonly count?: string | undefined;
}

/** Tabs that are links: what is chosen is in the address. */
export function Tabs(props: {
  readonly name: string;
  readonly label: string;
  readonly tabs: readonly Tab[];
}): VNode {
  const chosen = route.value.query[props.name];
  return (
    <nav class="tabs" aria-label={props.label}>
      {props.tabs.map(({ value, text, count }) => (
        <a
          key={text}
          class="tab"
          href={linkWith({ [props.name]: value, after: undefined, back: undefined })}
          aria-current={chosen === value ? "true" : undefined}
        >
          {text}
          {count !== undefined && <span class="soft small">{count}</span>}
        </a>
      ))}
    </nav>
  );
}
