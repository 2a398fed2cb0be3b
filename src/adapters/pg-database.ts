import { ClosedError, DatabaseError } from "../core/errors.ts";
import { withDeadline } from "../core/wait.ts";
import type {
  Database,
  Listener,
  ListenEvents,
  Queryable,
  QueryOptions,
  Statement,
  ThreadConnection,
  Value,
} from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { isPreparedStatementLost } from "../db/sqlstate.ts";
import { canTravelTogether, type PreparedCall } from "./pg-behind.ts";
import { ignoreErrorEvent, type PgResult, type Preparation } from "./pg-client.ts";
import { PgConnection, type PgPoolClient } from "./pg-connection.ts";
import { joinClient } from "./pg-join.ts";
import { listen } from "./pg-listener.ts";
import { copyableOptions, openSibling, sizeOf, type PoolLike } from "./pg-pool.ts";
import { assertCommitted, PgTransaction } from "./pg-transaction.ts";

/** How a database talks to its server, whichever pool it has. */
export interface PgSettings {
  readonly timeoutMs: number;
  /** Undefined: where nothing stands between, which could lose them. */
  readonly preparedStatements: boolean | undefined;
  /** The module whose `openDatabase` opens this kind of database in another thread. */
  readonly module: string;
}

/** What another thread is told, to open the same database. */
export interface PgThreadConfig {
  readonly options: object;
  readonly queryTimeout: number;
  readonly preparedStatements: boolean | undefined;
}

const begin: Statement = { name: "", text: queries["transactions/begin"] };
const preparedBegin: Statement = { ...begin, name: "pawl_begin" };
const commit: Statement = { name: "", text: queries["transactions/commit"] };
const isolation: Statement = { name: "", text: queries["connections/isolation"] };

// The pool takes its own listener off before it hands a client over, and a server that ends the session in that moment
// would end the process.
function guardFromStart(client: PgPoolClient): void {
  client.on("error", ignoreErrorEvent);
}

/** The port on a pool of `pg`. */
export class PgDatabase implements Database {
  readonly #pool: PoolLike;
  readonly #ownsPool: boolean;
  readonly #settings: PgSettings;
  readonly #preparation: Preparation;
  readonly #connections = new Set<PgConnection>();
  #isReadCommitted: boolean | undefined;
  #closed: Promise<void> | undefined;

  constructor(source: { readonly pool: PoolLike; readonly owned: boolean }, settings: PgSettings) {
    this.#pool = source.pool;
    this.#ownsPool = source.owned;
    this.#settings = settings;
    this.#preparation = { enabled: settings.preparedStatements };
    this.#pool.on("error", ignoreErrorEvent);
    this.#pool.on("connect", guardFromStart);
  }

  get maxConnections(): number {
    return sizeOf(this.#pool);
  }

  async query<R extends object>(
    statement: Statement,
    values: readonly Value[] = [],
    options: QueryOptions = {},
  ): Promise<readonly R[]> {
    const deadline = new Deadline(options.timeoutMs ?? this.#settings.timeoutMs);
    const isAlone = options.outsideTransaction ?? false;
    const run = (each: Statement): Promise<PgResult> =>
      this.#autocommit({ statement: each, values, isAlone }, deadline);
    const { rows } = await run(statement).catch((error: unknown) => {
      // It was refused before it ran, so it may run again, without the server's memory this time.
      if (isPreparedStatementLost(error)) return run({ name: "", text: statement.text });
      throw error;
    });
    return rows as readonly R[]; // the statement's author knows its columns
  }

  async begin(): Promise<PgTransaction> {
    const deadline = new Deadline(this.#settings.timeoutMs);
    const connection = await this.#checkOut(deadline);
    try {
      await this.#runner(connection, deadline)(begin);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return this.#transactionOn(connection);
  }

  async beginWith(
    statement: Statement,
    values: readonly Value[],
  ): Promise<{ tx: PgTransaction; rows: readonly object[] }> {
    const deadline = new Deadline(this.#settings.timeoutMs);
    const connection = await this.#checkOut(deadline);
    const run = this.#runner(connection, deadline);
    try {
      const ahead = canTravelTogether(connection.client, this.#preparation, [
        preparedBegin,
        statement,
      ])
        ? { ...preparedBegin, values: [] }
        : undefined;
      if (ahead === undefined) await run(preparedBegin);
      const { rows } = await run(statement, values, ahead);
      return { tx: this.#transactionOn(connection), rows };
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const tx = await this.begin();
    try {
      const result = await work(tx);
      await tx.commit();
      return result;
    } catch (error) {
      await tx.rollback();
      throw error;
    }
  }

  dedicated(maxConnections: number): PgDatabase {
    const pool = openSibling(this.#pool, maxConnections, this.#settings.timeoutMs);
    const preparedStatements = this.#preparation.enabled;
    return new PgDatabase({ pool, owned: true }, { ...this.#settings, preparedStatements });
  }

  join(db: unknown): Queryable {
    const { timeoutMs } = this.#settings;
    return joinClient(db, { preparation: this.#preparation, timeoutMs });
  }

  async listen(channel: string, events: ListenEvents): Promise<Listener> {
    this.#assertNotClosed();
    const { timeoutMs } = this.#settings;
    const own = this.dedicated(1);
    const end = (): Promise<void> => own.close();
    try {
      const connection = await own.#checkOut(new Deadline(timeoutMs));
      return await listen({ connection, channel, events, timeoutMs, end });
    } catch (error) {
      await end();
      throw error;
    }
  }

  threadConnection(): ThreadConnection | undefined {
    const options = copyableOptions(this.#pool);
    if (options === undefined) return undefined;
    const { timeoutMs: queryTimeout, module } = this.#settings;
    const preparedStatements = this.#preparation.enabled;
    return { module, config: { options, queryTimeout, preparedStatements } };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (!this.#ownsPool) {
      this.#pool.removeListener("error", ignoreErrorEvent);
      this.#pool.removeListener("connect", guardFromStart);
      return;
    }
    const { timeoutMs } = this.#settings;
    const late = (): Error =>
      new DatabaseError("PAWL_DATABASE_TIMEOUT", "connections still in use");
    // The listener stays: connections that are being cut may still have something to say.
    await withDeadline(this.#pool.end(), timeoutMs, late).catch(() => {
      for (const connection of this.#connections) connection.destroy();
    });
  }

  #transactionOn(connection: PgConnection): PgTransaction {
    const { timeoutMs } = this.#settings;
    return new PgTransaction(connection, { preparation: this.#preparation, timeoutMs });
  }

  async #autocommit({ isAlone, ...call }: Call, deadline: Deadline): Promise<PgResult> {
    const connection = await this.#checkOut(deadline);
    const run = this.#runner(connection, deadline);
    try {
      this.#isReadCommitted ??= await isReadCommittedByDefault(run);
      const result = await (this.#isReadCommitted || isAlone
        ? run(call.statement, call.values)
        : runReadCommitted(connection, run, call));
      connection.release();
      return result;
    } catch (error) {
      connection.release(error);
      throw error;
    }
  }

  #runner(connection: PgConnection, deadline: Deadline): Run {
    return (statement, values = [], ahead) =>
      connection.run({ statement, values, deadline, preparation: this.#preparation, ahead });
  }

  async #checkOut(deadline: Deadline): Promise<PgConnection> {
    this.#assertNotClosed();
    for (let tries = 0; tries <= this.maxConnections; tries += 1) {
      const connection = this.#adopt(await this.#connect(deadline));
      if (!connection.isInTransaction) return connection;
      // Somebody has released it with a transaction open: what runs there now might never be committed.
      connection.destroy();
    }
    throw new DatabaseError(
      "PAWL_DATABASE_FAILED",
      "expected the pool to give idle connections, got only ones with an open transaction: " +
        "commit or roll back before you release a client",
    );
  }

  async #connect(deadline: Deadline): Promise<PgPoolClient> {
    let connecting: Promise<PgPoolClient> | undefined;
    try {
      connecting = this.#pool.connect();
      return await deadline.race(connecting);
    } catch (error) {
      // A client that comes after the deadline goes straight back.
      connecting?.then(
        (client) => {
          client.release();
        },
        () => undefined,
      );
      throw databaseError(error);
    }
  }

  #adopt(client: PgPoolClient): PgConnection {
    const connection = new PgConnection(client, () => this.#connections.delete(connection));
    this.#connections.add(connection);
    return connection;
  }

  #assertNotClosed(): void {
    if (this.#closed === undefined) return;
    throw new ClosedError("expected an open database, got one that was closed with `close()`");
  }
}

interface Call {
  readonly statement: Statement;
  readonly values: readonly Value[];
  /** Whether nothing may be put around the statement. */
  readonly isAlone: boolean;
}

type Run = (
  statement: Statement,
  values?: readonly Value[],
  ahead?: PreparedCall,
) => Promise<PgResult>;

async function isReadCommittedByDefault(run: Run): Promise<boolean> {
  const { rows } = await run(isolation);
  return Object.values(rows[0] ?? {}).includes("read committed");
}

async function runReadCommitted(
  connection: PgConnection,
  run: Run,
  call: Omit<Call, "isAlone">,
): Promise<PgResult> {
  try {
    await run(begin);
    const result = await run(call.statement, call.values);
    assertCommitted(await run(commit));
    return result;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}
