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
  { from: "new", to: "blocked", by: "enqueue with a concurrency key" },
  {
    from: "scheduled",
    to: "ready",
    by: "falls due; reschedule or retry by hand; replaced by a newer enqueue",
  },
  { from: "scheduled", to: "blocked", by: "the same, with a concurrency key and no lane" },
  { from: "scheduled", to: "gone", by: "cancel or fail by hand" },
  {
    from: "blocked",
    to: "ready",
    by: "admission to a free lane; replaced by an enqueue without a concurrency key",
  },
  { from: "blocked", to: "running", by: "claim, as soon as a lane is free or behind its job" },
  { from: "blocked", to: "scheduled", by: "reschedule by hand; replaced by an enqueue for later" },
  { from: "blocked", to: "gone", by: "cancel or fail by hand" },
  { from: "ready", to: "running", by: "claim" },
  { from: "ready", to: "scheduled", by: "reschedule by hand; replaced by an enqueue for later" },
  { from: "ready", to: "blocked", by: "replaced by an enqueue with a concurrency key" },
  {
    from: "ready",
    to: "gone",
    by: "cancel or fail by hand; unhandled; weighs more than its rate limit",
  },
  {
    from: "running",
    to: "ready",
    by: "release; reconcile; rescue; unlock by hand; retry without delay",
  },
  { from: "running", to: "blocked", by: "the same, with a concurrency key" },
  {
    from: "running",
    to: "scheduled",
    by: "retry; snooze; rate limit; its transaction could not begin",
  },
  { from: "running", to: "gone", by: "settle for good; rescue for good; superseded; fail by hand" },
];
