-- The history: its partitions, for how long rows are kept, and two ways to read it.
-- breaking: no

-- Makes the history partition for one day (UTC), standalone first and attached afterwards: attaching takes a lock that
-- readers and settles do not wait for, where `create table ... partition of` would stall every settle behind an idle reader.

create function :"schema".make_history_partition(_day date) returns void
language plpgsql
as $$
declare
  _name text := 'history_' || to_char(_day, 'YYYYMMDD');
  _from text := to_char(_day, 'YYYY-MM-DD') || ' 00:00:00+00';
  _to text := to_char(_day + 1, 'YYYY-MM-DD') || ' 00:00:00+00';
begin
  if exists (
    select from pg_inherits
      join pg_class on pg_class.oid = pg_inherits.inhrelid
     where pg_inherits.inhparent = format('%I.history', :'schema')::regclass and pg_class.relname = _name
  ) then
    return;
  end if;
  perform set_config('lock_timeout', '5s', true);
  perform pg_advisory_xact_lock(hashtextextended(:'schema' || '.make_history_partition', 0));
  if exists (
    select from pg_inherits
      join pg_class on pg_class.oid = pg_inherits.inhrelid
     where pg_inherits.inhparent = format('%I.history', :'schema')::regclass and pg_class.relname = _name
  ) then
    return;
  end if;
  execute format('create table if not exists %I.%I (like %I.history including defaults including constraints)',
    :'schema', _name, :'schema');
  -- A partition that was detached, and whose dropping was interrupted, is known by this.
  execute format('comment on table %I.%I is %L', :'schema', _name, 'Made by Pawl');
  execute format('create index if not exists %I on %I.%I (queue, id)', _name || '_job', :'schema', _name);
  execute format('create index if not exists %I on %I.%I (finished_at, id, attempt)', _name || '_finished', :'schema', _name);
  -- With a check that says the same as the bounds, attaching need not scan the table.
  execute format('alter table %I.%I drop constraint if exists within_bounds', :'schema', _name);
  execute format('alter table %I.%I add constraint within_bounds check (expires_at >= %L and expires_at < %L)',
    :'schema', _name, _from, _to);
  execute format('alter table %I.history attach partition %I.%I for values from (%L) to (%L)',
    :'schema', :'schema', _name, _from, _to);
  execute format('alter table %I.%I drop constraint within_bounds', :'schema', _name);
end
$$;

-- The first days of the default retention; workers make the days that follow.
select :"schema".make_history_partition(((:"schema".now() at time zone 'UTC') + interval '30 days')::date + ahead)
  from generate_series(0, 3) as ahead;

-- For how long the history of a task's attempts is kept, for whoever settles a job without its worker.
create function :"schema".history_retention(_task text) returns interval
language sql
stable
as $$
  select coalesce((select tasks.retention_ms from :"schema".tasks where tasks.name = _task), 30 * 86400000.0)
    * interval '1 millisecond'
$$;

-- Whether an attempt of a task with this outcome leaves a row.
create function :"schema".is_history_kept(_task text, _outcome text) returns boolean
language sql
stable
as $$
  select case coalesce((select tasks.keep from :"schema".tasks where tasks.name = _task), 'all')
    when 'all' then true
    when 'failures' then _outcome in ('failed', 'crashed', 'partial')
    else false
  end
$$;

-- The two functions that follow read in the order of history_finished, whatever the statistics say: partitions are made
-- empty, and nobody has counted what is in the newest ones.

-- Settled attempts, newest first, from just after a position. What is null does not matter. Partitions in which everything
-- had expired before _from are left out.
create function :"schema".list_history(
  _finished_at timestamptz, _id uuid, _attempt integer, _queue text,
  _from timestamptz, _to timestamptz, _task text, _of_queue text, _outcomes text[], _final boolean, _correlation_id text,
  _job_id uuid, _limit integer
) returns setof :"schema".history
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
begin
  return query
    select history.*
      from :"schema".history
     where (history.finished_at, history.id, history.attempt, history.queue) < (_finished_at, _id, _attempt, _queue)
       and history.finished_at >= _from
       and history.finished_at < _to
       and history.expires_at >= _from
       and (_task is null or history.task = _task)
       and (_of_queue is null or history.queue = _of_queue)
       and (_outcomes is null or history.outcome = any (_outcomes))
       and (_final is null or history.final = _final)
       and (_correlation_id is null or history.correlation_id = _correlation_id)
       and (_job_id is null or history.id = _job_id)
     order by history.finished_at desc, history.id desc, history.attempt desc, history.queue desc
     limit _limit;
end
$$;

-- The last attempts of ended jobs, oldest first, from just after a position: at most _limit, and no more once there are
-- _max_bytes of payload. A job that is live again, or has been since, is left out.
create function :"schema".list_replayable_history(
  _finished_at timestamptz, _id uuid, _attempt integer, _queue text,
  _from timestamptz, _to timestamptz, _outcomes text[], _task text, _of_queue text, _job_ids uuid[],
  _limit integer, _max_bytes double precision
) returns setof :"schema".history
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  _found :"schema".history;
  _bytes double precision := 0;
begin
  for _found in
    select history.*
      from :"schema".history
     where (history.finished_at, history.id, history.attempt, history.queue) > (_finished_at, _id, _attempt, _queue)
       and history.finished_at >= _from
       and history.finished_at < _to
       and history.expires_at >= _from
       and history.final
       and history.payload is not null
       and history.outcome = any (_outcomes)
       and (_task is null or history.task = _task)
       and (_of_queue is null or history.queue = _of_queue)
       and (_job_ids is null or history.id = any (_job_ids))
       and not exists (select from :"schema".jobs where jobs.queue = history.queue and jobs.id = history.id)
       and not exists (
         select from :"schema".history as later
          where later.queue = history.queue and later.id = history.id and later.attempt > history.attempt)
     order by history.finished_at, history.id, history.attempt, history.queue
     limit _limit
  loop
    return next _found;
    _bytes := _bytes + octet_length(_found.payload::text);
    exit when _bytes >= _max_bytes;
  end loop;
end
$$;
