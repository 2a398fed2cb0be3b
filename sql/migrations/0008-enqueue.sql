-- Enqueues: jobs with keys, limits, flags or meta in a batch, and one job from SQL. Plain jobs have jobs/insert.sql, and those
-- with unique keys 0012-unique.sql.
-- breaking: no

-- A job to insert, as the clients' JSON describes it. given_run_at and delay_ms are what the enqueue said of its time.
create type :"schema".new_job as (
  ordinal bigint,
  id uuid,
  run_at timestamptz,
  given_run_at timestamptz,
  delay_ms double precision,
  concurrency_order bigint,
  replay_of uuid,
  max_attempts integer,
  concurrency_limit integer,
  rate_limit_weight integer,
  capacity integer,
  interval_ms double precision,
  is_sliding boolean,
  priority smallint,
  queue text,
  task text,
  state text,
  concurrency_key text,
  rate_limit_key text,
  unique_key text,
  unique_mode text,
  unique_wait_ms double precision,
  flags text[],
  correlation_id text,
  meta json,
  payload json
);

-- Reads such jobs. Each that joins the line of its concurrency key gets its place, in the order of the list. The payload's text
-- stays as it is.
create function :"schema".read_new_jobs(_jobs json, _now timestamptz) returns setof :"schema".new_job
language sql
volatile
as $$
  select new.ordinal, new.id, greatest(due.at, _now), new.run_at, new.delay_ms,
         case when new.concurrency_key is not null and due.at <= _now then nextval(:'schema' || '.concurrency_order') end,
         new.replay_of, new.max_attempts,
         case when new.concurrency_key is not null then coalesce(new.concurrency_limit, 1) end,
         new.rate_limit_weight, new.capacity, new.interval_ms, new.is_sliding, new.priority, new.queue, new.task,
         case when due.at > _now then 'scheduled' when new.concurrency_key is not null then 'blocked' else 'ready' end,
         new.concurrency_key, new.rate_limit_key, new.unique_key, new.unique_mode, new.unique_wait_ms, new.flags,
         new.correlation_id, new.meta, coalesce(new.payload, 'null')
    from rows from (json_to_recordset(_jobs) as (
           id uuid, run_at timestamptz, delay_ms double precision, replay_of uuid, max_attempts integer,
           concurrency_limit integer, rate_limit_weight integer, capacity integer, interval_ms double precision,
           is_sliding boolean, priority smallint, queue text, task text, concurrency_key text, rate_limit_key text,
           unique_key text, unique_mode text, unique_wait_ms double precision, flags text[], correlation_id text,
           meta json, payload json
         )) with ordinality as new (
           id, run_at, delay_ms, replay_of, max_attempts,
           concurrency_limit, rate_limit_weight, capacity, interval_ms,
           is_sliding, priority, queue, task, concurrency_key, rate_limit_key,
           unique_key, unique_mode, unique_wait_ms, flags, correlation_id,
           meta, payload, ordinal)
   cross join lateral (
     select coalesce(new.run_at, _now + coalesce(
       case when new.unique_mode = 'debounce' then least(new.delay_ms, new.unique_wait_ms) else new.delay_ms end, 0
     ) * interval '1 millisecond') as at
   ) as due
$$;

-- The first of these rate limits that nothing has registered, or that is smaller than the weight asked of it. An arrival that
-- nobody has read yet counts as well: it is newer than what is known.
create function :"schema".refuse_rate_limits(_limits json) returns json
language sql
stable
as $$
  select json_build_object('key', asked.key, 'weight', asked.weight, 'capacity', registered.capacity)
    from json_to_recordset(_limits) as asked (key text, weight integer)
   cross join lateral (
     select coalesce(
       (select arrivals.capacity
          from :"schema".arrivals
         where arrivals.rate_limit_key = asked.key and arrivals.capacity is not null
         order by arrivals.xid desc
         limit 1),
       (select rate_limits.capacity from :"schema".rate_limits where rate_limits.key = asked.key)) as capacity
   ) as registered
   where registered.capacity is null or registered.capacity < asked.weight
   limit 1
$$;

-- Inserts jobs that may have concurrency keys, rate limits, flags and meta, and tells workers of them. others are those whose id
-- was there already, as [place in the list, 'known', id]; callers whose ids are not new run jobs/discard-finished next, in the
-- same transaction. Nothing is written when a rate limit is refused.
create function :"schema".insert_jobs(_jobs json, _limits json)
returns table (now_ms double precision, isolation text, refused text, others text)
language plpgsql
as $$
declare
  _now timestamptz;
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
  with new as materialized (
    select * from :"schema".read_new_jobs(_jobs, _now)
  ), inserted as (
    insert into :"schema".jobs
      (id, run_at, created_at, concurrency_order, replay_of, max_attempts, concurrency_limit, rate_limit_weight, priority,
       queue, task, indexed_as, concurrency_key, rate_limit_key, flags, correlation_id, meta, payload)
    select new.id, new.run_at, _now, new.concurrency_order, new.replay_of, new.max_attempts, new.concurrency_limit,
           new.rate_limit_weight, new.priority, new.queue, new.task, new.state, new.concurrency_key, new.rate_limit_key,
           new.flags, new.correlation_id, new.meta, new.payload
      from new
     order by new.id, new.queue collate "C"
        on conflict do nothing
    returning jobs.queue, jobs.id
  ), announced as (
    -- The last limit of the list is the newest.
    insert into :"schema".arrivals (queue, concurrency_key, concurrency_limit, is_enqueue)
    select distinct on (new.queue, new.concurrency_key) new.queue, new.concurrency_key, new.concurrency_limit, true
      from new
     where new.concurrency_key is not null
     order by new.queue, new.concurrency_key, new.ordinal desc
  ), announced_limits as (
    insert into :"schema".arrivals (queue, rate_limit_key, capacity, interval_ms, is_sliding, is_enqueue)
    select distinct on (new.queue, new.rate_limit_key) new.queue, new.rate_limit_key, new.capacity, new.interval_ms,
           new.is_sliding, true
      from new
     where new.rate_limit_key is not null
     order by new.queue, new.rate_limit_key, new.capacity is null, new.ordinal desc
  )
  select json_agg(json_build_array(new.ordinal, 'known', new.id)) into others
    from new
   where not exists (select from inserted where inserted.queue = new.queue and inserted.id = new.id);
  perform :"schema".wake_workers();
  return next;
end
$$;

-- Enqueues one job from SQL: for other languages and for triggers of the user's own. Returns the job's id.
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
  correlation_id text default null,
  flags text[] default null,
  concurrency_key text default null,
  concurrency_limit integer default 1,
  rate_limit_key text default null,
  rate_limit_weight integer default 1,
  unique_key text default null,
  unique_mode text default 'keep',
  unique_wait interval default null
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
  if max_attempts < 1 or concurrency_limit < 1 or rate_limit_weight < 1 then
    raise exception 'expected max_attempts, concurrency_limit and rate_limit_weight to be at least 1' using errcode = '22023';
  end if;
  if octet_length(concurrency_key) not between 1 and 255 or octet_length(rate_limit_key) not between 1 and 255
     or octet_length(unique_key) not between 1 and 255 then
    raise exception 'expected a key to have 1 to 255 bytes' using errcode = '22023';
  end if;
  if cardinality(flags) > 0 or coalesce(concurrency_key, rate_limit_key, unique_key) is not null then
    return :"schema".enqueue_extended(
      json_build_object(
        'id', _id, 'task', task, 'queue', queue, 'priority', priority, 'max_attempts', max_attempts,
        'correlation_id', correlation_id, 'run_at', run_at,
        'delay_ms', case when run_at is null then extract(epoch from delay) * 1000 end,
        'flags', case when cardinality(flags) > 0 then flags end,
        'concurrency_key', concurrency_key,
        'concurrency_limit', case when concurrency_key is not null then concurrency_limit end,
        'rate_limit_key', rate_limit_key,
        'rate_limit_weight', case when rate_limit_key is not null then rate_limit_weight end,
        'unique_key', unique_key,
        'unique_mode', case when unique_key is not null then unique_mode end,
        'unique_wait_ms', extract(epoch from unique_wait) * 1000,
        'payload', payload),
      id is not null);
  end if;
  -- The transaction's id is drawn before the clock is read: see 0004-claim.sql.
  perform pg_current_xact_id();
  _now := :"schema".now();
  run_at := coalesce(run_at, _now + delay, _now);
  insert into :"schema".jobs as jobs
    (id, run_at, created_at, max_attempts, priority, queue, task, indexed_as, correlation_id, payload)
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

-- Enqueues one job with keys or flags from SQL, and returns the id of the job that is there then. _look says that its id may
-- have been enqueued before.
create function :"schema".enqueue_extended(_job json, _look boolean) returns uuid
language plpgsql
as $$
declare
  _id uuid := _job ->> 'id';
  _mode text := _job ->> 'unique_mode';
  _wait_ms double precision := _job ->> 'unique_wait_ms';
  _limit text := _job ->> 'rate_limit_key';
  _limits json := '[]';
  _result record;
begin
  if _mode not in ('keep', 'replace', 'debounce', 'throttle', 'keepRunningAndOneWaiting') then
    raise exception 'expected unique_mode to be keep, replace, debounce, throttle or keepRunningAndOneWaiting, got %', _mode
      using errcode = '22023';
  end if;
  if (_mode = 'throttle') <> (_wait_ms is not null) and coalesce(_mode, '') <> 'debounce' then
    raise exception 'expected unique_wait for the modes throttle and debounce only, and always for throttle'
      using errcode = '22023';
  end if;
  if _wait_ms <= 0 then
    raise exception 'expected unique_wait to be above zero' using errcode = '22023';
  end if;
  if _mode = 'debounce' and _job ->> 'delay_ms' is null then
    raise exception 'expected a delay and no run_at for the mode debounce' using errcode = '22023';
  end if;
  if _limit is not null then
    _limits := json_build_array(json_build_object('key', _limit, 'weight', _job -> 'rate_limit_weight'));
  end if;
  if _mode is null then
    select * into _result from :"schema".insert_jobs(json_build_array(_job), _limits);
  else
    select * into _result from :"schema".insert_unique_jobs(json_build_array(_job), _limits, _look);
  end if;
  if _result.refused is not null then
    raise exception 'expected a registered rate limit with room for the weight, got %', _result.refused
      using errcode = '22023', hint = 'An enqueue or a task that gives capacity and interval registers it.';
  end if;
  if _result.others is not null and _result.others <> '[]' then
    return _result.others::json -> 0 ->> 2;
  end if;
  if _look and exists (
    select from :"schema".history where history.queue = _job ->> 'queue' and history.id = _id
  ) then
    delete from :"schema".jobs where jobs.queue = _job ->> 'queue' and jobs.id = _id;
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
