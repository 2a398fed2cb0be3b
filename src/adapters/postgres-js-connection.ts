import { DatabaseError } from "../core/errors.ts";
import type { PostgresJsClient } from "./postgres-js-client.ts";

/** What `sql.begin` gives its callback. */
export interface PostgresJsTransactionClient extends PostgresJsClient {
  savepoint(...values: unknown[]): Promise<unknown>;
}

/** What Pawl uses of the `sql` that the package `postgres` makes, by shape, so that no version of it is imported. */
export interface PostgresJsSql extends PostgresJsClient {
  readonly options: PostgresJsOptions;
  begin(
    options: string,
    callback: (sql: PostgresJsTransactionClient) => Promise<void>,
  ): Promise<unknown>;
  end(options?: { timeout: number }): Promise<unknown>;
}

/** The options of an `sql` as the driver has parsed them. */
export interface PostgresJsOptions {
  readonly max: number;
  readonly connect_timeout?: number | null;
  readonly prepare?: boolean;
  readonly connection?: object;
  readonly transform?: {
    readonly column?: { readonly from?: ((name: string) => string) | undefined };
    readonly row?: { readonly from?: unknown };
  };
  readonly onnotice?: unknown;
}

/** The function that the package `postgres` exports. */
export type OpenPostgresJs = (options: object) => PostgresJsSql;

export interface ConnectionEvents {
  notified?(channel: string, payload: string): void;
  closed?(): void;
}

/** One connection: an `sql` of its own with place for one, so that it can be cut and says when it has closed. */
export class PostgresJsConnection {
  readonly sql: PostgresJsSql;
  readonly #events: ConnectionEvents;
  #lost: DatabaseError | undefined;

  constructor(
    open: OpenPostgresJs,
    source: { readonly options: PostgresJsOptions; readonly timeoutMs: number },
    events: ConnectionEvents = {},
  ) {
    this.#events = events;
    this.sql = open(this.#optionsFrom(source.options, source.timeoutMs));
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** What is sent on a closed connection would end the process: the driver writes to a socket that is not there. */
  assertUsable(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Cuts the connection at once. */
  destroy(): void {
    void this.end();
  }

  /** Resolves when the connection has been given up. */
  async end(): Promise<void> {
    this.#lost ??= lostError();
    await this.sql.end({ timeout: 0 });
  }

  #optionsFrom(options: PostgresJsOptions, timeoutMs: number): object {
    const { connect_timeout: given, onnotice = ignoreNotice } = options;
    const timeoutSeconds = Math.max(1, Math.ceil(timeoutMs / 1_000));
    return {
      ...options,
      max: 1,
      // Each statement says for itself.
      prepare: true,
      // Whoever has the connection decides how long it lives.
      idle_timeout: null,
      max_lifetime: null,
      connect_timeout: Math.min(isPositive(given) ? given : timeoutSeconds, timeoutSeconds),
      // What the driver keeps of one `sql` is not for another.
      shared: { retries: 0, typeArrayMap: {} },
      parameters: {},
      no_subscribe: true,
      debug: false,
      onnotice,
      onparameter: undefined,
      onnotify: (channel: string, payload: string) => {
        this.#events.notified?.(channel, payload);
      },
      onclose: () => {
        this.#lost ??= lostError();
        this.#events.closed?.();
      },
    };
  }
}

function lostError(): DatabaseError {
  return new DatabaseError(
    "PAWL_DATABASE_UNAVAILABLE",
    "expected a connection to the database, got one that has ended",
  );
}

function isPositive(value: number | null | undefined): value is number {
  return typeof value === "number" && value > 0;
}

// Without a function, the driver writes notices to the console.
function ignoreNotice(): void {
  // Notices are for people.
}
