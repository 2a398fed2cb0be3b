-- Enqueues one job from SQL: for other languages and for triggers of the user's own. Returns the job's id.
-- breaking: no
--
-- The same id twice is one job, as long as it is live or its history is kept. The insert comes first and the look into the
-- history second, each with a snapshot of its own: a job that finishes in between is seen by one of the two.
create function :"schema".enqueue(
  task text,
  payload json default 'null',
  queue text default 'default',
  id uuid default null,
  run_at timestamptz default null,
  delay interval default null,
  priority integer default 0,
  max_attempts integer default 25,
  correlation_id text default null
) returns uuid
language plpgsql
as $$
#variable_conflict use_variable
declare
  _id uuid := coalesce(id, :"schema".uuid_v7());
  _inserted boolean;
  _now timestamptz;
begin
  if task is null or octet_length(task) not between 1 and 255 then
    raise exception 'expected the task''s name to have 1 to 255 bytes' using errcode = '22023';
  end if;
  if queue is null or octet_length(queue) not between 1 and 63 then
    raise exception 'expected the queue''s name to have 1 to 63 bytes' using errcode = '22023';
  end if;
  -- The transaction's id is drawn before the clock is read: see 0004-claim.sql.
  perform pg_current_xact_id();
  _now := :"schema".now();
  run_at := coalesce(run_at, _now + delay, _now);
  insert into :"schema".jobs as jobs
    (id, run_at, created_at, max_attempts, priority, queue, task, state, correlation_id, payload)
  values (
    _id, greatest(run_at, _now), _now, max_attempts, priority, queue, task,
    case when run_at > _now then 'scheduled' else 'ready' end, correlation_id, coalesce(payload, 'null'))
  on conflict do nothing
  returning true into _inserted;
  if id is not null and _inserted and exists (
    select from :"schema".history where history.queue = enqueue.queue and history.id = _id
  ) then
    delete from :"schema".jobs where jobs.queue = enqueue.queue and jobs.id = _id;
    _inserted := false;
  end if;
  if _inserted then
    perform :"schema".wake_workers();
  end if;
  return _id;
end
$$;

-- UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix time in milliseconds, then random bits. PostgreSQL has one of
-- its own from version 18 on.
create function :"schema".uuid_v7() returns uuid
language sql
volatile
as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from :"schema".now()) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid
$$;
