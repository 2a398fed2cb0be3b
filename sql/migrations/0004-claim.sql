-- The claim: takes up to _limit ready jobs of one queue for a worker, and returns them with one header row (id null).
-- breaking: no
--
-- One statement scans a list of ranges in order: for each priority the part after its cursor, and each gap between known
-- priorities, so that a job of any priority is found at once and no dead index entry is walked twice.
--
-- It is a function because only a function can carry planner settings into a single statement without session state: with
-- sorts, bitmaps and sequential scans off, the ordered scan of jobs_ready is the only plan left, whatever the statistics
-- say. "materialized" fences the limit. The time zone is fixed so that positions come back in one comparable form.
--
-- The header holds what the cursors need to find jobs that commit later behind them:
--   snapshot: taken before the scan, so every transaction that the scan could not see is listed in it as running, or has
--             an id between the snapshot's xmax and
--   xid:      the claim's own transaction id, which is newer than every transaction that had an id when the scan began;
--   rewinds:  how often jobs of this queue went back to the front;
--   skipped:  when fewer than _limit were found and jobs of unknown tasks were passed over: a time before the scan, up to
--             which all of these priorities have been examined, so that the next scan does not walk over them again.
create function :"schema".claim_jobs(
  _queue text, _worker_id uuid, _claim_number bigint, _limit integer, _tasks text[],
  _lowest smallint[], _after_run_at timestamptz[], _after_id uuid[], _highest smallint[]
) returns table (
  id uuid, task text, attempt integer, failures integer, max_attempts integer, crashes integer, priority smallint,
  run_at text, created_at text, correlation_id text, last_error text, partial_results text, payload text,
  header text
)
language plpgsql
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
  _found integer;
  _passed smallint[];
begin
  -- A lost claim does no harm: the job is ready again. So it need not wait for the disk.
  perform set_config('synchronous_commit', 'off', true);
  return query
    with next as materialized (
      select found.id
        from unnest(_lowest, _after_run_at, _after_id, _highest) as range (lowest, run_at, id, highest)
       cross join lateral (
         select jobs.id
           from :"schema".jobs
          where jobs.queue = _queue
            and jobs.state = 'ready'
            and (jobs.priority, jobs.run_at, jobs.id) > (range.lowest, range.run_at, range.id)
            and jobs.priority <= range.highest
            and (_tasks is null or jobs.task = any (_tasks))
          order by jobs.priority, jobs.run_at, jobs.id
          limit _limit
            for update skip locked
       ) as found
       limit _limit
    )
    update :"schema".jobs
       set state = 'running', worker_id = _worker_id, claim_number = _claim_number, claimed_at = :"schema".now(),
           attempt = jobs.attempt + 1
     where jobs.queue = _queue
       and jobs.id = any (array(select next.id from next))
    returning jobs.id, jobs.task, jobs.attempt, jobs.failures, jobs.max_attempts,
      jobs.crashes + jobs.suspected::integer, jobs.priority, jobs.run_at::text, jobs.created_at::text,
      jobs.correlation_id, jobs.last_error, jobs.partial_results::text, jobs.payload::text, null::text;
  get diagnostics _found = row_count;
  if _found < _limit then
    select array_agg(distinct passed.priority)
      into _passed
      from unnest(_lowest, _after_run_at, _after_id, _highest) as range (lowest, run_at, id, highest)
     cross join lateral (
       select jobs.priority
         from :"schema".jobs
        where jobs.queue = _queue
          and jobs.state = 'ready'
          and (jobs.priority, jobs.run_at, jobs.id) > (range.lowest, range.run_at, range.id)
          and jobs.priority <= range.highest
          and jobs.task <> all (_tasks)
     ) as passed;
    if _passed is not null then
      perform pg_current_xact_id();
    end if;
  end if;
  return query
    select null::uuid, null::text, null::integer, null::integer, null::integer, null::integer, null::smallint,
      null::text, null::text, null::text, null::text, null::text, null::text,
      json_build_object(
        'snapshot', _snapshot,
        'xid', pg_current_xact_id_if_assigned()::text,
        'rewinds', (select queues.rewinds from :"schema".queues where queues.name = _queue),
        'skipped', case when _passed is not null then _begun::text end,
        'priorities', _passed
      )::text;
end
$$;

-- The first queue with a ready job between two names; an upper end of null is none. Two statements, because an index has no
-- use for "is null or": it would read every ready job behind _above.
create function :"schema".next_ready_queue(_above text, _below text)
returns text
language plpgsql
as $$
begin
  if _below is null then
    return (
      select jobs.queue
        from :"schema".jobs
       where jobs.state = 'ready' and jobs.queue > _above
       order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
       limit 1);
  end if;
  return (
    select jobs.queue
      from :"schema".jobs
     where jobs.state = 'ready' and jobs.queue > _above and jobs.queue < _below
     order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
     limit 1);
end
$$;

-- Which queues have ready jobs? A skip scan over jobs_ready: for each known queue the parts after its cursors, and one jump
-- per queue in each gap between known queues (_above, _below), so that neither dead index entries nor the number of jobs
-- matter. _wanted are the queues that the worker takes (null: any); _rewinds says how often each of the _known ones had
-- been rewound when its cursors were made.
create function :"schema".find_ready_queues(
  _queues text[], _lowest smallint[], _after_run_at timestamptz[], _after_id uuid[], _highest smallint[],
  _above text[], _below text[], _wanted text[], _known text[], _rewinds bigint[]
) returns table (queue text)
language plpgsql
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
      select :"schema".next_ready_queue(gap.lower, gap.upper), gap.upper
        from unnest(_above, _below) as gap (lower, upper)
      union all
      select :"schema".next_ready_queue(jumped.queue, jumped.upper), jumped.upper
        from jumped
       where jumped.queue is not null
    ), known as (
      select distinct range.queue
        from unnest(_queues, _lowest, _after_run_at, _after_id, _highest)
          as range (queue, lowest, run_at, id, highest)
       where exists (
         select from :"schema".jobs
          where jobs.queue = range.queue
            and jobs.state = 'ready'
            and (jobs.priority, jobs.run_at, jobs.id) > (range.lowest, range.run_at, range.id)
            and jobs.priority <= range.highest
       )
    ), found as (
      select known.queue from known
      union
      select jumped.queue from jumped
       where jumped.queue is not null and (_wanted is null or jumped.queue = any (_wanted))
      union
      select queues.name
        from unnest(_known, _rewinds) as remembered (name, rewinds)
        join :"schema".queues on queues.name = remembered.name
       where queues.rewinds > remembered.rewinds
    )
    select found.queue from found;
end
$$;
