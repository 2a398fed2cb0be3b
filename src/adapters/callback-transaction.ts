import { DatabaseError } from "../core/errors.ts";
import type { Queryable, QueryOptions, Statement, Transaction, Value } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { sqlstate } from "../db/sqlstate.ts";
import { endedError, notCommittedError } from "./transaction-errors.ts";

/** What a handler gets instead of the driver's own transaction. */
export interface TransactionGuard {
  readonly handle: object;
  readonly misuse: Error | undefined;
  readonly isRevoked: boolean;
  /** Whether the handler left the session with other settings. */
  readonly sessionChanged: boolean;
  revoke(): void;
}

/** How a driver's transaction is used and left. */
export interface TransactionSession {
  run(
    statement: Statement,
    values: readonly Value[],
    deadline: Deadline,
  ): Promise<readonly object[]>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Passes the session on to its next user. */
  leave(): void;
  /** Ends the session, as far as the driver can, with whatever runs in it. */
  cut(): void;
  /** Runs a handler so that calls which it makes beside its transaction can be told. */
  enter?<T>(work: () => T): T;
}

const probe: Statement = { name: "", text: queries["transactions/ping"] };
const abortedState = "25P02";
const transactionsByHandle = new WeakMap<object, CallbackTransaction>();

/** What a handler reaches by passing its `tx` on as `db`; undefined when this is no handle of ours. */
export function lentByHandle(handle: unknown): Queryable | undefined {
  const isObject = (typeof handle === "object" && handle !== null) || typeof handle === "function";
  return isObject ? transactionsByHandle.get(handle)?.lend() : undefined;
}

/** A transaction of a driver that opens them with a callback. */
export class CallbackTransaction implements Transaction {
  readonly #session: TransactionSession;
  readonly #guard: TransactionGuard;
  readonly #timeoutMs: number;
  #state: "open" | "ended" | "lost" = "open";
  #lost: unknown;

  constructor(session: TransactionSession, guard: TransactionGuard, timeoutMs: number) {
    this.#session = session;
    this.#guard = guard;
    this.#timeoutMs = timeoutMs;
    transactionsByHandle.set(guard.handle, this);
  }

  get handle(): object {
    return this.#guard.handle;
  }

  get misuse(): Error | undefined {
    return this.#guard.misuse;
  }

  revoke(): void {
    this.#guard.revoke();
  }

  enter<T>(work: () => T): T {
    return this.#session.enter === undefined ? work() : this.#session.enter(work);
  }

  /** The transaction for as long as its handle may be used. */
  lend(): Queryable {
    this.#assertNotRevoked();
    return {
      query: async (statement, values, options) => {
        this.#assertNotRevoked();
        return this.query(statement, values, options);
      },
    };
  }

  async query<R extends object>(
    statement: Statement,
    values: readonly Value[] = [],
    options: QueryOptions = {},
  ): Promise<readonly R[]> {
    this.#assertOpen();
    const rows = await this.#run(statement, values, options.timeoutMs ?? this.#timeoutMs);
    return rows as readonly R[]; // the statement's author knows its columns
  }

  async commit(): Promise<void> {
    this.#assertOpen();
    this.revoke();
    try {
      // Not every driver tells a commit from a rollback; a failed transaction refuses every statement.
      await this.#run(probe, [], this.#timeoutMs);
      await new Deadline(this.#timeoutMs).race(this.#session.commit());
    } catch (error) {
      this.#end("cut");
      throw sqlstate(error) === abortedState
        ? notCommittedError("ROLLBACK", error)
        : databaseError(error);
    }
    this.#return();
  }

  async rollback(): Promise<void> {
    this.revoke();
    if (this.#state !== "open") return;
    try {
      await new Deadline(this.#timeoutMs).race(this.#session.rollback());
      this.#return();
    } catch {
      this.destroy();
    }
  }

  destroy(): void {
    this.revoke();
    this.#end("cut");
  }

  async #run(
    statement: Statement,
    values: readonly Value[],
    timeoutMs: number,
  ): Promise<readonly object[]> {
    try {
      return await this.#session.run(statement, values, new Deadline(timeoutMs));
    } catch (error) {
      this.#cutAfter(error);
      throw error;
    }
  }

  // What a query that never came back does, the rest of the transaction would wait for.
  #cutAfter(error: unknown): void {
    const isOver =
      error instanceof DatabaseError &&
      (error.code === "PAWL_DATABASE_TIMEOUT" || error.code === "PAWL_DATABASE_UNAVAILABLE");
    if (!isOver || this.#state !== "open") return;
    this.revoke();
    this.#state = "lost";
    this.#lost = error;
    this.#session.cut();
  }

  #assertOpen(): void {
    if (this.#state === "lost") throw this.#lost;
    if (this.#state === "ended") throw endedError();
  }

  #assertNotRevoked(): void {
    if (this.#guard.isRevoked) throw endedError();
  }

  #return(): void {
    this.#end(this.#guard.sessionChanged ? "cut" : "leave");
  }

  #end(how: "leave" | "cut"): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#session[how]();
  }
}
