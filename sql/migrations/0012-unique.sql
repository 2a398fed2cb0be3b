-- Enqueues jobs with unique keys.
-- breaking: no
--
-- Nobody waits in a circle: keys are met in the order of their bytes, here and across the statements of a call, and whoever
-- waits for a key holds smaller ones only. Nothing is looked up first: the insert itself, on conflict do nothing, says whether
-- a key is free, and waits for a transaction that may take or free it. What is there instead is read after that, in a statement
-- with a snapshot of its own; when it is gone by then, the insert is tried again.

-- Gives a waiting job what a new enqueue says. It keeps its id, attempts, failures and the time of its enqueue. A lane that it
-- had is free then, and what it reported of its old payload is forgotten. A blocked job keeps its place in the same line.
create function :"schema".replace_job(_waiting :"schema".jobs, _new :"schema".new_job) returns void
language plpgsql
as $$
declare
  _now timestamptz := :"schema".now();
  _due timestamptz := coalesce(_new.given_run_at, _now + coalesce(_new.delay_ms, 0) * interval '1 millisecond');
  _is_blocked boolean;
begin
  if _new.unique_mode = 'debounce' and _new.unique_wait_ms is not null then
    _due := least(_due, _waiting.created_at + _new.unique_wait_ms * interval '1 millisecond');
  end if;
  _is_blocked := _due <= _now and _new.concurrency_key is not null;
  update :"schema".jobs
     set run_at = greatest(_due, _now),
         indexed_as = case when _due > _now then 'scheduled' when _is_blocked then 'blocked' else 'ready' end,
         task = _new.task,
         payload = _new.payload,
         priority = _new.priority,
         max_attempts = _new.max_attempts,
         correlation_id = _new.correlation_id,
         concurrency_key = _new.concurrency_key,
         concurrency_limit = _new.concurrency_limit,
         concurrency_order = case
           when not _is_blocked then null
           when concurrency_key = _new.concurrency_key and concurrency_order is not null then concurrency_order
           else coalesce(_new.concurrency_order, nextval(:'schema' || '.concurrency_order'))
         end,
         concurrency_lane = null,
         rate_limit_key = _new.rate_limit_key,
         rate_limit_weight = _new.rate_limit_weight,
         flags = _new.flags,
         meta = _new.meta,
         unique_until_claimed = _new.unique_mode not in ('keep', 'throttle'),
         partial_results = null
   where queue = _waiting.queue
     and id = _waiting.id;
end
$$;

-- Inserts one job, or finds out why not: 'known' when its id is there (_look: or has run), 'kept' when another job has its
-- unique key, 'replaced' when that one took over what this enqueue says. freed is the concurrency key of a lane that became free.
create function :"schema".insert_unique_job(
  _new :"schema".new_job, _now timestamptz, _look boolean, out outcome text, out id uuid, out freed text
)
language plpgsql
as $$
declare
  _there :"schema".jobs;
begin
  for _turn in 1 .. 1000 loop
    if _look and (
      exists (select from :"schema".jobs where jobs.queue = _new.queue and jobs.id = _new.id)
      or exists (select from :"schema".history where history.queue = _new.queue and history.id = _new.id)
    ) then
      outcome := 'known';
      id := _new.id;
      return;
    end if;
    if _new.unique_mode = 'throttle' then
      id := :"schema".throttle_job(_new);
      if id is not null then
        outcome := 'kept';
        return;
      end if;
    end if;
    insert into :"schema".jobs
      (id, run_at, created_at, concurrency_order, replay_of, max_attempts, concurrency_limit, rate_limit_weight, priority,
       unique_until_claimed, queue, task, indexed_as, concurrency_key, rate_limit_key, unique_key, flags, correlation_id, meta,
       payload)
    values
      (_new.id, _new.run_at, _now, _new.concurrency_order, _new.replay_of, _new.max_attempts, _new.concurrency_limit,
       _new.rate_limit_weight, _new.priority, _new.unique_mode not in ('keep', 'throttle'), _new.queue, _new.task, _new.state,
       _new.concurrency_key, _new.rate_limit_key, _new.unique_key, _new.flags, _new.correlation_id, _new.meta, _new.payload)
        on conflict do nothing;
    if found then
      outcome := 'created';
      id := _new.id;
      return;
    end if;
    select * into _there
      from :"schema".jobs
     where jobs.queue = _new.queue
       and jobs.unique_key = _new.unique_key
       and (jobs.indexed_as <> 'running' or not jobs.unique_until_claimed);
    if found and _there.state <> 'running' and _new.unique_mode in ('replace', 'debounce') then
      -- Locked, it can neither be claimed nor change; when it has, it is met again as it is now.
      select * into _there
        from :"schema".jobs
       where jobs.queue = _there.queue
         and jobs.id = _there.id
         and jobs.unique_key = _new.unique_key
         and jobs.state <> 'running'
         for update;
      if found then
        perform :"schema".replace_job(_there, _new);
        outcome := 'replaced';
        id := _there.id;
        freed := case when _there.concurrency_lane is not null then _there.concurrency_key end;
        return;
      end if;
    elsif found then
      update :"schema".throttles
         set id = _there.id
       where _new.unique_mode = 'throttle'
         and throttles.queue = _new.queue
         and throttles.key = _new.unique_key
         and throttles.id = _new.id;
      outcome := 'kept';
      id := _there.id;
      return;
    elsif exists (select from :"schema".jobs where jobs.queue = _new.queue and jobs.id = _new.id) then
      outcome := 'known';
      id := _new.id;
      return;
    end if;
  end loop;
  raise exception 'the job with the unique key changes faster than it can be met' using errcode = 'serialization_failure';
end
$$;

-- The job that a throttled enqueue is answered with; null when it may be created, and the others are answered with it then.
-- A key that is free to take is locked until the transaction ends, one that is not is only read.
create function :"schema".throttle_job(_new :"schema".new_job) returns uuid
language plpgsql
as $$
declare
  _now timestamptz := :"schema".now();
  _id uuid;
begin
  select jobs.id into _id
    from :"schema".jobs
   where jobs.queue = _new.queue
     and jobs.unique_key = _new.unique_key
     and (jobs.indexed_as <> 'running' or not jobs.unique_until_claimed);
  if _id is null then
    select throttles.id into _id
      from :"schema".throttles
     where throttles.queue = _new.queue and throttles.key = _new.unique_key
       and throttles.until > _now and throttles.id <> _new.id;
  end if;
  if _id is not null then
    return _id;
  end if;
  insert into :"schema".throttles (queue, key, until, id)
  values (_new.queue, _new.unique_key, _now + _new.unique_wait_ms * interval '1 millisecond', _new.id)
      on conflict (queue, key) do update
     set until = excluded.until, id = excluded.id
   where throttles.until <= _now or throttles.id = _new.id;
  if found then
    return null;
  end if;
  -- Somebody else was faster.
  select throttles.id into _id
    from :"schema".throttles
   where throttles.queue = _new.queue and throttles.key = _new.unique_key;
  return _id;
end
$$;

-- Inserts jobs that may have unique keys. others are those that were not created, as [place in the list, outcome, id]; callers
-- whose ids are not new (_look) run jobs/discard-finished next for those that were, in the same transaction. Nothing is written
-- when a rate limit is refused. The plans are those for a large table, for it may grow by ten thousand rows under one plan.
create function :"schema".insert_unique_jobs(_jobs json, _limits json, _look boolean)
returns table (now_ms double precision, isolation text, refused text, others text)
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  _new :"schema".new_job;
  _now timestamptz;
  _met record;
  _others json[] := '{}';
  _arrivals json[] := '{}';
begin
  isolation := current_setting('transaction_isolation');
  refused := :"schema".refuse_rate_limits(_limits);
  if refused is not null then
    return next;
    return;
  end if;
  -- The transaction's id is drawn before the clock is read: see 0004-claim.sql.
  perform pg_current_xact_id();
  _now := :"schema".now();
  now_ms := extract(epoch from _now) * 1000;
  for _new in
    select *
      from :"schema".read_new_jobs(_jobs, _now) as new
     order by new.queue collate "C", new.unique_key collate "C" nulls first, new.ordinal
  loop
    select * into _met from :"schema".insert_unique_job(_new, _now, _look);
    if _met.outcome <> 'created' then
      _others := _others || json_build_array(_new.ordinal, _met.outcome, _met.id);
    end if;
    if _met.outcome in ('created', 'replaced') and (_new.concurrency_key is not null or _new.rate_limit_key is not null) then
      _arrivals := _arrivals || json_build_object(
        'ordinal', _new.ordinal, 'queue', _new.queue, 'concurrency_key', _new.concurrency_key, 'rate_limit_key', _new.rate_limit_key,
        'concurrency_limit', _new.concurrency_limit, 'capacity', _new.capacity, 'interval_ms', _new.interval_ms,
        'is_sliding', _new.is_sliding, 'is_enqueue', true);
    end if;
    if _met.freed is not null then
      _arrivals := _arrivals || json_build_object('queue', _new.queue, 'concurrency_key', _met.freed, 'is_enqueue', false);
    end if;
  end loop;
  others := to_json(_others);
  -- The last limit of the list is the newest: see insert_jobs.
  insert into :"schema".arrivals (queue, concurrency_key, concurrency_limit, is_enqueue)
  select distinct on (new.queue, new.concurrency_key) new.queue, new.concurrency_key, new.concurrency_limit, new.is_enqueue
    from json_to_recordset(to_json(_arrivals)) as new (
           queue text, concurrency_key text, concurrency_limit integer, is_enqueue boolean, ordinal bigint)
   where new.concurrency_key is not null
   order by new.queue, new.concurrency_key, new.is_enqueue desc, new.ordinal desc;
  insert into :"schema".arrivals (queue, rate_limit_key, capacity, interval_ms, is_sliding, is_enqueue)
  select distinct on (new.queue, new.rate_limit_key) new.queue, new.rate_limit_key, new.capacity, new.interval_ms,
         new.is_sliding, new.is_enqueue
    from json_to_recordset(to_json(_arrivals)) as new (
           queue text, rate_limit_key text, capacity integer, interval_ms double precision, is_sliding boolean,
           is_enqueue boolean, ordinal bigint)
   where new.rate_limit_key is not null
   order by new.queue, new.rate_limit_key, new.capacity is null, new.ordinal desc;
  perform :"schema".wake_workers();
  return next;
end
$$;
