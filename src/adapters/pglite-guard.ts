import { effectsOf } from "../db/transaction-control.ts";
import type { TransactionError } from "../core/errors.ts";
import type { TransactionGuard } from "./callback-transaction.ts";
import type { PgliteTransactionClient } from "./pglite-client.ts";
import { controlError, endedError } from "./transaction-errors.ts";

type Method = (...values: unknown[]) => Promise<unknown>;

/** A PGlite transaction lent to a handler: the driver's own in every way, but it cannot be ended. */
export class PgliteGuard implements TransactionGuard {
  readonly handle: object;
  /** The session is the application's, with the settings that its handlers make. */
  readonly sessionChanged = false;
  #isRevoked = false;
  #misuse: TransactionError | undefined;

  constructor(client: PgliteTransactionClient) {
    const ownProperties = new Map<PropertyKey, unknown>();
    this.handle = new Proxy(client, {
      get: (target, key) => {
        if (ownProperties.has(key)) return ownProperties.get(key);
        if (key === "closed") return this.#isRevoked || target.closed;
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        const guarded = (...values: unknown[]): Promise<unknown> =>
          this.#call(key, () => (value as Method).apply(target, values), values[0]); // all of its methods are like this
        ownProperties.set(key, guarded);
        return guarded;
      },
      // Kept here, so that nothing a handler puts on its transaction changes the driver's.
      set: (_, key, value) => {
        ownProperties.set(key, value);
        return true;
      },
    });
  }

  get misuse(): TransactionError | undefined {
    return this.#misuse;
  }

  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  /** From here on every use is refused. */
  revoke(): void {
    this.#isRevoked = true;
  }

  #call(key: PropertyKey, call: () => Promise<unknown>, first: unknown): Promise<unknown> {
    const refusal = this.#refusalOf(key, first);
    const result = refusal === undefined ? call() : Promise.reject(refusal);
    // Who awaits it hears of its failure all the same; who does not must not end the process.
    result.catch(() => undefined);
    return result;
  }

  #refusalOf(key: PropertyKey, first: unknown): TransactionError | undefined {
    if (this.#isRevoked) return endedError();
    if (key === "rollback") return this.#note(controlError("`rollback()`"));
    const { control } = effectsOf(textOf(first));
    return control === undefined ? undefined : this.#note(controlError(`\`${control}\``));
  }

  #note(error: TransactionError): TransactionError {
    this.#misuse ??= error;
    return error;
  }
}

/** A query's text: given as it is, or as the parts of a template. */
function textOf(first: unknown): string {
  if (typeof first === "string") return first;
  return Array.isArray(first) ? first.join("$1") : "";
}
