import { escapeIdentifier, type Pool, type PoolClient } from "pg";

/** A row of `files`; a file that could not be read any more has a path only. */
export interface FileRow {
  readonly path: string;
  readonly sha256: string | null;
  readonly version: string | null;
}

/** What the history says about the run. */
export interface Figures {
  /** Attempts that started. */
  readonly attempts: number;
  readonly failedAttempts: number;
  /** Jobs that were running in a killed worker, and ran again. */
  readonly rerunJobs: number;
}

/** The demo's own table, and what the demo asks of Pawl's. */
export class Tables {
  readonly #pool: Pool;
  readonly #schema: string;

  constructor(pool: Pool, schema: string) {
    this.#pool = pool;
    this.#schema = escapeIdentifier(schema);
  }

  /** Makes the table of the files: without a unique constraint, so that only Pawl keeps a file from having two rows. */
  async create(): Promise<void> {
    await this.#pool.query(
      `create table ${this.#schema}.files (path text not null, sha256 text, bytes bigint, lines bigint, version text)`,
    );
  }

  /** Runs `work` in one transaction. */
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query("begin");
      const value = await work(client);
      await client.query("commit");
      client.release();
      return value;
    } catch (error) {
      client.release(true); // which rolls it back
      throw error;
    }
  }

  /** How many files are indexed, and how many jobs are not done. */
  async progress(): Promise<{ indexed: number; live: number }> {
    return this.#one(
      `select (select count(*)::integer from ${this.#schema}.files) as indexed,
              (select count(*)::integer from ${this.#schema}.jobs) as live`,
    );
  }

  /** How many running jobs a worker holds, and when that was by the database's clock. */
  async heldBy(workerId: string): Promise<{ held: number; at: Date }> {
    return this.#one(
      `select count(*)::integer as held, clock_timestamp() as at
         from ${this.#schema}.jobs
        where worker_id = $1 and state = 'running'`,
      [workerId],
    );
  }

  /** How many running jobs a killed worker has left behind, whether or not they have been taken from it. */
  async leftBy(workerId: string): Promise<number> {
    const row = await this.#one<{ left: number }>(
      `select (select count(*)::integer from ${this.#schema}.jobs
                where worker_id = $1 and state = 'running')
            + (select count(*)::integer from ${this.#schema}.history
                where worker_id = $1 and outcome in ('crashed', 'released')) as left`,
      [workerId],
    );
    return row.left;
  }

  async figures(): Promise<Figures> {
    return this.#one(
      `select count(*) filter (where outcome <> 'released')::integer as attempts,
              count(*) filter (where outcome = 'failed')::integer as "failedAttempts",
              count(distinct id) filter (where outcome = 'crashed' and exists (
                select from ${this.#schema}.history as later
                 where later.queue = history.queue and later.id = history.id
                   and later.attempt > history.attempt and later.outcome = 'succeeded'
              ))::integer as "rerunJobs"
         from ${this.#schema}.history`,
    );
  }

  /** When the last job of a killed worker was taken from it, by the database's clock. */
  async rescuedAt(workerId: string): Promise<Date | null> {
    const row = await this.#one<{ at: Date | null }>(
      `select max(finished_at) as at
         from ${this.#schema}.history
        where worker_id = $1 and outcome in ('crashed', 'released')`,
      [workerId],
    );
    return row.at;
  }

  async rows(): Promise<FileRow[]> {
    const { rows } = await this.#pool.query<FileRow>(
      `select path, sha256, version from ${this.#schema}.files`,
    );
    return rows;
  }

  async #one<Row extends object>(text: string, values: unknown[] = []): Promise<Row> {
    const { rows } = await this.#pool.query<Row>(text, values);
    const [row] = rows;
    if (row === undefined) throw new Error("expected one row, got none");
    return row;
  }
}
