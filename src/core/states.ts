/** Where a live job stands. */
export type JobState = "scheduled" | "ready" | "blocked" | "running";

/** What became of an attempt, as its history row says. */
export type OutcomeName =
  | "succeeded"
  | "failed"
  | "partial"
  | "snoozed"
  | "rate-limited"
  | "cancelled"
  | "released"
  | "crashed";

/** Where a move leads: to a state, or out of `jobs` into the history alone. */
export type Destination = JobState | "gone";

/** Every legal move of a job, and what makes it. The SQL statements are the only code that moves one. */
export const moves: readonly { from: JobState | "new"; to: Destination; by: string }[] = [
  { from: "new", to: "ready", by: "enqueue" },
  { from: "new", to: "scheduled", by: "enqueue for later" },
  { from: "scheduled", to: "ready", by: "falls due" },
  { from: "ready", to: "running", by: "claim" },
  { from: "ready", to: "gone", by: "no worker knows its task" },
  { from: "running", to: "gone", by: "settle for good" },
  { from: "running", to: "scheduled", by: "retry, snooze or rate limit" },
  { from: "running", to: "ready", by: "release, rescue or a retry without delay" },
  { from: "scheduled", to: "gone", by: "cancel or fail by hand" },
  { from: "ready", to: "gone", by: "cancel or fail by hand" },
  { from: "blocked", to: "gone", by: "cancel or fail by hand" },
  { from: "running", to: "gone", by: "fail by hand" },
  { from: "scheduled", to: "ready", by: "reschedule or retry by hand" },
  { from: "scheduled", to: "blocked", by: "reschedule or retry by hand" },
  { from: "ready", to: "scheduled", by: "reschedule by hand" },
  { from: "blocked", to: "scheduled", by: "reschedule by hand" },
  { from: "running", to: "ready", by: "unlock by hand" },
  { from: "running", to: "blocked", by: "unlock by hand" },
];
