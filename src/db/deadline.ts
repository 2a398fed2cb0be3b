import { formatDuration } from "../core/duration.ts";
import { DatabaseError } from "../core/errors.ts";
import { withDeadline } from "../core/wait.ts";

/** The time one database call may take, whatever number of steps it has. */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #endsAt: number;

  constructor(timeoutMs: number, now: () => number = () => performance.now()) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    this.#endsAt = now() + timeoutMs;
  }

  /** The step's own outcome, or a DatabaseError when the call's time is over before. */
  race<T>(step: Promise<T>): Promise<T> {
    const leftMs = Math.max(0, this.#endsAt - this.#now());
    return withDeadline(step, leftMs, () => timeoutError(this.#timeoutMs));
  }
}

function timeoutError(timeoutMs: number): DatabaseError {
  return new DatabaseError(
    "PAWL_DATABASE_TIMEOUT",
    `expected the database to answer within ${formatDuration(timeoutMs)}, got no answer: ` +
      "look for locks, a full connection pool or a broken network, or raise `queryTimeout`",
  );
}
