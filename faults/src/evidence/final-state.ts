import { Client } from "pg";
import type { Change, Window } from "./audit.ts";

/** A job that is still there. */
export interface LeftJob {
  readonly id: string;
  readonly n: number | null;
  readonly queue: string;
  readonly state: string;
  readonly attempt: number;
}

/** A row of Pawl's history. */
export interface Attempt {
  readonly id: string;
  /** Known in the last row of a job only, which keeps the payload. */
  readonly n: number | null;
  readonly attempt: number;
  readonly final: boolean;
  readonly outcome: string;
  readonly workerId: string | null;
  readonly claimNumber: string | null;
  readonly code: string | null;
  /** By the database's clock. */
  readonly finishedAtMs: number;
  /** The transaction that wrote it, without its epoch. */
  readonly xid: string;
}

/** One row that a handler wrote. */
export interface Effect {
  readonly n: number;
  readonly id: string;
  readonly attempt: number;
}

/** What the database says when a run is over and its processes are gone. */
export interface FinalState {
  readonly jobs: readonly LeftJob[];
  readonly attempts: readonly Attempt[];
  readonly effects: readonly Effect[];
  readonly changes: readonly Change[];
  readonly windows: readonly Window[];
  /** What other sessions were doing, and which advisory locks and prepared transactions there were. */
  readonly leftOver: readonly string[];
}

const jobs = `
  select id::text, (payload ->> 'n')::float8 as n, queue, state, attempt from pawl.jobs`;
const attempts = `
  select id::text, (payload ->> 'n')::float8 as n, attempt, final, outcome, worker_id::text as "workerId",
         claim_number::text as "claimNumber", error ->> 'code' as code,
         (extract(epoch from finished_at) * 1000)::float8 as "finishedAtMs", xmin::text as xid
    from pawl.history`;
const effects = `select n::float8 as n, id::text, attempt from effects`;
const changes = `
  select place::float8 as place, (extract(epoch from at) * 1000)::float8 as "atMs", (xid::text::bigint & 4294967295)::text as xid, xmin::text as "innerXid",
         id::text, before, after
    from audit order by place`;
const windows = `
  select distinct key, (extract(epoch from started_at) * 1000)::float8 as "startedAtMs" from windows order by key, 2`;
const leftOver = `
  select 'session: ' || coalesce(nullif(query, ''), application_name) as what from pg_stat_activity
   where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
  union all
  select 'advisory lock' from pg_locks
   where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
  union all
  select 'prepared transaction' from pg_prepared_xacts where database = current_database()`;

/** Reads it all on one connection. */
export async function readFinalState(url: string): Promise<FinalState> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const rowsOf = async <Row extends object>(text: string): Promise<Row[]> =>
    (await client.query<Row>(text)).rows;
  try {
    return {
      jobs: await rowsOf(jobs),
      attempts: await rowsOf(attempts),
      effects: await rowsOf(effects),
      changes: await rowsOf(changes),
      windows: await rowsOf(windows),
      leftOver: (await rowsOf<{ what: string }>(leftOver)).map(({ what }) => what),
    };
  } finally {
    await client.end();
  }
}
