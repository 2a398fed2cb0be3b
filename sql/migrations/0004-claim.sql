-- The claim, and the look for what to claim.
-- breaking: no

-- What a worker is told of a job that it has claimed. The last row of a claim is its header (id null).
create type :"schema".claimed_job as (
  id uuid, task text, attempt integer, failures integer, max_attempts integer, crashes integer, priority smallint,
  run_at text, created_at text, correlation_id text, last_error text, partial_results text, payload text, keys text,
  header text
);

-- The claim: takes up to _limit ready jobs of one queue for a worker, and returns them with one header row.
--
-- One statement scans a list of ranges in order: for each priority the part after its cursor, as far as the next priority that
-- has one, so that a job of any priority is found at once and no dead index entry is walked twice. Or it scans stretches that
-- the cursors have left behind, each from just after a position to another.
--
-- It is a function because only a function can carry planner settings into a single statement without session state: with
-- sorts, bitmaps and sequential scans off, the ordered scan of jobs_ready is the only plan left, whatever the statistics
-- say. The time zone is fixed so that positions come back in one comparable form.
--
-- The update changes no column that an index holds, so it is a HOT update: see decision 0012. But who has the unique key of a
-- job that gives it up now is for an index to say. What is claimed is noted in `claims`, where a rescue finds it.
--
-- The header holds what the cursors need to find jobs that commit later behind them (decision 0002):
--   found:    how many of the rows, the first ones, come from the scan;
--   begun:    a time before
--   snapshot: which was taken before the scan, so every transaction that the scan could not see is listed in it as running, or
--             has an id between the snapshot's xmax and
--   xid:      the claim's own transaction id, which is newer than every transaction that had an id when the scan began;
--   left:     the first job behind the last one found that the scan left although it may stay ready: somebody has locked it,
--             and does not take it after all;
--   rewinds:  how often jobs of this queue went back to the front;
--   priorities: when fewer than _limit were found and jobs were passed over, of unknown tasks, with a forbidden flag or running:
--             their priorities have been examined up to `begun`, so that the next scan does not walk over them again; those of
--             running ones not as long as one was left;
--   unknown:  whether there were unknown tasks among them;
--   arrivals: whether there is something for take_arrivals to do, since _arrivals_since; null: never mind;
--   horizon:  when arrivals were taken, the next _arrivals_since;
--   limited:  in how many milliseconds a job with a rate limit may start; null: none waits.
--
-- When nothing is ready, arrivals are taken, and claimed from, in the same transaction.
--
-- _tasks null: any task, but those of _except. _is_settled_within: the job is settled in this same transaction, so nobody else
-- ever sees the claim, and its commit is that of the work.
--
-- A claimed job with a concurrency key brings up to _follow jobs with it that are next in its line: they share its lane, and
-- the worker runs them one after another. They are marked `follows`. Such a claim is durable: after a crash of the server a
-- lane must not be given out twice.
create function :"schema".claim_jobs(
  _queue text, _worker_id uuid, _claim_number bigint, _limit integer, _follow integer, _tasks text[], _except text[],
  _forbidden text[],
  _lowest smallint[], _after_run_at timestamptz[], _after_id uuid[],
  _highest smallint[], _until_run_at timestamptz[], _until_id uuid[], _arrivals_since bigint, _is_settled_within boolean
) returns setof :"schema".claimed_job
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
#variable_conflict use_column
declare
  _begun timestamptz := :"schema".now();
  _snapshot text := pg_current_snapshot()::text;
  _durability text := current_setting('synchronous_commit');
  _ids uuid[];
  _ready integer;
  _arrived record;
  _passed smallint[];
  _unknown boolean := false;
  _left uuid;
  _last record;
  _index oid := (:'schema' || '.jobs_ready')::regclass;
  _read_before bigint := pg_stat_get_xact_tuples_fetched(_index);
  _has_passed boolean;
begin
  -- A lost claim does no harm: the job is ready again. So it need not wait for the disk.
  if not _is_settled_within then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  _ids := array(
    select found.id
      from unnest(_lowest, _after_run_at, _after_id, _highest, _until_run_at, _until_id)
        as range (lowest, run_at, id, highest, until_run_at, until_id)
     cross join lateral (
       select jobs.id
         from :"schema".jobs
        where jobs.queue = _queue
          and jobs.indexed_as = 'ready'
          and jobs.rate_limit_key is null
          and jobs.worker_id is null
          and (jobs.priority, jobs.run_at, jobs.id) > (range.lowest, range.run_at, range.id)
          and (jobs.priority, jobs.run_at, jobs.id) <= (range.highest, range.until_run_at, range.until_id)
          and (_tasks is null or jobs.task = any (_tasks))
          and (_except is null or jobs.task <> all (_except))
          and (_forbidden is null or jobs.flags is null or not jobs.flags && _forbidden)
        order by jobs.priority, jobs.run_at, jobs.id
        limit _limit
          for update skip locked
     ) as found
     limit _limit
  );
  _ready := cardinality(_ids);
  -- The server's own count of what the scan has read tells whether it passed over anything.
  _has_passed := _read_before + _ready <> pg_stat_get_xact_tuples_fetched(_index)
    or current_setting('track_counts') = 'off';
  if _ready > 0 then
    return query
      update :"schema".jobs
         set indexed_as = case when jobs.unique_until_claimed then 'running' else 'ready' end,
             worker_id = _worker_id, claim_number = _claim_number, claimed_at = :"schema".now(), attempt = jobs.attempt + 1
       where jobs.queue = _queue
         and jobs.id = any (_ids)
      returning jobs.id, jobs.task, jobs.attempt, jobs.failures, jobs.max_attempts,
        jobs.crashes + jobs.suspected::integer, jobs.priority, jobs.run_at::text, jobs.created_at::text,
        jobs.correlation_id, jobs.last_error, jobs.partial_results::text, jobs.payload::text,
        case when coalesce(jobs.concurrency_key, jobs.unique_key) is not null or jobs.flags is not null
               or jobs.meta is not null
             then :"schema".describe_keys(jobs) end,
        null::text;
  end if;
  -- What has arrived may be all that there is. Nothing of the scan is locked while this waits for others.
  if _ready = 0 and exists (
    select from :"schema".arrivals where arrivals.queue = _queue and arrivals.xid >= _arrivals_since
  ) then
    select *
      into _arrived
      from :"schema".take_arrivals(_queue, _arrivals_since, greatest(_limit, 100), _limit, _worker_id,
        _claim_number, _tasks, _except, _forbidden);
    return query
      select jobs.id, jobs.task, jobs.attempt, jobs.failures, jobs.max_attempts,
        jobs.crashes + jobs.suspected::integer, jobs.priority, jobs.run_at::text, jobs.created_at::text,
        jobs.correlation_id, jobs.last_error, jobs.partial_results::text, jobs.payload::text,
        :"schema".describe_keys(jobs), null::text
        from :"schema".jobs
       where jobs.queue = _queue
         and jobs.id = any (_arrived.claimed);
    _ids := coalesce(_arrived.claimed, '{}');
  else
    select null::bigint as horizon into _arrived;
  end if;
  if cardinality(_ids) > 0 and not _is_settled_within then
    insert into :"schema".claims (worker_id, claim_number, queue, ids) values (_worker_id, _claim_number, _queue, _ids);
  end if;
  if cardinality(_ids) > 0 and exists (select from :"schema".concurrency_keys as keys where keys.queue = _queue) then
    if exists (
      select from :"schema".jobs
       where jobs.queue = _queue
         and jobs.id = any (_ids)
         and jobs.concurrency_lane is not null
    ) then
      perform set_config('synchronous_commit', _durability, true);
      -- With enough to do there is no need to go deep into any line.
      if cardinality(_ids) < _limit then
        return query select * from :"schema".claim_followers(_queue, _worker_id, _claim_number, _ids, _follow, _tasks,
          _except, _forbidden);
      end if;
    end if;
  end if;
  -- What the scan has passed over, as far as it came. When it has filled up, this looks for what somebody has locked, so there is
  -- no need for it when nobody else was at work, or when no cursor will go on from here.
  if _has_passed and (_ready < _limit or not _is_settled_within
      and _snapshot <> concat(pg_current_xact_id(), ':', pg_current_xact_id(), ':')) then
    select 32767::smallint as priority, 'infinity'::timestamptz as run_at, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid as id
      into _last;
    if _ready = _limit then
      select jobs.priority, jobs.run_at, jobs.id
        into _last
        from :"schema".jobs
       where jobs.queue = _queue and jobs.id = _ids[_ready];
    end if;
    select case when bool_or(passed.is_open) then array_agg(distinct passed.priority) filter (where passed.is_refused)
                else array_agg(distinct passed.priority) filter (where not passed.is_left) end,
           coalesce(bool_or(passed.is_unknown), false),
           (array_agg(passed.id) filter (where passed.is_left))[1]
      into _passed, _unknown, _left
      from unnest(_lowest, _after_run_at, _after_id, _highest, _until_run_at, _until_id)
        as range (lowest, run_at, id, highest, until_run_at, until_id)
     cross join lateral (
       select jobs.id, jobs.priority, jobs.worker_id is null and seen.is_refused as is_refused,
              jobs.worker_id is null and not seen.is_refused as is_left,
              jobs.worker_id is null and not seen.is_refused and jobs.run_at < _begun as is_open,
              jobs.worker_id is null and jobs.task <> all (_tasks) as is_unknown
         from :"schema".jobs
        cross join lateral (
          select coalesce(jobs.task <> all (_tasks) or jobs.task = any (_except) or jobs.flags && _forbidden, false)
            as is_refused
        ) as seen
        where jobs.queue = _queue
          and jobs.indexed_as = 'ready'
          and jobs.rate_limit_key is null
          and (jobs.priority, jobs.run_at, jobs.id) > (range.lowest, range.run_at, range.id)
          and (jobs.priority, jobs.run_at, jobs.id) < (_last.priority, _last.run_at, _last.id)
          and (jobs.priority, jobs.run_at, jobs.id) <= (range.highest, range.until_run_at, range.until_id)
        order by jobs.priority, jobs.run_at, jobs.id
     ) as passed;
    if _ready = _limit then
      _passed := null;
      _unknown := false;
    end if;
    -- Who passes over jobs needs an id to compare with, also when there was nothing to lock.
    if _passed is not null then
      perform pg_current_xact_id();
    end if;
  end if;
  return query
    select null::uuid, null::text, null::integer, null::integer, null::integer, null::integer, null::smallint,
      null::text, null::text, null::text, null::text, null::text, null::text, null::text,
      json_build_object(
        'found', _ready,
        'begun', _begun::text,
        'snapshot', _snapshot,
        'xid', pg_current_xact_id_if_assigned()::text,
        'left', case when _left is not null then (
          select json_build_object('priority', jobs.priority, 'runAt', jobs.run_at::text, 'id', jobs.id)
            from :"schema".jobs
           where jobs.queue = _queue and jobs.id = _left) end,
        'rewinds', (select queues.rewinds from :"schema".queues where queues.name = _queue),
        'priorities', _passed,
        'unknown', _unknown,
        'arrivals', exists (
          select from :"schema".arrivals where arrivals.queue = _queue and arrivals.xid >= _arrivals_since),
        'horizon', _arrived.horizon,
        'limited', (
          select extract(epoch from lines.next_at - :"schema".now()) * 1000
            from :"schema".rate_limit_lines as lines
           where lines.queue = _queue
           order by lines.queue, lines.next_at
           limit 1)
      )::text;
end
$$;

-- What a worker needs to know of a job that is not plain.
create function :"schema".describe_keys(_job :"schema".jobs) returns text
language sql
stable
as $$
  select json_strip_nulls(json_build_object(
    'concurrencyKey', _job.concurrency_key, 'lane', _job.concurrency_lane, 'rateLimitKey', _job.rate_limit_key,
    'uniqueKey', _job.unique_key, 'untilClaimed', _job.unique_until_claimed, 'flags', _job.flags, 'meta', _job.meta))::text
$$;

-- Claims what is next in the lines of the jobs that a claim has just taken, _leaders. Whose task or flags the worker cannot
-- take ends a line here, for nothing may pass it. Several lanes of one key share what is next.
create function :"schema".claim_followers(
  _queue text, _worker_id uuid, _claim_number bigint, _leaders uuid[], _follow integer, _tasks text[], _except text[],
  _forbidden text[]
) returns setof :"schema".claimed_job
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
#variable_conflict use_column
declare
  _heads json;
  _count integer;
  _ids uuid[];
  _lanes integer[];
  _turns bigint[];
  _moment timestamptz;
begin
  select json_agg(json_build_object('key', heads.key, 'lanes', heads.lanes)), sum(cardinality(heads.lanes))
    into _heads, _count
    from (
      select jobs.concurrency_key as key, array_agg(jobs.concurrency_lane) as lanes
        from :"schema".jobs
       where jobs.queue = _queue
         and jobs.id = any (_leaders)
         and jobs.concurrency_lane is not null
       group by jobs.concurrency_key
    ) as heads;
  begin
    with following as (
      select next.id, next.priority, next.concurrency_order,
             heads.lanes[1 + (next.place - 1) % cardinality(heads.lanes)] as lane
        from json_to_recordset(_heads) as heads (key text, lanes integer[])
       cross join lateral (
         select line.id, line.priority, line.concurrency_order, line.place,
                bool_and(line.is_mine) over (order by line.place) as is_free
           from (
             select jobs.id, jobs.priority, jobs.concurrency_order,
                    (_tasks is null or jobs.task = any (_tasks)) and (_except is null or jobs.task <> all (_except))
                        and jobs.rate_limit_key is null
                      and (_forbidden is null or jobs.flags is null or not jobs.flags && _forbidden) as is_mine,
                    row_number() over (order by jobs.priority, jobs.concurrency_order) as place
               from (
                 select jobs.*
                   from :"schema".jobs
                  where jobs.queue = _queue
                    and jobs.concurrency_key = heads.key
                    and jobs.indexed_as = 'blocked'
                  order by jobs.queue, jobs.concurrency_key, jobs.priority, jobs.concurrency_order
                  limit greatest(1, _follow * cardinality(heads.lanes) / _count)
                    for update nowait
               ) as jobs
           ) as line
       ) as next
       where next.is_free
       limit _follow
    )
    select array_agg(following.id order by following.id), array_agg(following.lane order by following.id),
           array_agg(following.turn order by following.id)
      into _ids, _lanes, _turns
      from (
        select following.id, following.lane,
               row_number() over (order by following.priority, following.concurrency_order) as turn
          from following
      ) as following;
  exception when lock_not_available then
    -- Nothing passes a job that somebody has locked: this time the line is left to admissions, one by one.
    return;
  end;
  if _ids is null then
    return;
  end if;
  insert into :"schema".claims (worker_id, claim_number, queue, ids) values (_worker_id, _claim_number, _queue, _ids);
  _moment := :"schema".now();
  return query
    update :"schema".jobs
       set indexed_as = 'running', worker_id = _worker_id, claim_number = _claim_number, claimed_at = _moment,
           attempt = jobs.attempt + 1, run_at = _moment + _turns[width_bucket(jobs.id, _ids)] * interval '1 microsecond',
           concurrency_lane = _lanes[width_bucket(jobs.id, _ids)]
     where jobs.queue = _queue
       and jobs.id = any (_ids)
    returning jobs.id, jobs.task, jobs.attempt, jobs.failures, jobs.max_attempts,
      jobs.crashes + jobs.suspected::integer, jobs.priority, jobs.run_at::text, jobs.created_at::text,
      jobs.correlation_id, jobs.last_error, jobs.partial_results::text, jobs.payload::text,
      (:"schema".describe_keys(jobs)::jsonb || '{"follows": true}')::text, null::text;
end
$$;

-- The first queue between two names that jobs_ready holds a job of, be it ready or running; an upper end of null is none. Two
-- statements, because an index has no use for "is null or": it would read every job behind _above.
create function :"schema".next_indexed_queue(_above text, _below text)
returns text
language plpgsql
as $$
begin
  if _below is null then
    return (
      select jobs.queue
        from :"schema".jobs
       where jobs.indexed_as = 'ready' and jobs.rate_limit_key is null and jobs.queue > _above
       order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
       limit 1);
  end if;
  return (
    select jobs.queue
      from :"schema".jobs
     where jobs.indexed_as = 'ready' and jobs.rate_limit_key is null and jobs.queue > _above and jobs.queue < _below
     order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
     limit 1);
end
$$;

-- Which queues may have ready jobs? Looked for in parts of jobs_ready, as in a claim, and by one jump per queue in each gap
-- between known queues (_above, _below), so that neither dead index entries nor the number of jobs matter. What is there may be
-- running; a claim finds out, and moves the cursors behind it. _rewinds says how often each of the _known queues had been
-- rewound when its cursors were made. The part in front of a queue's first cursor is not given, but said to be there by
-- _is_first: with a thousand queues, most of the time went into reading lists.
create function :"schema".find_ready_queues(
  _queues text[], _lowest smallint[], _after_run_at timestamptz[], _after_id uuid[], _highest smallint[], _is_first boolean[],
  _above text[], _below text[], _known text[], _rewinds bigint[]
) returns table (queue text)
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
begin
  return query
    with recursive jumped (queue, upper) as (
      select :"schema".next_indexed_queue(gap.lower, gap.upper), gap.upper
        from unnest(_above, _below) as gap (lower, upper)
      union all
      select :"schema".next_indexed_queue(jumped.queue, jumped.upper), jumped.upper
        from jumped
       where jumped.queue is not null
    )
    select range.queue
      from unnest(_queues, _lowest, _after_run_at, _after_id, _highest, _is_first)
        as range (queue, lowest, run_at, id, highest, is_first)
     where (
       select true
         from :"schema".jobs
        where jobs.queue = range.queue
          and jobs.indexed_as = 'ready'
          and jobs.rate_limit_key is null
          and (jobs.priority, jobs.run_at, jobs.id) > (range.lowest, range.run_at, range.id)
          and jobs.priority <= range.highest
        limit 1)
        or range.is_first and (
       select true
         from :"schema".jobs
        where jobs.queue = range.queue
          and jobs.indexed_as = 'ready'
          and jobs.rate_limit_key is null
          and jobs.priority < range.lowest
        limit 1)
    union
    select jumped.queue from jumped where jumped.queue is not null
    union
    select queues.name
      from unnest(_known, _rewinds) as remembered (name, rewinds)
      join :"schema".queues on queues.name = remembered.name
     where queues.rewinds > remembered.rewinds;
end
$$;

-- In which queues of _wanted (null: any) is there something for take_arrivals or for claim_limited_jobs? As a rule nowhere,
-- which two look-ups tell. `limited_ms`: how soon a job with a rate limit may start.
create function :"schema".find_waiting_queues(_wanted text[], _arrivals_since bigint)
returns table (queue text, arrived boolean, limited_ms double precision)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
#variable_conflict use_column
begin
  if not exists (select from :"schema".arrivals where arrivals.xid >= _arrivals_since)
     and not exists (select from :"schema".rate_limit_lines) then
    return;
  end if;
  return query
    with recursive arriving (queue) as (
      (select arrivals.queue from :"schema".arrivals order by arrivals.queue, arrivals.xid limit 1)
      union all
      select (select arrivals.queue
                from :"schema".arrivals
               where arrivals.queue > arriving.queue
               order by arrivals.queue, arrivals.xid
               limit 1)
        from arriving
       where arriving.queue is not null
    ), limited (queue) as (
      (select lines.queue from :"schema".rate_limit_lines as lines order by lines.queue, lines.next_at limit 1)
      union all
      select (select lines.queue
                from :"schema".rate_limit_lines as lines
               where lines.queue > limited.queue
               order by lines.queue, lines.next_at
               limit 1)
        from limited
       where limited.queue is not null
    ), candidates as (
      select arriving.queue from arriving where arriving.queue is not null
      union
      select limited.queue from limited where limited.queue is not null
    )
    select candidates.queue,
           exists (
             select from :"schema".arrivals
              where arrivals.queue = candidates.queue and arrivals.xid >= _arrivals_since),
           (select extract(epoch from lines.next_at - :"schema".now()) * 1000
              from :"schema".rate_limit_lines as lines
             where lines.queue = candidates.queue
             order by lines.queue, lines.next_at
             limit 1)::double precision
      from candidates
     where _wanted is null or candidates.queue = any (_wanted);
end
$$;
