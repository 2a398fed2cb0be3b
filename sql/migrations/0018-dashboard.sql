-- What the dashboard keeps: who changed what, and the changes of many jobs that are on their way.
-- breaking: no

-- What people have changed from a dashboard. Never a payload.
create table :"schema".audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default :"schema".now(),
  by text not null,
  role text not null,
  action text not null,
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  -- Each as its id, a space and its queue.
  jobs text[] not null default '{}',
  details json not null
);

-- Serves the look for what was done to a job.
create index audit_jobs on :"schema".audit using gin (jobs);

-- Serves the removal of what is old.
create index audit_at on :"schema".audit (at);

-- Changes of all jobs that match, in the background. The effect of a batch, the progress and the cursor are committed together,
-- so whoever takes one over repeats nothing.
create table :"schema".operations (
  id uuid primary key,
  plan json not null,
  state text not null default 'running' check (state in ('running', 'done', 'stopped', 'failed')),
  started_by text not null,
  role text not null,
  started_at timestamptz not null default :"schema".now(),
  finished_at timestamptz,
  -- Who works on it, new for every taking, and until when nobody else may take it; null: nobody.
  held_by uuid,
  held_until timestamptz,
  -- Where its search goes on; null at its beginning.
  cursor text,
  examined bigint not null default 0,
  changed bigint not null default 0,
  refused bigint not null default 0,
  error text
);

-- Serves the look for what waits for somebody to work on it.
create index operations_running on :"schema".operations (started_at) where state = 'running';

-- Serves the list.
create index operations_started on :"schema".operations (started_at);
