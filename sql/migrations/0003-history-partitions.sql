-- Makes the history partition for one day (UTC), standalone first and attached afterwards: attaching takes a lock that
-- readers and settles do not wait for, where `create table ... partition of` would stall every settle behind an idle reader.
-- breaking: no

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
  execute format('create index if not exists %I on %I.%I (queue, id, attempt)', _name || '_job', :'schema', _name);
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
  from generate_series(-1, 7) as ahead;

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
