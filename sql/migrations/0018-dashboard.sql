-- What the dashboard keeps: who changed what, and changes of many jobs that are under way.
-- breaking: no

-- What people have changed by way of a dashboard. Never a payload.
create table :"schema".audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default :"schema".now(),
  by text not null,
  role text not null,
  action text not null,
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  job_ids uuid[] not null default '{}',
  details json not null
);
-- Serves the look for what was done to a job.
create index audit_jobs on :"schema".audit using gin (job_ids);

-- A change of all jobs that match, in the background. Its batches, its progress and its cursor are committed together, so that
-- whoever takes it over repeats nothing.
create table :"schema".operations (
  id uuid primary key,
  plan json not null,
  state text not null default 'running' check (state in ('running', 'done', 'stopped', 'failed')),
  started_by text not null,
  role text not null,
  started_at timestamptz not null default :"schema".now(),
  finished_at timestamptz,
  -- Until when the process that works on it has it for itself.
  held_until timestamptz,
  cursor text,
  examined bigint not null default 0,
  changed bigint not null default 0,
  refused bigint not null default 0,
  error text
);
-- Serves the look for what is to be done, and the list.
create index operations_running on :"schema".operations (held_until) where state = 'running';
create index operations_started on :"schema".operations (started_at);
