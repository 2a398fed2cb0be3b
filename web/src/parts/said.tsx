import type { ComponentChildren, VNode } from "preact";
import type { JobState, OutcomeName } from "../../../src/core/states.ts";
import { now } from "../clock.ts";
import { formatExact, formatRelative } from "../format.ts";
import { Icon, type IconName } from "./icon.tsx";

/** When something was or will be, in relation to now; the exact time is its title. */
export function Time({ at }: { readonly at: string | null }): VNode {
  if (at === null) return <span class="soft">–</span>;
  return (
    <time class="nowrap" dateTime={at} title={formatExact(at)}>
      {formatRelative(at, now.value)}
    </time>
  );
}

/** A state or an outcome, in its colour. */
export function Badge(props: { readonly name: JobState | OutcomeName | "finished" }): VNode {
  return <span class={`badge ${props.name}`}>{props.name}</span>;
}

/** What stands where nothing is, and what to do about it. */
export function Empty(props: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}): VNode {
  return (
    <div class="empty">
      <Icon name={props.icon} />
      <strong>{props.title}</strong>
      {props.children !== undefined && <span>{props.children}</span>}
    </div>
  );
}

/** What stands where something is about to be: as large as it, so that nothing jumps. */
export function Skeleton({ rows }: { readonly rows: number }): VNode {
  return (
    <ul class="lines" aria-hidden="true">
      {Array.from({ length: rows }, (_, index) => (
        <li key={index}>
          <span class="skeleton grow" />
        </li>
      ))}
    </ul>
  );
}

/** A part of a screen with a heading of its own. */
export function Panel(props: {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <section class="panel" aria-label={props.title}>
      <div class="panel-head">
        <h2>{props.title}</h2>
        {props.actions}
      </div>
      {props.children}
    </section>
  );
}

/** Why something cannot be shown, in the server's words. */
export function Failure({ error }: { readonly error: Error | undefined }): VNode | null {
  if (error === undefined) return null;
  return (
    <p class="note problem-text" role="alert">
      <Icon name="warning" />
      {error.message}
    </p>
  );
}

/** How much of something is used. */
export function Meter(props: {
  readonly label: string;
  readonly used: number;
  readonly capacity: number;
}): VNode {
  const { used, capacity } = props;
  const share = capacity <= 0 ? 1 : Math.min(1, used / capacity);
  return (
    <span
      class={share >= 1 ? "meter full" : "meter"}
      role="meter"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={capacity}
      aria-valuenow={Math.min(used, capacity)}
    >
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}
