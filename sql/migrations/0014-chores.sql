-- The work of the maintenance: what it removes, by itself and by hand; and rate limits that are registered by hand.
-- breaking: no

-- Serves the question whether a scheduled job has a concurrency key.
create index jobs_scheduled_keys on :"schema".jobs (queue, concurrency_key)
 where indexed_as = 'scheduled' and concurrency_key is not null;

-- Removes concurrency keys of a batch (after a key, in order) that no live job has and nothing holds; tells how many, and
-- the last key of the batch (null: it was the end).
--
-- The rows are locked first, and a later statement decides, with a snapshot that sees whatever was admitted before under
-- these locks. Whoever enqueues a job of a key meanwhile leaves an arrival, and its admission makes the row anew.
create function :"schema".prune_concurrency_keys(_after_queue text, _after_key text, _limit integer)
returns table (pruned integer, last_queue text, last_key text)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _queues text[];
  _keys text[];
begin
  select array_agg(locked.queue order by locked.queue, locked.key), array_agg(locked.key order by locked.queue, locked.key)
    into _queues, _keys
    from (
      select concurrency_keys.queue, concurrency_keys.key
        from :"schema".concurrency_keys
       where (concurrency_keys.queue, concurrency_keys.key) > (_after_queue, _after_key)
       order by concurrency_keys.queue, concurrency_keys.key
       limit _limit
         for update skip locked
    ) as locked;
  delete from :"schema".concurrency_keys
   using unnest(_queues, _keys) as candidate (queue, key)
   where concurrency_keys.queue = candidate.queue
     and concurrency_keys.key = candidate.key
     and not exists (
       select from :"schema".jobs
        where jobs.queue = candidate.queue and jobs.concurrency_key = candidate.key and jobs.indexed_as = 'blocked')
     and not exists (
       select from :"schema".jobs
        where jobs.queue = candidate.queue and jobs.concurrency_key = candidate.key
          and jobs.concurrency_lane is not null)
     and not exists (
       select from :"schema".jobs
        where jobs.queue = candidate.queue and jobs.concurrency_key = candidate.key and jobs.indexed_as = 'scheduled')
     and not exists (
       select from :"schema".concurrency_holds
        where concurrency_holds.queue = candidate.queue and concurrency_holds.key = candidate.key)
     and (candidate.queue, candidate.key) not in (
       select arrivals.queue, arrivals.concurrency_key
         from :"schema".arrivals
        where arrivals.queue = any (_queues) and arrivals.concurrency_key is not null);
  get diagnostics pruned = row_count;
  if cardinality(_queues) >= _limit then
    last_queue := _queues[cardinality(_queues)];
    last_key := _keys[cardinality(_keys)];
  end if;
  return next;
end
$$;

-- Removes rows of queues about which there is nothing to say: not paused, and without live jobs. By batches, as above; a
-- rewind in between is seen, because the row is locked first.
create function :"schema".prune_queue_rows(_after text, _limit integer)
returns table (pruned integer, last_queue text)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _names text[];
begin
  select array_agg(locked.name order by locked.name)
    into _names
    from (
      select queues.name
        from :"schema".queues
       where queues.name > _after
       order by queues.name
       limit _limit
         for update skip locked
    ) as locked;
  delete from :"schema".queues
   where queues.name = any (_names)
     and not queues.paused
     and not exists (select from :"schema".jobs where jobs.queue = queues.name);
  get diagnostics pruned = row_count;
  if cardinality(_names) >= _limit then
    last_queue := _names[cardinality(_names)];
  end if;
  return next;
end
$$;

-- Forgets tasks that no living worker handles, no live job needs, and nobody has seen for long; returns how many. The live
-- jobs have no index by task: they are read only when there is something to remove.
create function :"schema".prune_tasks(_keep_ms double precision) returns integer
language plpgsql
as $$
#variable_conflict use_column
declare
  _seen_before timestamptz := :"schema".now() - _keep_ms * interval '1 millisecond';
  _names text[];
  _pruned integer;
begin
  _names := array(
    select tasks.name
      from :"schema".tasks
     where not tasks.paused
       and tasks.seen_at < _seen_before
       and tasks.name not in (
         select handled.name
           from :"schema".workers
          cross join lateral unnest(workers.tasks) as handled (name)
          where workers.ended_at is null)
     order by tasks.name
  );
  if cardinality(_names) = 0 then
    return 0;
  end if;
  delete from :"schema".tasks
   where tasks.name = any (_names)
     and not tasks.paused
     and tasks.seen_at < _seen_before
     and not exists (select from :"schema".jobs where jobs.task = tasks.name);
  get diagnostics _pruned = row_count;
  return _pruned;
end
$$;

-- Makes the lines of jobs that wait for a rate limit look again now.
create function :"schema".hurry_rate_limit_lines(_keys text[]) returns void
language sql
as $$
  with waiting as materialized (
    select lines.queue, lines.key
      from :"schema".rate_limit_lines as lines
     where lines.key = any (_keys)
       and lines.next_at > :"schema".now()
     order by lines.queue, lines.key
       for update
  )
  update :"schema".rate_limit_lines as lines
     set next_at = :"schema".now()
    from waiting
   where lines.queue = waiting.queue
     and lines.key = waiting.key;
  select :"schema".wake_workers();
$$;

-- Makes a rate limit, or changes it: what was used still counts, and those who wait see the change at once. When the mode
-- changes, what the one has counted is carried over into what the other counts, all of it as if it had started now.
create function :"schema".register_rate_limit(
  _key text, _capacity integer, _interval_ms double precision, _is_sliding boolean
) returns void
language plpgsql
as $$
#variable_conflict use_column
declare
  _now timestamptz := :"schema".now();
  _old record;
  _used bigint;
begin
  insert into :"schema".rate_limits (key, capacity, interval_ms, is_sliding)
  values (_key, _capacity, _interval_ms, _is_sliding)
      on conflict (key) do nothing;
  if found then
    perform :"schema".hurry_rate_limit_lines(array[_key]);
    return;
  end if;
  select * into _old from :"schema".rate_limits where rate_limits.key = _key for update;
  if (_old.capacity, _old.interval_ms, _old.is_sliding) = (_capacity, _interval_ms, _is_sliding) then
    return;
  end if;
  update :"schema".rate_limits
     set capacity = _capacity, interval_ms = _interval_ms, is_sliding = _is_sliding
   where rate_limits.key = _key;
  if _is_sliding and not _old.is_sliding and _old.used > 0
     and _old.window_started_at + _old.interval_ms * interval '1 millisecond' > _now then
    insert into :"schema".rate_limit_starts (key, started_at, weight) values (_key, _now, _old.used);
  end if;
  if _old.is_sliding and not _is_sliding then
    select sum(rate_limit_starts.weight) into _used
      from :"schema".rate_limit_starts
     where rate_limit_starts.key = _key
       and rate_limit_starts.started_at
         > _now - (_old.interval_ms + least(_old.interval_ms / 20, 1000)) * interval '1 millisecond';
    update :"schema".rate_limits
       set used = least(coalesce(_used, 0), 2147483647), window_started_at = _now
     where rate_limits.key = _key;
  end if;
  perform :"schema".hurry_rate_limit_lines(array[_key]);
end
$$;

-- Empties fixed windows that have passed, and lets those who wait for them look; returns how many.
create function :"schema".refill_rate_limits() returns integer
language plpgsql
as $$
#variable_conflict use_column
declare
  _keys text[];
begin
  with passed as (
    select rate_limits.key
      from :"schema".rate_limits
     where not rate_limits.is_sliding
       and rate_limits.used > 0
       and rate_limits.window_started_at + rate_limits.interval_ms * interval '1 millisecond' <= :"schema".now()
     order by rate_limits.key
       for update skip locked
  ), refilled as (
    update :"schema".rate_limits
       set used = 0
      from passed
     where rate_limits.key = passed.key
    returning rate_limits.key
  )
  select array_agg(refilled.key) into _keys from refilled;
  if _keys is not null then
    perform :"schema".hurry_rate_limit_lines(_keys);
  end if;
  return coalesce(cardinality(_keys), 0);
end
$$;
