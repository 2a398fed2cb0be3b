import {
  Pawl,
  type AnyTask,
  type PawlOptions,
  type Serializer,
  type Worker,
  type WorkerOptions,
} from "pawl";
import { Client } from "pg";
import { onTestFinished } from "vitest";
import { databaseUrl, execute, freshSchemaName } from "./database.ts";

/** A job as its row has it; times in milliseconds. */
export interface JobRow {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly state: string;
  readonly priority: number;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly correlation_id: string | null;
  readonly payload: unknown;
  readonly run_at_ms: number;
  readonly created_at_ms: number;
  /** The transaction that wrote it. */
  readonly xmin: string;
}

/** Makes a schema with Pawl's tables that nobody else has, until the test file has ended. */
export async function migratedSchema(url: string = databaseUrl()): Promise<string> {
  const schema = freshSchemaName();
  const pawl = new Pawl({ database: url, schema });
  await pawl.migrate();
  await pawl.close();
  return schema;
}

/** A Pawl on a schema, closed when the test has ended. */
export function openPawl<
  const Tasks extends readonly AnyTask[] = readonly [],
  Codec extends Serializer | undefined = undefined,
>(schema: string, options: PawlOptions<Tasks, Codec> = {}): Pawl<Tasks, Codec> {
  const pawl = new Pawl<Tasks, Codec>({ database: databaseUrl(), schema, ...options });
  onTestFinished(() => pawl.close());
  return pawl;
}

/** Starts a worker, and stops it when the test has ended. */
export async function startWorker(
  pawl: { worker(options: WorkerOptions): Worker },
  options: WorkerOptions,
): Promise<Worker> {
  const worker = pawl.worker({ lease: "30s", pollInterval: "50ms", ...options });
  onTestFinished(() => worker.stop({ grace: 0 }));
  await worker.start();
  return worker;
}

/** A client of the user's, closed when the test has ended. */
export async function connectClient(url: string = databaseUrl()): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  onTestFinished(() => client.end());
  await client.connect();
  return client;
}

/** A client of the user's in an open transaction. */
export async function beginTransaction(begin = "begin"): Promise<Client> {
  const client = await connectClient();
  await client.query(begin);
  return client;
}

/** The live jobs of a schema that others can see, in the order of their ids. */
export function jobsIn(schema: string): Promise<JobRow[]> {
  return execute<JobRow>(
    `select id::text, queue, task, state, priority, attempt, max_attempts, correlation_id, payload, xmin::text,
            (extract(epoch from run_at) * 1000)::float8 as run_at_ms,
            (extract(epoch from created_at) * 1000)::float8 as created_at_ms
       from ${schema}.jobs
      order by jobs.id, jobs.queue`,
  );
}

/** The only live job of a schema. */
export async function onlyJobIn(schema: string): Promise<JobRow> {
  const [job, ...others] = await jobsIn(schema);
  if (job === undefined || others.length > 0) {
    throw new Error(`expected one job, got ${job === undefined ? 0 : others.length + 1}`);
  }
  return job;
}

/** How many live jobs a schema has. */
export async function countJobs(schema: string): Promise<number> {
  const [row] = await execute<{ count: number }>(
    `select count(*)::integer as count from ${schema}.jobs`,
  );
  return row?.count ?? 0;
}

/** How an attempt ended, as its row has it. */
export interface HistoryRow {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly final: boolean;
  readonly correlation_id: string | null;
}

/** What became of the jobs of a schema: one row for each attempt, in the order they ended. */
export function historyOf(schema: string): Promise<HistoryRow[]> {
  return execute<HistoryRow>(
    `select id::text, task, attempt, outcome, final, correlation_id
       from ${schema}.history
      order by finished_at, id`,
  );
}

/** The server processes of connections to a database. */
export async function connectionsTo(url: string): Promise<number[]> {
  const database = new URL(url).pathname.slice(1);
  const rows = await execute<{ pid: number }>(
    "select pid from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
    [database],
  );
  return rows.map(({ pid }) => pid);
}

/** Whether a statement on a schema waits for a lock that somebody else holds. */
export async function isSomebodyWaiting(schema: string): Promise<boolean> {
  const rows = await execute(
    `select from pg_stat_activity
      where cardinality(pg_blocking_pids(pid)) > 0 and position($1 in query) > 0`,
    [schema],
  );
  return rows.length > 0;
}

/** What a promise was rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("expected a rejection");
    },
    (error: unknown) => error,
  );
}

/** What a function throws. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("expected something to be thrown");
}
