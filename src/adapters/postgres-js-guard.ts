import { queries } from "../db/sql.generated.ts";
import { effectsOf } from "../db/transaction-control.ts";
import type { TransactionError } from "../core/errors.ts";
import type { TransactionGuard } from "./callback-transaction.ts";
import type { PostgresJsQuery } from "./postgres-js-client.ts";
import type { PostgresJsTransactionClient } from "./postgres-js-connection.ts";
import { controlError, endedError } from "./transaction-errors.ts";

type Method = (this: unknown, ...values: unknown[]) => unknown;

/** A query as the driver keeps it: it is handed to `handler` when it is to run, alone or with those put into it. */
interface PendingQuery extends PostgresJsQuery {
  readonly strings: readonly string[];
  readonly args: readonly unknown[];
  handler: ((query: PendingQuery) => void) & { debug?: unknown };
  reject(error: unknown): void;
}

/** The `sql` of a transaction lent to a handler: the driver's own in every way, but its transaction cannot be ended. */
export class PostgresJsGuard implements TransactionGuard {
  readonly handle: object;
  readonly #assertUsable: () => void;
  #isRevoked = false;
  #misuse: TransactionError | undefined;
  #sessionChanged = false;

  constructor(client: PostgresJsTransactionClient, assertUsable: () => void) {
    this.#assertUsable = assertUsable;
    this.handle = this.#guard(client);
  }

  get misuse(): TransactionError | undefined {
    return this.#misuse;
  }

  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  get sessionChanged(): boolean {
    return this.#sessionChanged;
  }

  /** From here on every use is refused. */
  revoke(): void {
    this.#isRevoked = true;
  }

  #guard(client: PostgresJsTransactionClient): PostgresJsTransactionClient {
    const methods = new Map<PropertyKey, unknown>([
      ["savepoint", (...values: unknown[]) => this.#savepoint(client, values)],
      ["prepare", () => this.#refuse(this.#note(controlError("`prepare()`")))],
      // The driver's own would run outside the transaction, on a connection that this one keeps it from getting.
      ["notify", (...values: unknown[]) => this.#watched(notify(client, values))],
    ]);
    return new Proxy(client, {
      apply: (target, _, values) =>
        this.#watched(Reflect.apply(target as never, undefined, values)),
      get: (target, key) => {
        const known = methods.get(key);
        if (known !== undefined) return known;
        const value: unknown = Reflect.get(target, key, target);
        if (key !== "unsafe" && key !== "file") return value;
        const method = (...values: unknown[]): unknown =>
          this.#watched(Reflect.apply(value as Method, target, values)); // both are functions of the driver
        methods.set(key, method);
        return method;
      },
      // Kept here, so that nothing a handler puts on its `sql` changes the driver's.
      set: (_, key, value) => {
        methods.set(key, value);
        return true;
      },
    });
  }

  /** Has a query ask before it runs, which is when it is awaited, or with the query into which it is put. */
  #watched(made: unknown): unknown {
    if (!isPending(made)) return made;
    const run = made.handler;
    const guarded = (query: PendingQuery): void => {
      const refusal = this.#refusalOf(textOf(query));
      if (refusal === undefined) {
        run(query);
        return;
      }
      query.catch(() => undefined);
      query.reject(refusal);
    };
    made.handler = Object.assign(guarded, { debug: run.debug });
    return made;
  }

  #savepoint(client: PostgresJsTransactionClient, values: unknown[]): Promise<unknown> {
    if (this.#isRevoked) return this.#refuse(endedError());
    const [first] = values;
    if (isTemplate(first)) {
      return client.savepoint((sql: PostgresJsTransactionClient) =>
        Reflect.apply(this.#guard(sql) as never, undefined, values),
      );
    }
    const guarded = values.map((value) =>
      typeof value === "function"
        ? (sql: PostgresJsTransactionClient) => (value as Method)(this.#guard(sql))
        : value,
    );
    return client.savepoint(...guarded);
  }

  #refusalOf(text: string): Error | undefined {
    if (this.#isRevoked) return endedError();
    try {
      this.#assertUsable();
    } catch (error) {
      return error as Error; // its own
    }
    const effects = effectsOf(text);
    this.#sessionChanged ||= effects.changesSession;
    return effects.control === undefined
      ? undefined
      : this.#note(controlError(`\`${effects.control}\``));
  }

  #note(error: TransactionError): TransactionError {
    this.#misuse ??= error;
    return error;
  }

  // A call that a handler does not await must not end the process with all its other jobs.
  #refuse(refusal: Error): Promise<never> {
    const refused = Promise.reject(refusal);
    refused.catch(() => undefined);
    return refused;
  }
}

function notify(client: PostgresJsTransactionClient, [channel, payload]: unknown[]): unknown {
  return client.unsafe(queries["connections/notify"], [channel, payload], {
    prepare: false,
    simple: false,
  });
}

function isPending(made: unknown): made is PendingQuery {
  if (typeof made !== "object" || made === null) return false;
  return "handler" in made && typeof made.handler === "function" && "strings" in made;
}

function isTemplate(value: unknown): boolean {
  return Array.isArray(value) && "raw" in value;
}

/** A query's text with the queries put into it; values are left out. */
function textOf({ strings, args }: PendingQuery): string {
  return strings
    .map((part, place) => (place === 0 ? part : fragmentOf(args[place - 1]) + part))
    .join("");
}

function fragmentOf(value: unknown): string {
  if (isPending(value)) return textOf(value);
  if (Array.isArray(value) && isPending(value[0])) return value.map(fragmentOf).join(" ");
  return "$1";
}
