import { DatabaseError, TransactionError } from "../core/errors.ts";
import type { Queryable, QueryOptions, Statement, Transaction, Value } from "../db/database.ts";
import { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { canTravelTogether, type PreparedCall } from "./pg-behind.ts";
import { isOutsideTransaction, type PgResult, type Preparation } from "./pg-client.ts";
import type { PgConnection } from "./pg-connection.ts";
import { PgGuard } from "./pg-guard.ts";
import { endedError, notCommittedError } from "./transaction-errors.ts";

const commit: Statement = { name: "", text: queries["transactions/commit"] };
const preparedCommit: Statement = { ...commit, name: "pawl_commit" };
const rollback: Statement = { name: "", text: queries["transactions/rollback"] };
const transactionsByHandle = new WeakMap<object, PgTransaction>();

/** What a handler reaches by passing its `tx` on as `db`; undefined when this is no handle of ours. */
export function lentBy(handle: object): Queryable | undefined {
  return transactionsByHandle.get(handle)?.lend();
}

/** A transaction that has begun on a checked-out connection. */
export class PgTransaction implements Transaction {
  readonly #connection: PgConnection;
  readonly #guard: PgGuard;
  readonly #preparation: Preparation;
  readonly #timeoutMs: number;
  #state: "open" | "ended" | "lost" = "open";
  #lost: unknown;

  constructor(
    connection: PgConnection,
    settings: { readonly preparation: Preparation; readonly timeoutMs: number },
  ) {
    this.#connection = connection;
    this.#guard = new PgGuard(connection.client);
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
    const { rows } = await this.#run(statement, values, { timeoutMs });
    return rows as readonly R[]; // the statement's author knows its columns
  }

  async commit(): Promise<void> {
    await this.#commitBy(commit);
  }

  async commitAfter(statement: Statement, values: readonly Value[]): Promise<void> {
    this.#assertOpen();
    this.revoke();
    const { client } = this.#connection;
    // A session that was changed may have forgotten what it had prepared.
    const isChanged = this.#guard.sessionChanged;
    if (isChanged || !canTravelTogether(client, this.#preparation, [statement, preparedCommit])) {
      await this.query(isChanged ? { ...statement, name: "" } : statement, values);
      await this.#commitBy(isChanged ? commit : preparedCommit);
      return;
    }
    const ahead = { ...statement, values };
    assertCommitted(await this.#run(preparedCommit, [], { ahead }));
    this.#return();
  }

  async rollback(): Promise<void> {
    this.revoke();
    if (this.#state !== "open") return;
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

  async #commitBy(statement: Statement): Promise<void> {
    this.#assertOpen();
    this.revoke();
    try {
      assertCommitted(await this.#run(statement, []));
    } catch (error) {
      this.#end(() => {
        this.#connection.destroy();
      });
      throw error;
    }
    this.#return();
  }

  async #run(
    statement: Statement,
    values: readonly Value[],
    {
      timeoutMs = this.#timeoutMs,
      ahead,
    }: { readonly timeoutMs?: number; readonly ahead?: PreparedCall } = {},
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
    if (isOutsideTransaction(this.#connection.client)) throw endedBehindError();
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
