import type { Event } from "../evidence/event.ts";
import type { FinalState } from "../evidence/final-state.ts";
import type { Exit } from "../processes/run-process.ts";
import type { NewJob } from "../workloads/workload.ts";

/** Everything that is known of a run when it is over. */
export interface Evidence {
  readonly events: readonly Event[];
  readonly final: FinalState;
  readonly exits: readonly Exit[];
  /** What the workload had to enqueue, by number. */
  readonly jobs: ReadonlyMap<number, NewJob>;
  readonly leaseMs: number;
  /** What to add to the time of an event to have that of the database's clock, in milliseconds. */
  readonly clockOffsetMs: number;
}

/** Something that must never be. */
export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

export type Invariant =
  | "lost"
  | "unexpected"
  | "enqueued twice"
  /** Nothing was acknowledged, so nothing can have been lost: such a run shows nothing. */
  | "nothing shown"
  | "duplicated effect"
  | "missing effect"
  | "stale settle"
  | "attempts"
  | "illegal move"
  | "false death"
  | "claimed too many"
  | "too many failures"
  | "concurrency limit"
  | "rate limit"
  | "order"
  | "uniqueness"
  | "not drained"
  | "left over"
  | "unhandled"
  | "exit"
  | "pending"
  | "readiness"
  | "zombie";

/** Events of one kind. */
export function eventsOf<Kind extends Event["kind"]>(
  { events }: Pick<Evidence, "events">,
  kind: Kind,
): (Event & { readonly kind: Kind })[] {
  return events.filter((event) => event.kind === kind) as (Event & { readonly kind: Kind })[]; // by the filter
}

export function groupBy<Key, Value>(
  values: readonly Value[],
  keyOf: (value: Value) => Key,
): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
