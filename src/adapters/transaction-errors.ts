import { DatabaseError, TransactionError } from "../core/errors.ts";

/** The error for a transaction that is over. */
export function endedError(): TransactionError {
  return new TransactionError(
    "PAWL_TRANSACTION_ENDED",
    "expected an open transaction, got one that has ended: a handler's `tx` must not be used after the handler " +
      "has returned, so await every call on it",
  );
}

/** The error for a handler that ends or nests its transaction. */
export function controlError(what: string): TransactionError {
  return new TransactionError(
    "PAWL_TRANSACTION_CONTROL",
    `expected a handler to leave its transaction open, got ${what}: Pawl commits after the handler has returned; ` +
      "throw to roll back, or use a savepoint for a part",
  );
}

/** The error for a commit that rolled back, which the server does not call one. */
export function notCommittedError(got: string, cause?: unknown): DatabaseError {
  return new DatabaseError(
    "PAWL_DATABASE_FAILED",
    `expected the server to commit, got ${got}: ` +
      "a statement of the transaction had failed before, so nothing was written",
    { cause },
  );
}
