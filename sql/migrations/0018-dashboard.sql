-- What the dashboard writes: who changed what, and the changes that go on in the background.
-- breaking: no

-- One row for each change that somebody made or tried from a dashboard; never a payload. `jobs` are the jobs that were named,
-- each as its id, a space and its queue.
create table :"schema".audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default :"schema".now(),
  by text not null,
  role text not null,
  action text not null,
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  jobs text[] collate "C" not null,
  details json not null
);

-- Serves the removal of what is old.
create index audit_at on :"schema".audit (at);

-- Serves the question what was done to a job.
create index audit_jobs on :"schema".audit using gin (jobs);

-- A change of all jobs that match, which goes on in batches until there are no more. Whoever works on it is `held_by`, and has
-- to say so again before `held_until`; when that has passed, anybody may go on from `cursor`. The effects of a batch, its
-- counts and the cursor behind it are committed together, so that nothing is done twice.
create table :"schema".operations (
  id uuid primary key default gen_random_uuid(),
  started_at timestamptz not null default :"schema".now(),
  finished_at timestamptz,
  held_until timestamptz,
  held_by uuid,
  examined bigint not null default 0,
  changed bigint not null default 0,
  refused bigint not null default 0,
  state text not null default 'running' check (state in ('running', 'done', 'stopped', 'failed')),
  started_by text not null,
  cursor text,
  error text,
  plan json not null
);

-- Serves the list, newest first, and the removal of what is old.
create index operations_started on :"schema".operations (started_at, id);

-- Serves the search for one to go on with.
create index operations_running on :"schema".operations (started_at) where state = 'running';
