-- Admits blocked jobs to the ready ones, and takes in what arrivals announce.
-- breaking: no

-- Waits, for some microseconds, until the clock has passed a time that was given to a job as its position: nobody may see a
-- position in the future. The bound is for a clock that was set back; a test's clock stands still.
create function :"schema".await_clock(_time timestamptz) returns void
language plpgsql
as $$
begin
  for _turn in 1 .. 100000 loop
    exit when clock_timestamp() > _time or coalesce(current_setting('pawl.clock', true), '') <> '';
  end loop;
end
$$;

-- Locks those of the keys that are known, in the one order, in which the index is read; returns them.
create function :"schema".lock_concurrency_keys(_queue text, _keys text[]) returns text[]
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return array(
    select keys.key
      from :"schema".concurrency_keys as keys
     where keys.queue = _queue
       and keys.key = any (_keys)
       for update);
end
$$;

-- Makes the next blocked jobs of these keys ready, as many as there are free lanes; tells how many. The caller has locked the keys' rows, in
-- an earlier statement and in the order of the keys.
--
-- No wake-up can be lost. Whatever frees a lane, or adds a blocked job, leads here after it: in the same transaction (a
-- settle), or through an arrival that commits with it. The keys' rows are locked first, and what is counted afterwards, in
-- statements of their own, has a snapshot younger than the lock. So of two admissions of one key the second sees what the
-- first committed; and a job that this one counts as running has not committed its end, so its own admission waits for the
-- lock and sees every job that this one saw. This needs READ COMMITTED: in a caller's own transaction an arrival is written
-- instead. Where somebody has locked a blocked job, what is behind it waits, and an arrival is left for another look.
--
-- _places: of what this worker may claim, up to so many are claimed at once instead, so that their rows need not be written
-- twice. It passes over what is ready: only who has found nothing ready gives places.
create function :"schema".admit_jobs(
  _queue text, _keys text[], _places integer, _worker_id uuid, _claim_number bigint, _tasks text[], _except text[],
  _forbidden text[], out admitted integer, out claimed uuid[]
)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _ids uuid[];
  _lanes integer[];
  _turns bigint[];
  _is_claimed boolean[];
  _open text[];
  _moment timestamptz;
begin
  with admitted as (
    select keys.key, next.id, free.lanes, next.priority, next.concurrency_order, next.is_mine,
           row_number() over (partition by keys.key order by next.priority, next.concurrency_order) as place,
           count(next.id) over (partition by keys.key) < cardinality(free.lanes) as is_open
      from :"schema".concurrency_keys as keys
     cross join lateral (
       select case
         -- The common case is written out: it is what most keys are, and costs a tenth.
         when keys.max_running = 1 and not exists (
           select from :"schema".jobs
            where jobs.queue = _queue
              and jobs.concurrency_key = keys.key
              and jobs.concurrency_lane is not null
         ) and not exists (
           select from :"schema".concurrency_holds as holds
            where holds.queue = _queue
              and holds.key = keys.key
         ) then '{1}'
         when keys.max_running = 1 then '{}'
         -- Fewer when the limit was higher, and lanes above it are still taken.
         else (
           select array(
                    select lane
                      from generate_series(1, keys.max_running) as lane
                     where lane <> all (taken.lanes)
                     limit greatest(keys.max_running - cardinality(taken.lanes), 0))
             from (
               select array(
                 select jobs.concurrency_lane
                   from :"schema".jobs
                  where jobs.queue = _queue
                    and jobs.concurrency_key = keys.key
                    and jobs.concurrency_lane is not null
                  union
                 select holds.lane
                   from :"schema".concurrency_holds as holds
                  where holds.queue = _queue
                    and holds.key = keys.key) as lanes
             ) as taken
         )
       end as lanes
       -- Or the lanes would be looked for again each time that they are used.
       offset 0
     ) as free
      left join lateral (
       select first.id, first.priority, first.concurrency_order, first.is_mine
         from (
           select open.*, row_number() over (order by open.priority, open.concurrency_order) as place
             from (
               select jobs.id, jobs.priority, jobs.concurrency_order,
                      jobs.rate_limit_key is null
                        and (_tasks is null or jobs.task = any (_tasks))
                        and (_except is null or jobs.task <> all (_except))
                        and (_forbidden is null or jobs.flags is null or not jobs.flags && _forbidden) as is_mine
                 from :"schema".jobs
                where jobs.queue = _queue
                  and jobs.concurrency_key = keys.key
                  and jobs.indexed_as = 'blocked'
                order by jobs.queue, jobs.concurrency_key, jobs.priority, jobs.concurrency_order
                limit cardinality(free.lanes)
                  for update skip locked
             ) as open
         ) as first
        cross join (
          select array(
            select jobs.id
              from :"schema".jobs
             where jobs.queue = _queue
               and jobs.concurrency_key = keys.key
               and jobs.indexed_as = 'blocked'
             order by jobs.queue, jobs.concurrency_key, jobs.priority, jobs.concurrency_order
             limit cardinality(free.lanes)) as ids
          offset 0
        ) as line
        -- Nothing passes a job that somebody has locked.
        where first.id = line.ids[first.place]
     ) as next on true
     where keys.queue = _queue
       and keys.key = any (_keys)
  ), numbered as (
    select admitted.key, admitted.is_open, admitted.id, admitted.lanes[admitted.place] as lane,
           row_number() over in_order as turn,
           admitted.is_mine and count(*) filter (where admitted.is_mine) over in_order <= _places as is_claimed
      from admitted
    window in_order as (order by admitted.priority, admitted.concurrency_order)
  )
  select array_agg(numbered.id order by numbered.id) filter (where numbered.id is not null),
         array_agg(numbered.lane order by numbered.id) filter (where numbered.id is not null),
         array_agg(numbered.turn order by numbered.id) filter (where numbered.id is not null),
         array_agg(numbered.is_claimed order by numbered.id) filter (where numbered.id is not null),
         array_agg(numbered.id) filter (where numbered.is_claimed),
         array_agg(distinct numbered.key) filter (where numbered.is_open)
    into _ids, _lanes, _turns, _is_claimed, claimed, _open
    from numbered;
  admitted := coalesce(cardinality(_ids), 0);

  if admitted > 0 then
    -- The locks have drawn the transaction's id: only now may the clock be read (decision 0002).
    _moment := :"schema".now();
    with moved as (
      update :"schema".jobs
         set indexed_as = case when _is_claimed[width_bucket(jobs.id, _ids)] then 'running' else 'ready' end,
             run_at = _moment + _turns[width_bucket(jobs.id, _ids)] * interval '1 microsecond',
             concurrency_lane = _lanes[width_bucket(jobs.id, _ids)],
             worker_id = case when _is_claimed[width_bucket(jobs.id, _ids)] then _worker_id end,
             claim_number = case when _is_claimed[width_bucket(jobs.id, _ids)] then _claim_number end,
             claimed_at = case when _is_claimed[width_bucket(jobs.id, _ids)] then _moment end,
             attempt = jobs.attempt + _is_claimed[width_bucket(jobs.id, _ids)]::integer
       where jobs.queue = _queue
         and jobs.id = any (_ids)
      returning jobs.rate_limit_key
    )
    -- A job with a rate limit as well now waits for that.
    insert into :"schema".arrivals (queue, rate_limit_key)
    select distinct _queue, moved.rate_limit_key
      from moved
     where moved.rate_limit_key is not null;
    perform :"schema".await_clock(_moment + cardinality(_ids) * interval '1 microsecond');
    if false = any (_is_claimed) then
      perform :"schema".wake_workers();
    end if;
  end if;

  -- What is left of a key that still has a free lane was locked by somebody. The look is no `exists`, which could be turned
  -- into a join with all that is blocked.
  insert into :"schema".arrivals (queue, concurrency_key)
  select _queue, open.key
    from unnest(_open) as open (key)
   where (
     select true
       from :"schema".jobs
      where jobs.queue = _queue
        and jobs.concurrency_key = open.key
        and jobs.indexed_as = 'blocked'
      limit 1);
end
$$;

-- Writes arrivals for what a caller's own transaction has moved; they are read when it has committed.
create function :"schema".announce_arrivals(_queue text, _concurrency_keys text[], _rate_limit_keys text[]) returns void
language sql
as $$
  insert into :"schema".arrivals (queue, concurrency_key)
  select _queue, arrived.key from unnest(_concurrency_keys) as arrived (key);
  insert into :"schema".arrivals (queue, rate_limit_key)
  select _queue, arrived.key from unnest(_rate_limit_keys) as arrived (key);
  select :"schema".wake_workers();
$$;

-- Reads up to _limit arrivals of a queue and admits what they announce, or claims it: see admit_jobs. Nothing older than
-- _since, the oldest transaction that was running at the last look, can be new, so dead index entries are not walked twice;
-- `horizon` is the next _since. What others are at, and may drop again, does not move it.
create function :"schema".take_arrivals(
  _queue text, _since bigint, _limit integer, _places integer, _worker_id uuid, _claim_number bigint, _tasks text[],
  _except text[], _forbidden text[], out taken integer, out admitted integer, out claimed uuid[],
  out horizon bigint
)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  _arrivals :"schema".arrivals[];
  _arrived text[];
  _keys text[];
begin
  horizon := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  admitted := 0;
  with taken as (
    delete from :"schema".arrivals
     where arrivals.ctid = any (array(
       select arrivals.ctid
         from :"schema".arrivals
        where arrivals.queue = _queue
          and arrivals.xid >= _since
        order by arrivals.queue, arrivals.xid
        limit _limit
          for update skip locked))
    returning arrivals as arrival, arrivals.concurrency_key
  )
  select count(*), array_agg(taken.arrival),
         array_agg(distinct taken.concurrency_key) filter (where taken.concurrency_key is not null)
    into taken, _arrivals, _arrived
    from taken;
  if taken = _limit or exists (
    select from :"schema".arrivals where arrivals.queue = _queue and arrivals.xid >= _since
  ) then
    horizon := _since;
  end if;
  if taken = 0 then
    return;
  end if;
  perform :"schema".note_rate_limits(_queue, _arrivals);
  if _arrived is null then
    return;
  end if;
  _keys := :"schema".lock_concurrency_keys(_queue, _arrived);
  _keys := _keys || :"schema".note_concurrency_limits(_queue, _arrivals);
  select * into admitted, claimed
    from :"schema".admit_jobs(_queue, _keys, _places, _worker_id, _claim_number, _tasks, _except, _forbidden);
  -- A key that somebody else has made while this waited for a lock is not locked here.
  insert into :"schema".arrivals (queue, concurrency_key)
  select _queue, missed.key
    from (select unnest(_arrived) except select unnest(_keys)) as missed (key)
   where (
     select true
       from :"schema".concurrency_keys as known
      where known.queue = _queue
        and known.key = missed.key);
end
$$;

-- Takes in the rate limits that arrivals bring, and that jobs wait for one. What is known already is looked up key by key, by
-- subqueries that no planner turns into a join with all keys. Of limits that differ, that of the newest enqueue wins: a
-- changed limit is a deployed change, and the jobs before it should obey it too.
create function :"schema".note_rate_limits(_queue text, _arrivals :"schema".arrivals[]) returns void
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _limit record;
  _keys text[];
  _locked text[];
begin
  -- As a rule there are none, and the list is long.
  _keys := array(
    select distinct arrived.rate_limit_key
      from unnest(_arrivals) as arrived
     where arrived.rate_limit_key is not null);
  if cardinality(_keys) = 0 then
    return;
  end if;
  for _limit in
    select newest.*
      from (
        select distinct on (arrived.rate_limit_key) arrived.rate_limit_key as key, arrived.capacity, arrived.interval_ms,
               arrived.is_sliding, arrived as arrival
          from unnest(_arrivals) as arrived
         where arrived.rate_limit_key is not null
           and arrived.capacity is not null
         order by arrived.rate_limit_key, arrived.xid desc
      ) as newest
     where (
       select true
         from :"schema".rate_limits as known
        where known.key = newest.key
          and known.capacity = newest.capacity
          and known.interval_ms = newest.interval_ms
          and known.is_sliding = newest.is_sliding) is null
     order by newest.key
  loop
    perform :"schema".note_rate_limit(_limit.arrival);
  end loop;
  -- First the limits and then the lines: the order of those who register by hand as well. Nothing changes in a line that is
  -- there, but its lock is taken: whoever removes a line that has run dry sees this job, or is seen to have removed it. For a
  -- line that others have locked, perhaps for long, the arrival comes again.
  _locked := array(
    select lines.key
      from :"schema".rate_limit_lines as lines
     where lines.queue = _queue
       and lines.key = any (_keys)
     order by lines.key
       for update skip locked);
  with made as (
    insert into :"schema".rate_limit_lines as lines (queue, key, next_at)
    select _queue, missing.key, :"schema".now()
      from unnest(_keys) as missing (key)
     where missing.key <> all (_locked)
     order by missing.key
        on conflict (queue, key) do nothing
    returning lines.key
  )
  insert into :"schema".arrivals (queue, rate_limit_key)
  select _queue, waiting.key
    from unnest(_keys) as waiting (key)
   where waiting.key <> all (_locked)
     and waiting.key not in (select made.key from made);
end
$$;

-- Takes in a rate limit. Somebody's open transaction may have changed the same one: claims do not wait for it, the arrival
-- comes again.
create function :"schema".note_rate_limit(_arrival :"schema".arrivals) returns void
language plpgsql
set lock_timeout = '50ms'
as $$
begin
  perform :"schema".register_rate_limit(
    _arrival.rate_limit_key, _arrival.capacity, _arrival.interval_ms, _arrival.is_sliding);
exception when lock_not_available then
  insert into :"schema".arrivals (queue, rate_limit_key, capacity, interval_ms, is_sliding, is_enqueue)
  values (_arrival.queue, _arrival.rate_limit_key, _arrival.capacity, _arrival.interval_ms, _arrival.is_sliding, true);
end
$$;

-- Takes in the limits of concurrency keys; returns the keys of which it has written the row, and so has its lock. The newest
-- enqueue wins here as well. A job that joins its line long after its enqueue brings its limit along, in case the key has been
-- forgotten.
create function :"schema".note_concurrency_limits(_queue text, _arrivals :"schema".arrivals[]) returns text[]
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _noted text[];
begin
  with noted as (
    insert into :"schema".concurrency_keys as keys (queue, key, max_running)
    select _queue, newest.key, newest.concurrency_limit
      from (
        select distinct on (arrived.concurrency_key) arrived.concurrency_key as key, arrived.concurrency_limit,
               arrived.is_enqueue
          from unnest(_arrivals) as arrived
         where arrived.concurrency_key is not null
           and arrived.concurrency_limit is not null
         order by arrived.concurrency_key, arrived.is_enqueue desc, arrived.xid desc
      ) as newest
     cross join lateral (
       select (
         select known.max_running
           from :"schema".concurrency_keys as known
          where known.queue = _queue
            and known.key = newest.key) as max_running
     ) as known
     where known.max_running is null
        or (newest.is_enqueue and known.max_running <> newest.concurrency_limit)
     order by newest.key
        on conflict (queue, key) do update set max_running = excluded.max_running
    returning keys.key
  )
  select coalesce(array_agg(noted.key), '{}') into _noted from noted;
  return _noted;
end
$$;
