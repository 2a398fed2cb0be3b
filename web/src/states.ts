import type { JobState, OutcomeName } from "../../src/core/states.ts";

/** What a live job can be, in the order in which it is shown. */
export const states: readonly JobState[] = ["ready", "running", "scheduled", "blocked"];

/** What can become of an attempt, those that somebody looks for first. */
export const outcomes: readonly OutcomeName[] = [
  ...(["failed", "succeeded", "crashed", "cancelled"] as const),
  ...(["partial", "snoozed", "rate-limited", "released"] as const),
];

/** A word as it begins a label: `Ready`. */
export function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
