import type { VNode } from "preact";
import type { Query } from "../address.ts";
import { linkWith } from "../route.ts";
import { Icon } from "./icon.tsx";

const mostKept = 12;

/** Leads to the next page and back again; the way back is in the address as well. */
export function Pager(props: { readonly query: Query; readonly next: string | null }): VNode {
  const { query, next } = props;
  const trail = trailOf(query.back);
  const { after } = query;
  const isFirst = after === undefined;
  const forward = [...trail, after ?? ""].slice(-mostKept);
  return (
    <nav class="row" aria-label="Pages">
      <Step
        label="Back"
        icon="left"
        href={
          isFirst
            ? undefined
            : linkWith({ after: trail.at(-1), back: formatTrail(trail.slice(0, -1)) })
        }
      />
      <Step
        label="Next"
        icon="right"
        href={next === null ? undefined : linkWith({ after: next, back: formatTrail(forward) })}
      />
    </nav>
  );
}

function Step(props: {
  readonly label: string;
  readonly icon: "left" | "right";
  readonly href: string | undefined;
}): VNode {
  const { label, icon, href } = props;
  const words = (
    <>
      {icon === "left" && <Icon name="left" />}
      {label}
      {icon === "right" && <Icon name="right" />}
    </>
  );
  if (href !== undefined) {
    return (
      <a class="button" href={href}>
        {words}
      </a>
    );
  }
  return (
    <span class="button" role="link" aria-disabled="true" title="There is nothing more this way.">
      {words}
    </span>
  );
}

function trailOf(text: string | undefined): readonly string[] {
  try {
    return text === undefined ? [] : text.split(",").map((part) => decodeURIComponent(part));
  } catch {
    // Somebody has typed it.
    return [];
  }
}

// The first page has no cursor; a trail of it alone must not look like no trail.
function formatTrail(trail: readonly string[]): string | undefined {
  const text = trail.map((part) => encodeURIComponent(part)).join(",");
  return text === "" ? undefined : text;
}
