-- The tables: live jobs, one immutable history row per settled attempt, workers, queues.
-- breaking: no

-- Live work only, so it stays small. Fixed-width columns first, payload last, so that rows are narrow. Queues are compared by
-- their bytes: that is how workers sort them too, and an update of the system's collations cannot spoil the keys.
create table :"schema".jobs (
  id uuid not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  claimed_at timestamptz,
  claim_number bigint,
  worker_id uuid,
  attempt integer not null default 0,
  failures integer not null default 0,
  max_attempts integer not null check (max_attempts > 0),
  priority smallint not null default 0,
  crashes smallint not null default 0,
  suspected boolean not null default false,
  queue text collate "C" not null check (octet_length(queue) between 1 and 63),
  task text not null check (octet_length(task) between 1 and 255),
  state text not null check (state in ('scheduled', 'ready', 'blocked', 'running')),
  correlation_id text,
  last_error text,
  partial_results json,
  payload json not null,
  primary key (queue, id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);

-- Serves the claim: the scan starts at a cursor and reads in order.
create index jobs_ready on :"schema".jobs (queue, priority, run_at, id) where state = 'ready';
-- Serves the step that moves due jobs over to the ready index.
create index jobs_scheduled on :"schema".jobs (queue, run_at, id) where state = 'scheduled';
-- Serves rescue and reconcile: what one worker holds, by its own claim number.
create index jobs_running on :"schema".jobs (worker_id, claim_number) where state = 'running';

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
create index history_job on :"schema".history (queue, id, attempt);

create table :"schema".workers (
  id uuid primary key,
  started_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  lease_ms double precision not null,
  concurrency integer not null,
  transaction_slots integer not null,
  pid integer not null,
  crashed boolean not null default false,
  idle boolean not null default false,
  swept boolean not null default false,
  name text not null,
  host text not null,
  version text not null,
  queues text[],
  tasks text[] not null,
  transactional text[] not null
) with (fillfactor = 50);

-- A row exists only for a queue about which there is something to say.
-- rewinds counts how often jobs went back to the front of the queue: a claimer whose cursors are older starts again.
create table :"schema".queues (
  name text collate "C" primary key,
  rewinds bigint not null default 0
) with (fillfactor = 50);
