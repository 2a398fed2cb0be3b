import type { ComponentChildren } from "preact";
import type { JobState, OutcomeName } from "../../../src/core/states.ts";
import type { Failure } from "../api.ts";
import { now } from "../clock.ts";
import { formatDuration, formatExact, formatRelative, shortId } from "../format.ts";
import { hashOf } from "../route.ts";
import { Icon, type IconName } from "./icons.tsx";

/** A state or an outcome, with its dot. */
export function State({ name }: { readonly name: JobState | OutcomeName | "finished" | "paused" }) {
  return <span class={`state ${name}`}>{name}</span>;
}

/** How long ago or how soon; the exact time stands in the title. */
export function Time({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={formatExact(at)}>
      {formatRelative(Date.parse(at), now.value)}
    </time>
  );
}

/** How long something took; nothing when it is not known. */
export function Took({ ms }: { readonly ms: number | null }) {
  return ms === null ? (
    <span class="faint">–</span>
  ) : (
    <span title={`${ms} ms`}>{formatDuration(ms)}</span>
  );
}

/** A name that somebody gave, cut with its whole in the title. */
export function Name({ text }: { readonly text: string }) {
  return (
    <span class="name" title={text}>
      {text}
    </span>
  );
}

/** A link to a job. */
export function JobLink({ queue, id }: { readonly queue: string; readonly id: string }) {
  return (
    <a class="mono" href={hashOf("job", { queue, id })} title={id}>
      {shortId(id)}
    </a>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly children?: ComponentChildren;
}

/** What stands where nothing is: what it means, and what to do. */
export function Empty({ title, children }: EmptyProps) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** Why something cannot be shown. */
export function Trouble({ failure }: { readonly failure: Failure | undefined }) {
  if (failure === undefined) return null;
  return (
    <div class="banner bad" role="alert">
      <Icon name="warning" />
      <span>{failure.message}</span>
    </div>
  );
}

/** A drawing in front of a heading. */
export function Title({ icon, children }: { icon: IconName; children: ComponentChildren }) {
  return (
    <h1 class="row">
      <Icon name={icon} />
      {children}
    </h1>
  );
}
