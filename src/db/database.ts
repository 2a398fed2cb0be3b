/** One SQL statement. An empty name is never prepared; without values its text may hold several statements. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** What a statement takes. A list travels as one text: an array literal or JSON. */
export type Value = string | number | boolean | null;

export interface QueryOptions {
  /** The deadline of this call, with the wait for a connection; the database's own when left out. */
  timeoutMs?: number;
  /** Runs the statement by itself, whatever the default isolation is: some refuse a transaction block around them. */
  outsideTransaction?: boolean;
}

export interface Queryable {
  /**
   * Runs one statement. Columns come back as text, number (int2, int4, float4, float8), boolean or null, whatever type
   * parsers the application has set.
   */
  query<R extends object>(
    statement: Statement,
    values?: readonly Value[],
    options?: QueryOptions,
  ): Promise<readonly R[]>;
}

/** A transaction of Pawl's own, which it may lend to a handler. */
export interface Transaction extends Queryable {
  /**
   * The driver's own client for a handler, guarded: ending or nesting the transaction, `release()` and `end()` are
   * refused and remembered in `misuse`; after `revoke()` every use is refused.
   */
  readonly handle: object;
  readonly misuse: Error | undefined;
  revoke(): void;
  /**
   * Runs a handler so that a call which it makes beside the transaction can be told, where there is no other session for
   * it: it would wait for its own end.
   */
  enter?<T>(work: () => T): T;
  /** Rejects unless the server says that it committed. */
  commit(): Promise<void>;
  /**
   * Runs one more statement and commits, in a single round trip where it can; when the statement fails, there is a
   * transaction to roll back. Missing where the driver has no such way.
   */
  commitAfter?(statement: Statement, values: readonly Value[]): Promise<void>;
  /** Never rejects: a connection that cannot roll back is cut. */
  rollback(): Promise<void>;
  /** Cuts the connection at once. */
  destroy(): void;
}

export interface Listener {
  close(): Promise<void>;
}

export interface ListenEvents {
  /** With what the notification says. */
  notified(payload: string): void;
  /** Called once when the subscription ends by itself. */
  lost(error: unknown): void;
}

/** What a thread needs to open a database of its own: a module that exports `openDatabase(config)`. */
export interface ThreadConnection {
  module: string;
  config: unknown;
}

/** The port between Pawl and a PostgreSQL driver. */
export interface Database extends Queryable {
  readonly maxConnections: number;
  begin(): Promise<Transaction>;
  /** Begins and runs a first statement, in a single round trip where it can. Missing where the driver has no such way. */
  beginWith?(
    statement: Statement,
    values: readonly Value[],
  ): Promise<{ tx: Transaction; rows: readonly object[] }>;
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** A database on connections of its own: same server and credentials, ended by its own `close()`. */
  dedicated(maxConnections: number): Database;
  /** The caller's open transaction in the driver's own form. */
  join(db: unknown): Queryable;
  /** Listens on a connection of its own. */
  listen(channel: string, events: ListenEvents): Promise<Listener>;
  /** Undefined when a thread cannot connect by itself. */
  threadConnection(): ThreadConnection | undefined;
  /** Ends what the adapter opened, and nothing else. */
  close(): Promise<void>;
}
