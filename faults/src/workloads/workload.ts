import type { EnqueueOptions, WorkerOptions } from "pawl";
import type { Chance } from "../random.ts";

/** What a handler does with a job, said by the job's payload. */
export interface Act {
  readonly n: number;
  readonly does: Deed;
  /** For how long, in milliseconds, before it writes its effect. */
  readonly ms: number;
  /** In how many attempts; a later one succeeds. */
  readonly times: number;
}

export type Deed =
  | "succeed"
  /** Throws after its effect. */
  | "throw"
  /** Throws what is no error: undefined, a text with NUL, an object that contains itself, … */
  | "throw strangely"
  /** Keeps the event loop busy. */
  | "block"
  | "snooze"
  /** Kills its process with SIGKILL. */
  | "die before the effect"
  | "die after the effect"
  /** Takes memory until the process ends. */
  | "exhaust the heap"
  // To its own transaction:
  | "roll back"
  | "commit"
  | "break the transaction"
  | "end its session"
  | "change its session";

export interface NewJob {
  readonly act: Act;
  readonly isTransactional: boolean;
  readonly options: Omit<EnqueueOptions, "db">;
}

/** One thing that a producer does. */
export type Step =
  /** Enqueues each by a call of its own, all at once. */
  | { readonly how: "singly"; readonly jobs: readonly NewJob[] }
  | { readonly how: "together"; readonly jobs: readonly NewJob[] }
  | {
      readonly how: "in a transaction";
      readonly jobs: readonly NewJob[];
      readonly commits: boolean;
    }
  /** With a payload that no JSON can carry, among others that are fine. */
  | { readonly how: "with a bad one"; readonly jobs: readonly NewJob[]; readonly bad: NewJob }
  /** Cancels a job that was enqueued before. */
  | { readonly how: "cancel"; readonly n: number }
  | { readonly how: "pause a queue"; readonly queue: string; readonly ms: number }
  /** Claims jobs by hand, and does what a worker would. */
  | { readonly how: "claim by hand"; readonly queue: string; readonly atMost: number };

/** A kind of work for a run to do while things go wrong. */
export interface Workload {
  readonly name: string;
  /** How many steps are under way at once; 1 where the order counts. */
  readonly callers: number;
  /** What its workers are told besides. */
  readonly worker?: Pick<WorkerOptions, "concurrency">;
  /** How long its jobs may take to be done when nothing is wrong any more, in milliseconds, besides the usual. */
  readonly drainMs?: number;
  /** What to enqueue, the first number being 1. */
  readonly steps: (chance: Chance) => readonly Step[];
}

/** Makes jobs with numbers of their own. */
export class JobMaker {
  readonly #chance: Chance;
  #last = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** A job that succeeds, unless told otherwise. */
  make(
    act: Partial<Omit<Act, "n">> = {},
    {
      isTransactional = false,
      ...options
    }: Partial<NewJob["options"]> & { isTransactional?: boolean } = {},
  ): NewJob {
    this.#last += 1;
    const ms = this.#chance.integer(0, 15);
    return {
      act: { n: this.#last, does: "succeed", ms, times: 1, ...act },
      isTransactional,
      options,
    };
  }

  /** An id of the caller's own: a UUID of version 4. */
  ownId(): string {
    const digits = Array.from({ length: 32 }, () => this.#chance.integer(0, 15).toString(16));
    digits[12] = "4";
    digits[16] = "8";
    return digits.join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  many(count: number, make: () => NewJob): NewJob[] {
    return Array.from({ length: count }, make);
  }
}
