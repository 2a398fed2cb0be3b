import { databaseError } from "../db/database-error.ts";
import { classify, sqlstate } from "../db/sqlstate.ts";
import { runOn, type PgCall, type PgClient, type PgResult } from "./pg-client.ts";

/** A client checked out of a pool. */
export interface PgPoolClient extends PgClient {
  release(destroy?: Error | boolean): void;
}

/** One checked-out connection: goes back to its pool once, and only when it is fit for use. */
export class PgConnection {
  readonly client: PgPoolClient;
  readonly #onReturned: () => void;
  #lost: Error | undefined;
  #isReturned = false;

  constructor(client: PgPoolClient, onReturned: () => void) {
    this.client = client;
    this.#onReturned = onReturned;
    client.on("error", this.#noteLoss);
  }

  /** Whether the driver knows of a transaction that somebody has left open on the connection. */
  get isInTransaction(): boolean {
    const status = this.client.getTransactionStatus?.();
    return status === "T" || status === "E";
  }

  async run(call: PgCall): Promise<PgResult> {
    try {
      return await runOn(this.client, call);
    } catch (error) {
      if (this.#lost === undefined || sqlstate(error) !== undefined) throw error;
      // The driver says only that the connection is gone; the event before said why.
      throw databaseError(this.#lost);
    }
  }

  /** Gives the connection back, or cuts it when the error says that it is not fit for use. */
  release(error?: unknown): void {
    this.#return(error !== undefined && !isHarmless(error));
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.#return(true);
  }

  #return(destroy: boolean): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    // The pool listens for errors from here on; only then may this listener go.
    this.client.release(destroy);
    this.client.removeListener("error", this.#noteLoss);
    this.#onReturned();
  }

  readonly #noteLoss = (error: Error): void => {
    this.#lost ??= error;
  };
}

/** After a plain error of the server the session is as good as before. */
function isHarmless(error: unknown): boolean {
  return sqlstate(error) !== undefined && classify(error) !== "reconnect";
}
