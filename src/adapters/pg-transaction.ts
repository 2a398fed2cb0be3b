import { DatabaseError, TransactionError } from "../core/errors.ts";
import type {
  DeferredTransaction,
  Queryable,
  QueryOptions,
  Statement,
  Value,
} from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { canTravelAhead, queryBehind, type CallsAhead, type PreparedCall } from "./pg-behind.ts";
import { isOutsideTransaction, type PgResult, type Preparation } from "./pg-client.ts";
import type { PgConnection } from "./pg-connection.ts";
import { isSubmittable, PgGuard } from "./pg-guard.ts";
import { endedError, notCommittedError } from "./transaction-errors.ts";

const commit: Statement = { name: "", text: queries["transactions/commit"] };
const preparedCommit: Statement = { ...commit, name: "pawl_commit" };
const ping: Statement = { name: "", text: queries["transactions/ping"] };
const rollback: Statement = { name: "", text: queries["transactions/rollback"] };
const transactionsByHandle = new WeakMap<object, PgTransaction>();

/** What a handler reaches by passing its `tx` on as `db`; undefined when this is no handle of ours. */
export function lentBy(handle: object): Queryable | undefined {
  return transactionsByHandle.get(handle)?.lend();
}

/** How a transaction begins: what its first statement has returned, or what is to be sent with its first use. */
export type PgBegin = { readonly opening: string } | { readonly calls: readonly PreparedCall[] };

/** A transaction on a checked-out connection. */
export class PgTransaction implements DeferredTransaction {
  readonly #connection: PgConnection;
  readonly #guard: PgGuard;
  readonly #preparation: Preparation;
  readonly #timeoutMs: number;
  #state: "open" | "ended" | "lost" = "open";
  #lost: unknown;
  #pending: readonly PreparedCall[];
  #opening: string | undefined;
  #beginError: unknown;

  constructor(
    connection: PgConnection,
    settings: { readonly preparation: Preparation; readonly timeoutMs: number },
    begin: PgBegin,
  ) {
    this.#connection = connection;
    this.#pending = "calls" in begin ? begin.calls : [];
    this.#opening = "opening" in begin ? begin.opening : undefined;
    this.#guard = new PgGuard(connection.client, {
      query: (values) => this.#firstQuery(values),
      other: () => {
        this.#beginNow();
      },
    });
    this.#preparation = settings.preparation;
    this.#timeoutMs = settings.timeoutMs;
    transactionsByHandle.set(this.#guard.handle, this);
  }

  get handle(): object {
    return this.#guard.handle;
  }

  get misuse(): Error | undefined {
    return this.#guard.misuse;
  }

  get opening(): string | undefined {
    return this.#opening;
  }

  get beginError(): unknown {
    return this.#beginError;
  }

  revoke(): void {
    this.#guard.revoke();
  }

  /** The transaction for as long as its handle may be used. */
  lend(): Queryable {
    this.#guard.assertNotRevoked();
    return {
      query: async (statement, values, options) => {
        this.#guard.assertNotRevoked();
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
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const { rows } = await this.#run(statement, values, { timeoutMs, ahead: this.#takeAhead() });
    return rows as readonly R[]; // the statement's author knows its columns
  }

  async commit(): Promise<void> {
    this.#assertOpen();
    this.revoke();
    try {
      assertCommitted(await this.#run(commit, [], { ahead: this.#takeAhead() }));
    } catch (error) {
      this.#end(() => {
        this.#connection.destroy();
      });
      throw error;
    }
    this.#return();
  }

  async commitAfter(statement: Statement, values: readonly Value[]): Promise<void> {
    this.#assertOpen();
    this.revoke();
    const last = { ...statement, values };
    if (!this.#preparation.enabled || !canTravelAhead(this.#connection.client, [last])) {
      await this.query(statement, values);
      await this.commit();
      return;
    }
    const ahead = this.#takeAhead();
    const calls = [...(ahead?.calls ?? []), last];
    assertCommitted(await this.#run(preparedCommit, [], { ahead: { ...ahead, calls } }));
    this.#return();
  }

  async rollback(): Promise<void> {
    this.revoke();
    if (this.#state !== "open") return;
    if (this.#pending.length > 0) {
      this.#return();
      return;
    }
    try {
      await this.#run(rollback, []);
      this.#return();
    } catch {
      this.destroy();
    }
  }

  destroy(): void {
    this.revoke();
    this.#end(() => {
      this.#connection.destroy();
    });
  }

  async #run(
    statement: Statement,
    values: readonly Value[],
    {
      timeoutMs = this.#timeoutMs,
      ahead,
    }: { readonly timeoutMs?: number; readonly ahead?: CallsAhead | undefined } = {},
  ): Promise<PgResult> {
    const deadline = new Deadline(timeoutMs);
    const preparation = this.#preparation;
    try {
      return await this.#connection.run({ statement, values, deadline, preparation, ahead });
    } catch (error) {
      this.#cutAfter(error);
      throw error;
    }
  }

  // What has not been sent yet, for the query that is sent now.
  #takeAhead(): CallsAhead | undefined {
    const calls = this.#pending;
    if (calls.length === 0) return undefined;
    this.#pending = [];
    return {
      calls,
      onReady: (field) => {
        this.#opening = field ?? "";
      },
      onFailed: (error) => {
        this.#beginError = databaseError(error);
      },
    };
  }

  #firstQuery(values: readonly unknown[]): { readonly result: unknown } | undefined {
    // What sends itself cannot be sent behind something.
    if (isSubmittable(values[0])) this.#beginNow();
    const ahead = this.#takeAhead();
    return ahead && { result: queryBehind(this.#connection.client, ahead, values) };
  }

  #beginNow(): void {
    const ahead = this.#takeAhead();
    // Its failure is that of the queries behind it.
    if (ahead !== undefined) this.#run(ping, [], { ahead }).catch(() => undefined);
  }

  // A query that never came back would be answered to the next one, so such a connection must go.
  #cutAfter(error: unknown): void {
    const isOver =
      error instanceof DatabaseError &&
      (error.code === "PAWL_DATABASE_TIMEOUT" || error.code === "PAWL_DATABASE_UNAVAILABLE");
    if (!isOver || this.#state !== "open") return;
    this.revoke();
    this.#state = "lost";
    this.#lost = error;
    this.#connection.destroy();
  }

  #assertOpen(): void {
    if (this.#state === "lost") throw this.#lost;
    if (this.#state === "ended") throw endedError();
    const hasBegun = this.#opening !== undefined;
    if (hasBegun && isOutsideTransaction(this.#connection.client)) throw endedBehindError();
  }

  #return(): void {
    this.#end(() => {
      if (this.#guard.sessionChanged) this.#connection.destroy();
      else this.#connection.release();
    });
  }

  #end(leave: () => void): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    leave();
  }
}

/** Refuses the answer to a commit that rolled back, which the server does not call an error. */
export function assertCommitted({ command }: PgResult): void {
  if (command === "COMMIT") return;
  throw notCommittedError(command ?? "no answer");
}

// By a way round the guard; what is written after that would commit by itself.
function endedBehindError(): TransactionError {
  return new TransactionError(
    "PAWL_TRANSACTION_CONTROL",
    "expected the transaction to be open, the server says that it has ended: let Pawl end it, " +
      "throw to roll back, or use a savepoint for a part",
  );
}
