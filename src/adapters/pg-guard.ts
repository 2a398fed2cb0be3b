import type { TransactionError } from "../core/errors.ts";
import { effectsOf } from "../db/transaction-control.ts";
import type { PgClient } from "./pg-client.ts";
import { controlError, endedError } from "./transaction-errors.ts";

type Method = (this: unknown, ...values: unknown[]) => unknown;

const forbiddenMethods: ReadonlySet<PropertyKey> = new Set(["connect", "end", "release"]);

/** A client lent to a handler: the driver's own in every way, but its transaction cannot be ended. */
export class PgGuard {
  readonly handle: object;
  readonly #client: PgClient;
  readonly #methods = new Map<PropertyKey, { original: Method; guarded: Method }>();
  readonly #ownProperties = new Map<PropertyKey, unknown>();
  #isRevoked = false;
  #misuse: TransactionError | undefined;
  #sessionChanged = false;

  constructor(client: PgClient) {
    this.#client = client;
    this.handle = new Proxy(client, {
      get: (_, key) => this.#property(key),
      // Kept here, so that nothing a handler puts on its client outlives the transaction.
      set: (_, key, value) => {
        this.#ownProperties.set(key, value);
        return true;
      },
    });
  }

  /** The first thing the handler tried and may not do. */
  get misuse(): TransactionError | undefined {
    return this.#misuse;
  }

  /** Whether the handler left the session with other settings, which its next user must not meet. */
  get sessionChanged(): boolean {
    return this.#sessionChanged;
  }

  /** From here on every use is refused. */
  revoke(): void {
    this.#isRevoked = true;
  }

  assertNotRevoked(): void {
    if (this.#isRevoked) throw endedError();
  }

  #property(key: PropertyKey): unknown {
    if (this.#ownProperties.has(key)) return this.#ownProperties.get(key);
    const value: unknown = Reflect.get(this.#client, key, this.#client);
    if (typeof value !== "function" || key === "constructor") return value;
    return this.#guarded(key, value as Method); // the only thing known of it is that it can be called
  }

  #guarded(key: PropertyKey, original: Method): Method {
    const known = this.#methods.get(key);
    if (known?.original === original) return known.guarded;
    // A Proxy here too, because some of a client's properties are classes.
    const guarded = new Proxy(original, {
      apply: (_, __, values) => this.#call(key, original, values),
    });
    this.#methods.set(key, { original, guarded });
    return guarded;
  }

  #call(key: PropertyKey, original: Method, values: unknown[]): unknown {
    const refusal = this.#refusalOf(key, values[0]);
    if (refusal !== undefined) return refuse(key, values, refusal);
    const result: unknown = Reflect.apply(original, this.#client, values);
    // Who awaits it hears of its failure all the same; who does not must not end the process.
    if (result instanceof Promise) result.catch(() => undefined);
    return result === this.#client ? this.handle : result;
  }

  #refusalOf(key: PropertyKey, first: unknown): TransactionError | undefined {
    if (this.#isRevoked) return endedError();
    if (forbiddenMethods.has(key)) return this.#note(controlError(`\`${String(key)}()\``));
    if (key !== "query") return undefined;
    const effects = effectsOf(textOf(first));
    this.#sessionChanged ||= effects.changesSession;
    return effects.control === undefined
      ? undefined
      : this.#note(controlError(`\`${effects.control}\``));
  }

  #note(error: TransactionError): TransactionError {
    this.#misuse ??= error;
    return error;
  }
}

/** A query's text, as a string, a config, or an object that submits itself (pg-cursor, pg-query-stream). */
function textOf(query: unknown): string {
  if (typeof query === "string") return query;
  if (typeof query !== "object" || query === null) return "";
  if ("text" in query && typeof query.text === "string") return query.text;
  return "cursor" in query ? textOf(query.cursor) : "";
}

/** Refuses in the way the caller asked to hear: by callback, by a rejection, or by throwing. */
function refuse(key: PropertyKey, values: readonly unknown[], refusal: TransactionError): unknown {
  const [query] = values;
  const callback = values.find((value) => typeof value === "function") ?? callbackOf(query);
  if (key !== "query" || (callback === undefined && isSubmittable(query))) throw refusal;
  if (callback === undefined) return rejection(refusal);
  process.nextTick(callback as Method, refusal); // found by its type
  return undefined;
}

// A call that a handler does not await must not end the process with all its other jobs.
function rejection(refusal: TransactionError): Promise<never> {
  const rejected = Promise.reject(refusal);
  rejected.catch(() => undefined);
  return rejected;
}

function callbackOf(query: unknown): unknown {
  if (typeof query !== "object" || query === null || isSubmittable(query)) return undefined;
  const callback: unknown = Reflect.get(query, "callback");
  return typeof callback === "function" ? callback : undefined;
}

function isSubmittable(query: unknown): boolean {
  return (
    typeof query === "object" &&
    query !== null &&
    typeof Reflect.get(query, "submit") === "function"
  );
}
