-- The tables: live jobs, one immutable history row per settled attempt, workers, and what is known of queues, tasks, keys
-- and limits.
-- breaking: no

-- The time that decides about jobs: the database's clock, unless a test has set another for the transaction.
create function :"schema".now() returns timestamptz
language sql
volatile
as $$
  select coalesce(nullif(current_setting('pawl.clock', true), '')::timestamptz, clock_timestamp())
$$;

-- The order in which jobs with a concurrency key were enqueued, or joined their line.
create sequence :"schema".concurrency_order;

-- Live work only, so it stays small. Fixed-width columns first, payload last, so that rows are narrow. Queues are compared by
-- their bytes: that is how workers sort them too, and an update of the system's collations cannot spoil the keys. A page is
-- filled by less than half, so that it has room for what each of its jobs is when it has been claimed.
--
-- What may be in a column is checked where jobs come in: by the client, and by the function `enqueue`. Each check constraint
-- here would be parsed again by every statement, which made an enqueue of one job twice as slow.
create table :"schema".jobs (
  id uuid not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  claimed_at timestamptz,
  claim_number bigint,
  concurrency_order bigint,
  worker_id uuid,
  replay_of uuid,
  attempt integer not null default 0,
  failures integer not null default 0,
  max_attempts integer not null,
  concurrency_limit integer,
  concurrency_lane integer,
  rate_limit_weight integer,
  priority smallint not null default 0,
  crashes smallint not null default 0,
  suspected boolean not null default false,
  unique_until_claimed boolean,
  queue text collate "C" not null,
  task text not null,
  -- Where the indexes have the job. A plain job stays 'ready' for them while it runs: so its claim changes nothing that any
  -- index holds, and writes no entry to one (decision 0012). Statements that an index serves ask for this, others for state.
  indexed_as text not null check (indexed_as in ('scheduled', 'ready', 'blocked', 'running')),
  state text generated always as (case when worker_id is not null then 'running' else indexed_as end) stored,
  concurrency_key text collate "C",
  rate_limit_key text collate "C",
  unique_key text collate "C",
  flags text[],
  correlation_id text,
  cancel_reason text,
  last_error text,
  meta json,
  partial_results json,
  payload json not null,
  primary key (queue, id)
) with (fillfactor = 42, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);

-- Serves the claim: the scan starts at a cursor and reads in order. Plain jobs that run are in it as well.
create index jobs_ready on :"schema".jobs (queue, priority, run_at, id)
 where indexed_as = 'ready' and rate_limit_key is null;
-- Serves the claim of jobs with a rate limit.
create index jobs_limited on :"schema".jobs (queue, rate_limit_key, priority, run_at, id)
 where indexed_as = 'ready' and rate_limit_key is not null;
-- Serves the step that moves due jobs over to the ready index.
create index jobs_scheduled on :"schema".jobs (queue, run_at, id) where indexed_as = 'scheduled';
-- Serves the admission of jobs with a concurrency key: who is next, and which lanes are taken.
create index jobs_blocked on :"schema".jobs (queue, concurrency_key, priority, concurrency_order)
 where indexed_as = 'blocked';
create index jobs_lanes on :"schema".jobs (queue, concurrency_key, concurrency_lane) where concurrency_lane is not null;
-- At most one job has a unique key: while it lives, or until it is claimed, as its enqueue said.
create unique index jobs_unique on :"schema".jobs (queue, unique_key)
 where unique_key is not null and (indexed_as <> 'running' or not unique_until_claimed);

-- Which jobs each claim has taken: where to look for what a worker holds. Who holds a job is decided by its own row, so a row of
-- this table may stay when its jobs are gone, and it is removed when the worker holds none of them any more.
create table :"schema".claims (
  worker_id uuid not null,
  claim_number bigint not null,
  queue text collate "C" not null,
  ids uuid[] not null
) with (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- Random bytes: to compress them is a waste of time.
alter table :"schema".claims alter column ids set storage external;
-- Serves rescue and reconcile.
create index claims_of_worker on :"schema".claims (worker_id, claim_number);

-- Partitioned by the day a row expires, so that retention drops whole partitions. claim_number is there when the worker
-- settled the attempt itself: that is how it finds its own settle whose reply was lost.
create table :"schema".history (
  id uuid not null,
  created_at timestamptz not null,
  run_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz not null,
  expires_at timestamptz not null,
  claim_number bigint,
  worker_id uuid,
  replay_of uuid,
  attempt integer not null,
  final boolean not null,
  queue text collate "C" not null,
  task text not null,
  outcome text not null check (outcome in (
    'succeeded', 'failed', 'partial', 'snoozed', 'rate-limited', 'cancelled', 'released', 'crashed')),
  correlation_id text,
  error json,
  output json,
  payload json
) partition by range (expires_at);

-- Serves the look-up of a job's attempts, and the check that an id has not been enqueued before.
create index history_job on :"schema".history (queue, id);
-- Serves lists of what happened, newest first.
create index history_finished on :"schema".history (finished_at, id, attempt);

create table :"schema".workers (
  id uuid primary key,
  started_at timestamptz not null default :"schema".now(),
  heartbeat_at timestamptz not null default :"schema".now(),
  ended_at timestamptz,
  lease_ms double precision not null,
  concurrency integer not null,
  transaction_slots integer not null,
  pid integer not null,
  process_start bigint,
  crashed boolean not null default false,
  idle boolean not null default false,
  swept boolean not null default false,
  name text not null,
  host text not null,
  machine text,
  version text not null,
  queues text[],
  tasks text[],
  transactional text[] not null
) with (fillfactor = 50);

-- A row exists only for a queue about which there is something to say.
-- rewinds counts how often jobs went back to the front of the queue: a claimer whose cursors are older starts again.
create table :"schema".queues (
  name text collate "C" primary key,
  rewinds bigint not null default 0,
  paused boolean not null default false
) with (fillfactor = 50);

-- What the workers have said of the tasks they handle, for whoever settles a job without its worker.
create table :"schema".tasks (
  name text collate "C" primary key,
  seen_at timestamptz not null default :"schema".now(),
  retention_ms double precision,
  keep text check (keep in ('all', 'failures', 'none')),
  paused boolean not null default false
);

-- Tells workers of jobs with a concurrency key or a rate limit that have come, or come back. Written without a lock, in
-- whatever transaction the job moves; read and removed by whoever admits jobs: see 0011-admission.sql. is_enqueue: the
-- limits are news, and win over what is known.
create table :"schema".arrivals (
  xid bigint not null default pg_current_xact_id()::text::bigint,
  capacity integer,
  concurrency_limit integer,
  interval_ms double precision,
  is_enqueue boolean not null default false,
  is_sliding boolean,
  queue text collate "C" not null,
  concurrency_key text collate "C",
  rate_limit_key text collate "C"
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Serve the look for arrivals, from the oldest transaction that was running at the last look: in one queue, and in any.
create index arrivals_of_queue on :"schema".arrivals (queue, xid);
create index arrivals_new on :"schema".arrivals (xid);
-- Serves the check of a rate limit that was registered, and that nobody has taken note of yet.
create index arrivals_registered on :"schema".arrivals (rate_limit_key, xid) where capacity is not null;

-- The lock under which jobs of a key are admitted, and how many may run at a time.
create table :"schema".concurrency_keys (
  queue text collate "C" not null,
  key text collate "C" not null,
  max_running integer not null check (max_running > 0),
  primary key (queue, key)
) with (fillfactor = 70);

-- Lanes that stay taken although their job was taken from its worker: the handler may still run. Until the worker says that
-- it has returned, or the worker's lease has ended.
create table :"schema".concurrency_holds (
  queue text collate "C" not null,
  key text collate "C" not null,
  lane integer not null,
  worker_id uuid not null,
  claim_number bigint not null,
  id uuid not null,
  primary key (queue, key, lane, worker_id, claim_number, id)
);

create table :"schema".rate_limits (
  key text collate "C" primary key check (octet_length(key) between 1 and 255),
  capacity integer not null check (capacity > 0),
  interval_ms double precision not null check (interval_ms > 0),
  is_sliding boolean not null default false,
  window_started_at timestamptz,
  used integer not null default 0,
  held_until timestamptz
) with (fillfactor = 50);

-- The starts that count against a sliding limit.
create table :"schema".rate_limit_starts (
  key text collate "C" not null,
  started_at timestamptz not null,
  weight integer not null
);
create index rate_limit_starts_recent on :"schema".rate_limit_starts (key, started_at);

-- The keys for which jobs of a queue wait, and when to look at each again.
create table :"schema".rate_limit_lines (
  queue text collate "C" not null,
  key text collate "C" not null,
  next_at timestamptz not null,
  primary key (queue, key)
) with (fillfactor = 50);
create index rate_limit_lines_next on :"schema".rate_limit_lines (queue, next_at);

-- Unique keys of the mode "throttle": until when an enqueue is answered with the job that was enqueued then.
create table :"schema".throttles (
  queue text collate "C" not null,
  key text collate "C" not null,
  until timestamptz not null,
  id uuid not null,
  primary key (queue, key)
);

-- The regular work of the maintenance. Whoever takes a due row does it.
create table :"schema".chores (
  name text primary key,
  due_at timestamptz not null default :"schema".now(),
  done_at timestamptz
);
