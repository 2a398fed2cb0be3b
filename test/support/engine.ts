import pg from "pg";
import { onTestFinished } from "vitest";
import {
  Pawl,
  type Database,
  type HistoryAttempt,
  type JobReference,
  type LeaseLostError,
  type SettledEvent,
  type TransactionClient,
  type Worker,
  type WorkerOptions,
} from "pawl";
import { pgDatabase } from "pawl/pg";
import { statements } from "#pawl/db/statements";
import type { Store } from "#pawl/store/store";
import { databaseUrl, freshSchemaName, pawlUrl } from "./database.ts";
import { eventually } from "./eventually.ts";

type Maybe<T> = T | undefined | null | false;

export interface EngineOptions {
  readonly url?: string;
  /** The connections of the application's pool. */
  readonly connections?: number;
  /** Settings of these connections, as the server's command line takes them. */
  readonly settings?: string;
  /** Puts something between Pawl and its database. */
  readonly wrap?: (database: Database) => Database;
}

/** A worker and what it has said so far. */
export interface ObservedWorker {
  readonly worker: Worker;
  readonly settled: SettledEvent[];
  readonly lost: LeaseLostError[];
  readonly errors: unknown[];
}

// The other tests use the processors at the same time.
const patienceMs = 10_000;

/** A Pawl in a fresh schema, with a table `notes` for handlers to write to; closed when the test has ended. */
export async function freshEngine(options: EngineOptions = {}): Promise<Engine> {
  const engine = new Engine(options);
  onTestFinished(() => engine.close());
  await engine.pawl.migrate();
  await engine.sql("create table notes (text text)");
  return engine;
}

/** A Pawl, its database, and ways to look at both. */
export class Engine {
  readonly schema = freshSchemaName();
  readonly url: string;
  /** The application's own pool, which its handlers may use. */
  readonly pool: pg.Pool;
  readonly pawl: Pawl;
  readonly store: Store<Database>;
  readonly #sql: pg.Pool;
  readonly #isPooled: boolean;

  constructor(given: EngineOptions) {
    const { url = databaseUrl(), connections = 10, settings, wrap } = given;
    this.url = url;
    // A pooler knows only the databases and the settings that it has been given.
    const isUsual = given.url === undefined && settings === undefined;
    const connectionString = isUsual ? pawlUrl() : url;
    this.#isPooled = connectionString !== url;
    this.pool = new pg.Pool({ connectionString, max: connections, options: settings });
    // Backends that a test ends would otherwise end the process.
    this.pool.on("error", () => undefined);
    const database = pgDatabase(this.pool);
    const db = wrap === undefined ? database : wrap(database);
    this.pawl = new Pawl({ database: db, schema: this.schema });
    this.store = { db, sql: statements(this.schema) };
    this.#sql = new pg.Pool({
      connectionString: url,
      max: 3,
      options: `-c search_path=${this.schema}`,
    });
    this.#sql.on("error", () => undefined);
  }

  /** Runs the test's own SQL, for which the schema is on the search path. */
  async sql<Row extends object = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    return (await this.#sql.query<Row>(text, [...values])).rows;
  }

  /** The rows of the test's own SQL, once there are any. */
  sqlUntil<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.until(async () => {
      const rows = await this.sql<Row>(text, values);
      return rows.length > 0 && rows;
    });
  }

  /** Waits for a fact as long as a busy machine may take. */
  until<T>(fact: () => Maybe<T> | Promise<Maybe<T>>): Promise<T> {
    return eventually(fact, { within: patienceMs });
  }

  /** A connection of the test's own, for transactions that stay open. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.url,
      options: `-c search_path=${this.schema}`,
    });
    client.on("error", () => undefined);
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  }

  /** Writes what `notes` gives back later, if the handler's transaction commits. */
  async write(tx: TransactionClient, text: string): Promise<void> {
    await tx.query(`insert into ${this.schema}.notes values ($1)`, [text]);
  }

  async notes(): Promise<string[]> {
    const rows = await this.sql<{ text: string }>("select text from notes order by text");
    return rows.map(({ text }) => text);
  }

  /** Starts a worker with a short lease, unless told otherwise. */
  async work(options: WorkerOptions): Promise<ObservedWorker> {
    const quick = { lease: "1s", pollInterval: "200ms", shutdownGrace: 0 };
    const worker = this.pawl.worker({ ...quick, ...options });
    const observed: ObservedWorker = { worker, settled: [], lost: [], errors: [] };
    worker.on("settled", (event) => observed.settled.push(event));
    worker.on("leaseLost", (error) => observed.lost.push(error));
    worker.on("error", (error) => {
      // Workers say that they cannot be woken, and work all the same.
      if (this.#isPooled && String(error).includes("a pooler in transaction mode")) return;
      observed.errors.push(error);
    });
    await worker.start();
    return observed;
  }

  /** All attempts of a job, once its last one has ended. */
  finished(job: JobReference): Promise<HistoryAttempt[]> {
    return this.attempts(job, (attempts) => attempts.at(-1)?.final === true);
  }

  /** The attempts of a job, once they are as expected. */
  attempts(
    job: JobReference,
    areExpected: (attempts: HistoryAttempt[]) => boolean,
  ): Promise<HistoryAttempt[]> {
    return this.until(async () => {
      const attempts = await this.pawl.history.attempts(job);
      return areExpected(attempts) && attempts;
    });
  }

  async close(): Promise<void> {
    await this.pawl.close();
    await this.store.db.close();
    await this.pool.end();
    await this.#sql.end();
  }
}
