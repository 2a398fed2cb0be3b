/** What a process of a run, or its runner, saw. Times are those of the machine's monotonic clock, in milliseconds. */
export type Event = What & { readonly at: number; readonly pid: number };

/** Jobs are told apart by `n`, which is in their payloads: an enqueue whose reply is lost never learns an id. */
export type What =
  /** An enqueue is about to be called. */
  | { readonly kind: "attempted"; readonly n: number }
  /** It resolved; `id` is the job that stands for it. */
  | {
      readonly kind: "acknowledged";
      readonly n: number;
      readonly id: string;
      readonly outcome: "created" | "kept" | "replaced";
    }
  /** It was refused by a check, or its transaction did not commit: nothing may be there. */
  | { readonly kind: "refused"; readonly n: number; readonly code: string }
  /** It failed, and whether it was written is not known. */
  | { readonly kind: "unknown"; readonly n: number; readonly code: string }
  /** A cancellation of the job was acknowledged. */
  | { readonly kind: "cancelled"; readonly id: string }
  | { readonly kind: "started"; readonly n: number; readonly id: string; readonly attempt: number }
  | {
      readonly kind: "ended";
      readonly n: number;
      readonly id: string;
      readonly attempt: number;
      readonly how: "returned" | "threw";
    }
  /** A worker works under this id from now on. */
  | { readonly kind: "session"; readonly workerId: string }
  | { readonly kind: "lease lost"; readonly ids: readonly string[] }
  /** So many jobs were claimed by hand, of at most so many. */
  | { readonly kind: "claimed"; readonly count: number; readonly atMost: number }
  /** A promise was rejected and nobody listened, an exception got out, or too many listeners gathered. */
  | { readonly kind: "unhandled"; readonly message: string }
  | { readonly kind: "ready"; readonly isReady: boolean }
  /** A worker has stopped and closed everything. */
  | { readonly kind: "closed" }
  /** A producer has called everything it had to. */
  | { readonly kind: "produced" }
  /** The runner did this to the process with the id `victim`; cut off: nothing that it says arrives anywhere. */
  | {
      readonly kind: "killed" | "frozen" | "thawed" | "cut off" | "told to stop";
      readonly victim: number;
    }
  /** The runner did something else, or took it back. */
  | { readonly kind: "fault"; readonly what: string }
  /** The database could not be reached from here on, or can be again. */
  | { readonly kind: "outage" | "restored" }
  /** Nothing is done to the run any more. */
  | { readonly kind: "healed" }
  | { readonly kind: "drained" }
  /**
   * Everything is done, and every worker had the time to say that it is ready. Zombies: workers that live and have the
   * process ids, and that the database takes for dead.
   */
  | { readonly kind: "at rest"; readonly zombies: readonly number[] };

/** Milliseconds of the machine's monotonic clock, the same in all its processes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
