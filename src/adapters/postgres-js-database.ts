import { ClosedError } from "../core/errors.ts";
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
import { classify, isPreparedStatementLost, sqlstate } from "../db/sqlstate.ts";
import { CallbackTransaction } from "./callback-transaction.ts";
import { ColumnNames } from "./column-names.ts";
import { hold, type HeldTransaction } from "./held-transaction.ts";
import { isPlainData } from "./plain-data.ts";
import { runOn, type Preparation } from "./postgres-js-client.ts";
import {
  PostgresJsConnection,
  type ConnectionEvents,
  type OpenPostgresJs,
  type PostgresJsOptions,
  type PostgresJsTransactionClient,
} from "./postgres-js-connection.ts";
import { PostgresJsGuard } from "./postgres-js-guard.ts";
import { joinClient } from "./postgres-js-join.ts";
import { PostgresJsPool } from "./postgres-js-pool.ts";
import { Subscription } from "./subscription.ts";

/** How a database by postgres.js reaches its server. */
export interface PostgresJsSettings {
  readonly open: OpenPostgresJs;
  readonly options: PostgresJsOptions;
  readonly timeoutMs: number;
  /** Undefined: where nothing stands between, which could lose them. */
  readonly preparedStatements: boolean | undefined;
  /** The module whose `openDatabase` opens this kind of database in another thread. */
  readonly module: string;
}

/** What another thread is told, to open the same database. */
export interface PostgresJsThreadConfig {
  readonly options: object;
  readonly queryTimeout: number;
  readonly preparedStatements: boolean | undefined;
}

const isolation: Statement = { name: "", text: queries["connections/isolation"] };
const beginOptions = queries["transactions/begin"].replace(/^begin /, "");
// The others are functions, or say nothing about how to connect.
const threadKeys: readonly string[] = [
  ...["host", "port", "path", "database", "user", "pass", "ssl", "sslnegotiation", "socket"],
  ...["connect_timeout", "keep_alive", "connection", "target_session_attrs"],
];

/** The port on connections of Pawl's own by postgres.js, with the options of the application's `sql`. */
export class PostgresJsDatabase implements Database {
  readonly #settings: PostgresJsSettings;
  readonly #pool: PostgresJsPool;
  readonly #preparation: Preparation;
  readonly #names: ColumnNames;
  #isReadCommitted: boolean | undefined;
  #closed: Promise<void> | undefined;

  constructor(settings: PostgresJsSettings, maxConnections: number) {
    this.#settings = settings;
    this.#preparation = { enabled: settings.preparedStatements };
    this.#names = new ColumnNames(settings.options.transform?.column?.from);
    this.#pool = new PostgresJsPool(maxConnections, () => this.#connect());
  }

  get maxConnections(): number {
    return this.#pool.size;
  }

  async query<R extends object>(
    statement: Statement,
    values: readonly Value[] = [],
    options: QueryOptions = {},
  ): Promise<readonly R[]> {
    const deadline = new Deadline(options.timeoutMs ?? this.#settings.timeoutMs);
    const run = (each: Statement): Promise<object[]> => this.#autocommit(each, values, deadline);
    const rows = await run(statement).catch((error: unknown) => {
      // It was refused before it ran, so it may run again, without the server's memory this time.
      if (isPreparedStatementLost(error)) return run({ name: "", text: statement.text });
      throw error;
    });
    return rows as R[]; // the statement's author knows its columns
  }

  async begin(): Promise<CallbackTransaction> {
    const deadline = new Deadline(this.#settings.timeoutMs);
    const connection = await this.#take(deadline);
    try {
      const held = await deadline.race(
        hold<PostgresJsTransactionClient>((callback) =>
          connection.sql.begin(beginOptions, callback),
        ),
      );
      return this.#transactionOn(connection, held);
    } catch (error) {
      this.#cut(connection);
      throw databaseError(error);
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

  dedicated(maxConnections: number): PostgresJsDatabase {
    const preparedStatements = this.#preparation.enabled;
    return new PostgresJsDatabase({ ...this.#settings, preparedStatements }, maxConnections);
  }

  join(db: unknown): Queryable {
    const { timeoutMs } = this.#settings;
    return joinClient(db, { preparation: this.#preparation, names: this.#names, timeoutMs });
  }

  async listen(channel: string, events: ListenEvents): Promise<Listener> {
    this.#assertNotClosed();
    const connection = this.#connect({
      notified: (from, payload) => {
        subscription.notify(from, payload);
      },
      closed: () => {
        subscription.lose(lostOf(connection));
      },
    });
    const session = {
      run: (statement: Statement, values: readonly Value[]) =>
        this.#run(connection, statement, values, new Deadline(this.#settings.timeoutMs)),
      end: () => connection.end(),
    };
    const subscription = new Subscription(session, channel, events);
    await subscription.start();
    return subscription;
  }

  threadConnection(): ThreadConnection | undefined {
    const { timeoutMs: queryTimeout, module } = this.#settings;
    const entries = threadKeys.map((key): [string, unknown] => [
      key,
      Reflect.get(this.#settings.options, key),
    ]);
    const options: object = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    if (!isPlainData(options)) return undefined;
    const preparedStatements = this.#preparation.enabled;
    return { module, config: { options, queryTimeout, preparedStatements } };
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.end(this.#settings.timeoutMs);
    return this.#closed;
  }

  #connect(events?: ConnectionEvents): PostgresJsConnection {
    return new PostgresJsConnection(this.#settings.open, this.#settings, events);
  }

  async #take(deadline: Deadline): Promise<PostgresJsConnection> {
    this.#assertNotClosed();
    return this.#pool.take(deadline);
  }

  #cut(connection: PostgresJsConnection): void {
    connection.destroy();
    this.#pool.give(connection);
  }

  async #run(
    connection: PostgresJsConnection,
    statement: Statement,
    values: readonly Value[],
    deadline: Deadline,
  ): Promise<object[]> {
    connection.assertUsable();
    const { sql } = connection;
    return runOn(sql, { statement, values, deadline, ...this.#shared });
  }

  get #shared(): { preparation: Preparation; names: ColumnNames } {
    return { preparation: this.#preparation, names: this.#names };
  }

  async #autocommit(
    statement: Statement,
    values: readonly Value[],
    deadline: Deadline,
  ): Promise<object[]> {
    const connection = await this.#take(deadline);
    try {
      this.#isReadCommitted ??= await this.#isReadCommittedOn(connection, deadline);
      const rows = this.#isReadCommitted
        ? await this.#run(connection, statement, values, deadline)
        : await this.#runReadCommitted(connection, statement, values, deadline);
      this.#pool.give(connection);
      return rows;
    } catch (error) {
      if (isHarmless(error)) this.#pool.give(connection);
      else this.#cut(connection);
      throw error;
    }
  }

  async #isReadCommittedOn(connection: PostgresJsConnection, deadline: Deadline): Promise<boolean> {
    const [row = {}] = await this.#run(connection, isolation, [], deadline);
    return Object.values(row).includes("read committed");
  }

  async #runReadCommitted(
    connection: PostgresJsConnection,
    statement: Statement,
    values: readonly Value[],
    deadline: Deadline,
  ): Promise<object[]> {
    let rows: object[] = [];
    const begun = connection.sql.begin(beginOptions, async (sql) => {
      rows = await runOn(sql, { statement, values, deadline, ...this.#shared });
    });
    await deadline.race(begun);
    return rows;
  }

  #transactionOn(
    connection: PostgresJsConnection,
    held: HeldTransaction<PostgresJsTransactionClient>,
  ): CallbackTransaction {
    const assertUsable = (): void => {
      connection.assertUsable();
    };
    const guard = new PostgresJsGuard(held.client, assertUsable);
    const session = {
      run: async (statement: Statement, values: readonly Value[], deadline: Deadline) => {
        assertUsable();
        return runOn(held.client, { statement, values, deadline, ...this.#shared });
      },
      commit: () => held.commit(),
      rollback: async () => {
        assertUsable();
        await held.rollback();
      },
      leave: () => {
        this.#pool.give(connection);
      },
      cut: () => {
        this.#cut(connection);
      },
    };
    return new CallbackTransaction(session, guard, this.#settings.timeoutMs);
  }

  #assertNotClosed(): void {
    if (this.#closed === undefined) return;
    throw new ClosedError("expected an open database, got one that was closed with `close()`");
  }
}

/** After a plain error of the server the session is as good as before. */
function isHarmless(error: unknown): boolean {
  return sqlstate(error) !== undefined && classify(error) !== "reconnect";
}

function lostOf(connection: PostgresJsConnection): unknown {
  try {
    connection.assertUsable();
    return undefined;
  } catch (error) {
    return error;
  }
}
