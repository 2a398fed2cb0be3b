-- Claims jobs that have a rate limit: at most as much as may start now.
-- breaking: no
--
-- Takes up to _limit jobs of one queue, in the lines that are due: a line is what waits for one key in this queue. Each key's
-- budget is kept under the lock of its row, for all workers and queues together. A line that must wait gets the time at which
-- it may go on, and is not looked at before; one without jobs is removed, under its lock and after a look with a newer
-- snapshot, so that an arrival that comes meanwhile makes it anew.
--
-- A granted job must start soon, or what is granted later could start in the same window: `startWithinMs`. In a fixed window
-- that is until the window ends. Starts against a sliding limit count from the grant until one interval plus that time later
-- (a twentieth of the interval, at most a second), so that no interval between real starts ever holds too many.
--
-- _is_settled_within: see claim_jobs.
create function :"schema".claim_limited_jobs(
  _queue text, _worker_id uuid, _claim_number bigint, _limit integer, _tasks text[], _except text[], _forbidden text[],
  _is_settled_within boolean
) returns setof :"schema".claimed_job
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
#variable_conflict use_column
declare
  _line record;
  _job record;
  _grant record;
  _ids uuid[];
  _spent integer;
  _left integer := _limit;
  _next timestamptz;
  _passed text[] := '{}';
  _claimed uuid[] := '{}';
begin
  for _line in
    select lines.key
      from :"schema".rate_limit_lines as lines
     where lines.queue = _queue
       and lines.next_at <= :"schema".now()
     order by lines.queue, lines.next_at
     limit 50
       for update skip locked
  loop
    exit when _left <= 0;
    select * into _grant from :"schema".open_rate_limit(_line.key);
    _ids := '{}';
    _spent := 0;
    _next := _grant.wait_until;
    if _next is null then
      for _job in
        select jobs.id, coalesce(jobs.rate_limit_weight, 1) as weight
          from :"schema".jobs
         where jobs.queue = _queue
           and jobs.rate_limit_key = _line.key
           and jobs.indexed_as = 'ready'
           and (_tasks is null or jobs.task = any (_tasks))
           and (_except is null or jobs.task <> all (_except))
           and (_forbidden is null or jobs.flags is null or not jobs.flags && _forbidden)
         order by jobs.queue, jobs.rate_limit_key, jobs.priority, jobs.run_at, jobs.id
         limit _left
           for update skip locked
      loop
        if _job.weight > _grant.capacity then
          perform :"schema".fail_overweight_job(_queue, _job.id, _grant.capacity);
          continue;
        end if;
        if _job.weight > _grant.budget then
          _next := :"schema".rate_limit_opens_at(_line.key, _job.weight - _grant.budget);
          exit;
        end if;
        _grant.budget := _grant.budget - _job.weight;
        _spent := _spent + _job.weight;
        _ids := _ids || _job.id;
      end loop;
    end if;
    if cardinality(_ids) > 0 then
      _left := _left - cardinality(_ids);
      _claimed := _claimed || _ids;
      return query
        update :"schema".jobs
           set indexed_as = 'running', worker_id = _worker_id, claim_number = _claim_number, claimed_at = :"schema".now(),
               attempt = jobs.attempt + 1
         where jobs.queue = _queue
           and jobs.id = any (_ids)
        returning jobs.id, jobs.task, jobs.attempt, jobs.failures, jobs.max_attempts,
          jobs.crashes + jobs.suspected::integer, jobs.priority, jobs.run_at::text, jobs.created_at::text,
          jobs.correlation_id, jobs.last_error, jobs.partial_results::text, jobs.payload::text,
          (:"schema".describe_keys(jobs)::jsonb || jsonb_build_object('startWithinMs', _grant.start_within_ms))::text,
          null::text;
      perform :"schema".spend_rate_limit(_line.key, _spent);
    end if;
    if _next is null and _left > 0 then
      -- All that this worker may take has been seen. What is left is for others, or locked by them: they find the line as it
      -- is, unless there are so many of these that they hide the ones behind them.
      if exists (
        select from :"schema".jobs
         where jobs.queue = _queue
           and jobs.rate_limit_key = _line.key
           and jobs.indexed_as = 'ready'
      ) then
        _passed := _passed || _line.key;
      else
        delete from :"schema".rate_limit_lines as lines where lines.queue = _queue and lines.key = _line.key;
      end if;
    end if;
    if _next is not null then
      update :"schema".rate_limit_lines as lines
         set next_at = _next
       where lines.queue = _queue
         and lines.key = _line.key;
    end if;
  end loop;
  if cardinality(_claimed) > 0 and not _is_settled_within then
    insert into :"schema".claims (worker_id, claim_number, queue, ids) values (_worker_id, _claim_number, _queue, _claimed);
  end if;
  if cardinality(_passed) >= 50 then
    update :"schema".rate_limit_lines as lines
       set next_at = :"schema".now() + interval '100 milliseconds'
     where lines.queue = _queue
       and lines.key = any (_passed);
  end if;
  return query
    select null::uuid, null::text, null::integer, null::integer, null::integer, null::integer, null::smallint,
      null::text, null::text, null::text, null::text, null::text, null::text, null::text,
      json_build_object('xid', pg_current_xact_id_if_assigned()::text, 'limited', (
        select extract(epoch from lines.next_at - :"schema".now()) * 1000
          from :"schema".rate_limit_lines as lines
         where lines.queue = _queue
         order by lines.queue, lines.next_at
         limit 1))::text;
end
$$;

-- Locks a rate limit and says what it has left: its budget, or until when to wait. A window that has passed begins anew.
create function :"schema".open_rate_limit(
  _key text, out capacity integer, out budget integer, out start_within_ms double precision, out wait_until timestamptz
)
language plpgsql
as $$
#variable_conflict use_column
declare
  _now timestamptz;
  _known record;
begin
  select limits.*, limits.interval_ms * interval '1 millisecond' as width
    into _known
    from :"schema".rate_limits as limits
   where limits.key = _key
     for update skip locked;
  _now := :"schema".now();
  if _known is null then
    -- Another worker is at it; or nobody has registered the key, and nothing may start. Whoever looks again does so after a
    -- while of real time: a clock that a test has set may stand still, and a wait by it would never end.
    wait_until := _now + case
      when coalesce(current_setting('pawl.clock', true), '') <> '' then interval '0'
      when exists (select from :"schema".rate_limits as limits where limits.key = _key) then interval '10 milliseconds'
      else interval '1 second' end;
    return;
  end if;
  capacity := _known.capacity;
  if _known.held_until > _now then
    wait_until := _known.held_until;
  elsif _known.is_sliding then
    start_within_ms := least(_known.interval_ms / 20, 1000);
    delete from :"schema".rate_limit_starts as starts
     where starts.key = _key
       and starts.started_at <= _now - _known.width - start_within_ms * interval '1 millisecond';
    budget := capacity - (
      select coalesce(sum(starts.weight), 0) from :"schema".rate_limit_starts as starts where starts.key = _key);
  elsif _known.window_started_at > _now - _known.width and _known.window_started_at <= _now then
    start_within_ms := extract(epoch from _known.window_started_at + _known.width - _now) * 1000;
    budget := capacity - _known.used;
    -- What is granted at the very end of a window could not start in time.
    if start_within_ms < least(_known.interval_ms / 20, 20) then
      wait_until := _known.window_started_at + _known.width;
    end if;
  else
    update :"schema".rate_limits as limits
       set window_started_at = _now, used = 0
     where limits.key = _key;
    start_within_ms := _known.interval_ms;
    budget := capacity;
  end if;
end
$$;

-- Counts what has been granted.
create function :"schema".spend_rate_limit(_key text, _weight integer) returns void
language sql
as $$
  with spent as (
    update :"schema".rate_limits as limits
       set used = limits.used + _weight
     where limits.key = _key
    returning limits.is_sliding
  )
  insert into :"schema".rate_limit_starts (key, started_at, weight)
  select _key, :"schema".now(), _weight from spent where spent.is_sliding
$$;

-- When a limit will have so much more to give than it has now.
create function :"schema".rate_limit_opens_at(_key text, _weight integer) returns timestamptz
language sql
as $$
  select case when limits.is_sliding then coalesce((
      select starts.started_at + (limits.interval_ms + least(limits.interval_ms / 20, 1000)) * interval '1 millisecond'
        from (
          select starts.started_at, sum(starts.weight) over (order by starts.started_at) as freed
            from :"schema".rate_limit_starts as starts
           where starts.key = _key
        ) as starts
       where starts.freed >= _weight
       order by starts.started_at
       limit 1), :"schema".now())
    else limits.window_started_at + limits.interval_ms * interval '1 millisecond' end
    from :"schema".rate_limits as limits
   where limits.key = _key
$$;

-- Fails a job that weighs more than its limit ever lets start; it would wait for ever.
create function :"schema".fail_overweight_job(_queue text, _id uuid, _capacity integer) returns void
language sql
as $$
  select :"schema".end_jobs(array[_queue], array[_id], 'failed',
           json_build_object('name', 'RateLimitError', 'code', 'PAWL_RATE_LIMIT_WEIGHT', 'message', format(
             'this job has the weight %s, and its rate limit "%s" the capacity %s, so it could never start; '
             'raise the capacity or lower the weight, then replay it', jobs.rate_limit_weight, jobs.rate_limit_key, _capacity)))
    from :"schema".jobs
   where jobs.queue = _queue and jobs.id = _id
$$;
