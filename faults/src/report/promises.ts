/** By which faults and with which workloads a promise is put to the test; all, when left out. */
export interface Kept {
  readonly faults?: readonly string[];
  readonly workloads?: readonly string[];
}

interface Promised extends Kept {
  readonly promise: string;
  /** How the checker sees that it was kept. */
  readonly invariant: string;
}

/** What Pawl promises, for the page of guarantees. */
export const promises: readonly Promised[] = [
  {
    promise: "An acknowledged enqueue is durable; one that was rolled back never runs.",
    invariant:
      "lost 0, unexpected 0: every job that was acknowledged ends, and none that was refused or rolled back exists. An " +
      "enqueue that nobody answered may be either, once",
  },
  {
    promise:
      "An enqueue that was cut off, be it at its very COMMIT, is there or not, and nothing between.",
    invariant: "the same, where nobody knows whether the server heard",
    faults: ["F1b", "F7b"],
  },
  {
    promise: "Every job runs at least once until it has ended.",
    invariant:
      "lost 0: after the trouble, and without a restart of what survived it, nothing is left waiting",
  },
  {
    promise: "What a transactional handler writes is written exactly once.",
    invariant:
      "of a completed job exactly one effect, of any other none; the table of effects has no unique constraint",
    workloads: ["transactional"],
  },
  {
    promise: "What a worker that lost a job still writes about it changes nothing.",
    invariant: "stale settles accepted 0: each attempt ends once, by whoever held it",
    faults: ["F3", "F3b", "F4", "F6", "F7", "F7b", "F13"],
  },
  {
    promise:
      "A job fails for good after `maxAttempts` failures, crashes among them, or after four crashes.",
    invariant: "no job fails more often than it may, and each end is one that a job can come to",
    workloads: ["crashers"],
  },
  {
    promise: "Of a concurrency key no more jobs run than its limit; with a limit of 1, in order.",
    invariant:
      "never more slots taken than the limit, by the handlers' own times; a handler that lost its lease and ignores its " +
      "signal is the exception told below",
    workloads: ["keys"],
  },
  {
    promise: "Of a rate limit no more jobs start than its capacity.",
    invariant: "starts in every window, by the database's clock",
    workloads: ["limits"],
  },
  {
    promise: "Workers go on by themselves after any outage.",
    invariant:
      "everything ends after the trouble; readiness is false during an outage and true again after it",
    faults: ["F4", "F5", "F5b", "F6", "F7", "F8", "F8b", "F9", "F9b", "F10", "F11"],
  },
  {
    promise: "The jobs of a killed worker run again within its lease and 2 s.",
    invariant: "the time from the kill to the last start again, 95 of 100 times; see below",
    faults: ["F1", "F2", "F13"],
  },
  {
    promise: "After the database has been down, work goes on within 2 s of its return.",
    invariant:
      "the time from its return to the next start of a handler, 95 of 100 times; see below",
    faults: ["F5", "F5b", "F9b"],
  },
  {
    promise: "Nothing is left behind.",
    invariant:
      "connections, listeners, locks and timers are as before; no unhandled rejection, no promise beyond its deadline",
  },
  {
    promise: "A migration may run beside the work.",
    invariant: "all of the above",
    faults: ["F16"],
  },
  {
    promise: "The clocks of applications decide nothing.",
    invariant: "all of the above, with clocks that are ten minutes off",
    faults: ["F13"],
  },
];
