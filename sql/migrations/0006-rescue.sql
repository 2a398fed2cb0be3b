-- What happens to the jobs of a worker that is gone, and to claimed jobs that their worker does not know it has.
-- breaking: no

-- Ends the sessions in which transactional handlers of a worker hold their jobs' rows: such a session carries the worker's
-- id as its application_name. A frozen or unreachable process would keep its row locks for as long as TCP lets it.
create function :"schema".end_worker_sessions(_worker_id uuid) returns void
language plpgsql
as $$
begin
  perform pg_terminate_backend(pid)
     from pg_stat_activity
    where application_name = 'pawl ' || _worker_id;
exception when insufficient_privilege then
  null; -- Sessions of another role: idle_in_transaction_session_timeout ends them instead.
end
$$;

-- What workers hold (null: all of them), by the claims that are noted and by what the jobs' own rows say of who has them. The
-- "offset 0" keeps the look-ups of each claim by the primary key, whatever the statistics.
create function :"schema".held_jobs(_worker_ids uuid[])
returns table (worker_id uuid, queue text, id uuid, claim_number bigint, claimed_at timestamptz)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  return query
    select distinct claims.worker_id, claims.queue, jobs.id, jobs.claim_number, jobs.claimed_at
      from :"schema".claims
     cross join lateral (
       select jobs.id, jobs.claim_number, jobs.claimed_at
         from :"schema".jobs
        where jobs.queue = claims.queue
          and jobs.id = any (claims.ids)
          and jobs.worker_id = claims.worker_id
          -- A rescue leaves some without a number, for a moment.
          and (jobs.claim_number = claims.claim_number or jobs.claim_number is null)
       offset 0
     ) as jobs
     where _worker_ids is null or claims.worker_id = any (_worker_ids);
end
$$;

-- Removes what is noted of claims of which the worker holds no job any more; looks at up to _limit claims after a number, and
-- returns the number to go on after (null: that was the end). What a claim does not hold now, it never holds again.
create function :"schema".prune_claims(_worker_id uuid, _after bigint, _limit integer) returns bigint
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _count integer;
  _last bigint;
begin
  with looked_at as materialized (
    select claims.ctid as place, claims.claim_number, (
             select true
               from :"schema".jobs
              where jobs.queue = claims.queue
                and jobs.id = any (claims.ids)
                and jobs.worker_id = _worker_id
                and (jobs.claim_number = claims.claim_number or jobs.claim_number is null)
              limit 1) as is_held
      from :"schema".claims
     where claims.worker_id = _worker_id
       and claims.claim_number > _after
     order by claims.worker_id, claims.claim_number
     -- A claim may have several rows.
     fetch first _limit rows with ties
  ), removed as (
    delete from :"schema".claims
     where claims.ctid = any (array(select looked_at.place from looked_at where looked_at.is_held is null))
  )
  select count(*), max(looked_at.claim_number) into _count, _last from looked_at;
  return case when _count >= _limit then _last end;
end
$$;

-- Rescues the jobs of a silent or ended worker that can be locked at once; returns how many went back or failed.
--
-- A silent worker is ended first, judged by its row as it is now, so that a late heartbeat wins; and one whose process is
-- gone (_is_gone) whatever its row says: who asks has seen that it cannot come back.
--
-- Which of its jobs had started? Jobs start in claim order, at most `concurrency` at a time, and transactional ones get
-- their connection in that order too, so the first of the remaining ones are taken to have started; the rest were buffered
-- or waited for a connection, and are not blamed. One inaccuracy is left: outcomes
-- that the worker had not yet written. So the others are marked as suspected; the next worker writes every outcome before
-- it starts a suspected job, which makes the rule exact. A job seen in one crash less than _quarantine_after runs alone,
-- with every outcome written: if it is the first of the remaining ones, it alone had started, and else neither it nor any
-- after it. A job that could not be locked on the first pass was locked by its own transactional handler, so it had started too.
--
-- A job whose cancellation was asked for ends as cancelled. Jobs with a concurrency key go back to their line, and arrivals
-- tell that their lanes are free. One that gave up its unique key when it was claimed is left to return_unique_job.
create function :"schema".rescue_jobs(_worker_id uuid, _quarantine_after integer, _is_gone boolean)
returns integer
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _worker record;
  _first_pass boolean;
  _queue text;
  _queues text[];
  _rescued integer;
  _unique record;
begin
  update :"schema".workers
     set ended_at = :"schema".now(), crashed = true, idle = false
   where id = _worker_id
     and ended_at is null
     and (_is_gone or heartbeat_at < :"schema".now() - lease_ms * interval '1 millisecond');
  _first_pass := found;
  select workers.ended_at, workers.concurrency, workers.crashed, workers.transaction_slots, workers.transactional
    into _worker
    from :"schema".workers
   where workers.id = _worker_id;
  if _worker.ended_at is null then
    return 0;
  end if;
  perform :"schema".end_worker_sessions(_worker_id);

  with claimed as materialized (
    select claims.queue, jobs.id, jobs.claimed_at, jobs.crashes + jobs.suspected::integer as seen,
           row_number() over (order by claims.claim_number, jobs.priority, jobs.run_at, jobs.id) as place,
           jobs.task = any (_worker.transactional) as transactional,
           row_number() over (
             partition by jobs.task = any (_worker.transactional)
             order by claims.claim_number, jobs.priority, jobs.run_at, jobs.id) as place_among_its_kind
      from :"schema".claims
     cross join lateral (
       select jobs.id, jobs.claimed_at, jobs.crashes, jobs.suspected, jobs.priority, jobs.run_at, jobs.task
         from :"schema".jobs
        where jobs.queue = claims.queue
          and jobs.id = any (claims.ids)
          and jobs.worker_id = _worker_id
          and jobs.claim_number = claims.claim_number
       offset 0
     ) as jobs
     where claims.worker_id = _worker_id
  ), alone as materialized (
    select min(claimed.place) as place
      from claimed
     where claimed.seen >= _quarantine_after - 1
  ), ranked as materialized (
    select claimed.queue, claimed.id,
           case when not _first_pass then _worker.crashed and claimed.claimed_at <= _worker.ended_at
                when alone.place = 1 then claimed.place = 1
                else claimed.place <= _worker.concurrency and claimed.place < coalesce(alone.place, claimed.place + 1)
                     and (not claimed.transactional or claimed.place_among_its_kind <= _worker.transaction_slots)
           end as started,
           _first_pass and claimed.place < coalesce(alone.place, claimed.place + 1) as uncertain
      from claimed
     cross join alone
  ), held as materialized (
    select jobs.queue, jobs.id, jobs.created_at, jobs.run_at, jobs.claimed_at, jobs.replay_of, jobs.attempt, jobs.task,
           jobs.concurrency_key, jobs.rate_limit_key, jobs.correlation_id, jobs.cancel_reason, jobs.payload,
           ranked.started, ranked.uncertain,
           ranked.started and jobs.crashes + jobs.suspected::integer + 1 >= _quarantine_after as quarantined,
           ranked.started and jobs.failures + 1 >= jobs.max_attempts as exhausted
      from ranked
      join :"schema".jobs on jobs.queue = ranked.queue and jobs.id = ranked.id
     where jobs.worker_id = _worker_id
     order by jobs.queue, jobs.id
       for update of jobs skip locked
  ), judged as materialized (
    select held.*, held.quarantined or held.exhausted or held.cancel_reason is not null as ended,
           case when held.cancel_reason is not null then 'cancelled'
                when held.quarantined then 'failed'
                when held.started then 'crashed'
                else 'released' end as outcome
      from held
  ), gone as (
    delete from :"schema".jobs
     using judged
     where jobs.queue = judged.queue and jobs.id = judged.id and judged.ended
  ), returned as (
    -- One with a unique key of that kind stays with its dead worker for a moment: its blame is written, and no more.
    update :"schema".jobs
       set indexed_as = case when jobs.unique_until_claimed then 'running'
                             when jobs.concurrency_key is not null then 'blocked'
                             else 'ready' end,
           worker_id = case when jobs.unique_until_claimed then _worker_id end,
           concurrency_lane = case when jobs.unique_until_claimed then jobs.concurrency_lane end,
           claim_number = null, claimed_at = null,
           failures = jobs.failures + judged.started::integer,
           crashes = jobs.crashes + judged.started::integer,
           suspected = jobs.suspected or (judged.uncertain and not judged.started),
           last_error = case when judged.started then 'the worker that ran this job ended without settling it'
                             else jobs.last_error end
      from judged
     where jobs.queue = judged.queue and jobs.id = judged.id and not judged.ended
  ), recorded as (
    insert into :"schema".history (
      id, created_at, run_at, started_at, finished_at, expires_at, worker_id, replay_of, attempt, final, queue, task, outcome,
      correlation_id, error, payload)
    select judged.id, judged.created_at, judged.run_at, case when judged.started then judged.claimed_at end,
           :"schema".now(), :"schema".now() + :"schema".history_retention(judged.task),
           _worker_id, judged.replay_of, judged.attempt, judged.ended, judged.queue, judged.task, judged.outcome,
           judged.correlation_id,
           case
             when judged.cancel_reason is not null then json_build_object('name', 'CancelledError',
               'code', 'PAWL_JOB_CANCELLED', 'message', judged.cancel_reason)
             when judged.quarantined then json_build_object('name', 'QuarantinedError', 'code', 'PAWL_JOB_QUARANTINED',
               'message', format('this job was running, or may have been, in %s workers that ended without settling it, so it is not run again; '
                 'find out what it does to the process, then enqueue it anew', _quarantine_after))
             when judged.started then json_build_object('name', 'WorkerCrashedError', 'code', 'PAWL_WORKER_CRASHED',
               'message', 'the worker that ran this job ended without settling it')
           end,
           case when judged.ended then judged.payload end
      from judged
     where :"schema".is_history_kept(judged.task, judged.outcome)
  ), arrived as (
    insert into :"schema".arrivals (queue, concurrency_key, rate_limit_key)
    select distinct judged.queue, judged.concurrency_key, judged.rate_limit_key
      from judged
     where judged.concurrency_key is not null or judged.rate_limit_key is not null
  )
  select count(*), array_agg(distinct judged.queue) into _rescued, _queues from judged;

  -- What is left has had its history row, and goes back one by one: it may meet its successor.
  for _unique in
    select jobs.queue, jobs.id
      from :"schema".held_jobs(array[_worker_id]) as held
      join :"schema".jobs on jobs.queue = held.queue and jobs.id = held.id
     where held.claim_number is null
       and jobs.worker_id = _worker_id
       and jobs.claim_number is null
     order by jobs.queue, jobs.id
       for update of jobs skip locked
  loop
    perform :"schema".return_unique_job(_unique.queue, _unique.id);
  end loop;

  -- The handlers of a worker that has ended hold no lanes any more.
  with freed as (
    delete from :"schema".concurrency_holds as holds
     where holds.worker_id = _worker_id
    returning holds.queue, holds.key
  )
  insert into :"schema".arrivals (queue, concurrency_key)
  select distinct freed.queue, freed.key from freed;

  foreach _queue in array coalesce(_queues, '{}') loop
    perform :"schema".rewind_queue(_queue);
  end loop;
  perform :"schema".prune_claims(_worker_id, 0, 2147483647);
  -- No claim made before the end can still be under way after a minute, so there is nothing more to look for.
  if _rescued = 0 and _worker.ended_at < :"schema".now() - interval '1 minute' then
    update :"schema".workers
       set swept = true
     where id = _worker_id
       and not exists (select from :"schema".claims where claims.worker_id = _worker_id)
       and not exists (select from :"schema".concurrency_holds as holds where holds.worker_id = _worker_id);
  end if;
  return _rescued;
end
$$;

-- Puts back a job that gave up its unique key when it was claimed, and whose attempt has its history row already. When its
-- successor has the key, it ends. When the successor is not committed yet, it stays as it is, for another look.
create function :"schema".return_unique_job(_queue text, _id uuid) returns void
language plpgsql
set lock_timeout = '50ms'
as $$
#variable_conflict use_column
begin
  update :"schema".jobs
     set indexed_as = case when jobs.concurrency_key is not null then 'blocked' else 'ready' end,
         worker_id = null, concurrency_lane = null
   where jobs.queue = _queue and jobs.id = _id;
  insert into :"schema".arrivals (queue, concurrency_key, rate_limit_key)
  select jobs.queue, jobs.concurrency_key, jobs.rate_limit_key
    from :"schema".jobs
   where jobs.queue = _queue
     and jobs.id = _id
     and (jobs.concurrency_key is not null or jobs.rate_limit_key is not null);
exception
  when lock_not_available then
    null;
  when unique_violation then
    with gone as (
      delete from :"schema".jobs
       where jobs.queue = _queue and jobs.id = _id
      returning jobs.*
    ), arrived as (
      insert into :"schema".arrivals (queue, concurrency_key)
      select gone.queue, gone.concurrency_key from gone where gone.concurrency_key is not null
    )
    insert into :"schema".history (
      id, created_at, run_at, finished_at, expires_at, replay_of, attempt, final, queue, task, outcome, correlation_id, error,
      payload)
    select gone.id, gone.created_at, gone.run_at, :"schema".now(),
           :"schema".now() + :"schema".history_retention(gone.task), gone.replay_of, gone.attempt + 1, true, gone.queue,
           gone.task, 'cancelled', gone.correlation_id, :"schema".superseded_error()::json, gone.payload
      from gone
     where :"schema".is_history_kept(gone.task, 'cancelled');
end
$$;

-- Gives back the jobs under a worker's id that it does not hold: a claim was committed and its reply lost.
-- Looks only at the claim numbers from _from to _to, so that a long-lived worker pays for its newest claims alone.
create function :"schema".reconcile_jobs(
  _worker_id uuid, _from bigint, _to bigint, _held_queues text[], _held_ids uuid[]
) returns integer
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set lock_timeout = '2s'
as $$
#variable_conflict use_column
declare
  _lost record;
  _returned integer := 0;
begin
  for _lost in
    select jobs.queue, array_agg(jobs.id order by jobs.id) as ids,
           array_agg(jobs.claim_number order by jobs.id) as claim_numbers,
           array_agg('released'::text) as outcomes,
           array_agg(extract(epoch from :"schema".history_retention(jobs.task)) * 1000 order by jobs.id) as retention_ms,
           array_agg(:"schema".is_history_kept(jobs.task, 'released') order by jobs.id) as kept
      from :"schema".claims
     cross join lateral (
       select jobs.queue, jobs.id, jobs.claim_number, jobs.task
         from :"schema".jobs
        where jobs.queue = claims.queue
          and jobs.id = any (claims.ids)
          and jobs.worker_id = _worker_id
          and jobs.claim_number = claims.claim_number
       offset 0
     ) as jobs
     where claims.worker_id = _worker_id
       and claims.claim_number between _from and _to
       and (jobs.queue, jobs.id) not in (select held.queue, held.id from unnest(_held_queues, _held_ids) as held (queue, id))
     group by jobs.queue
     order by jobs.queue
  loop
    _returned := _returned + :"schema".return_jobs(_lost.queue, _worker_id, _lost.ids, _lost.claim_numbers, '{}',
      _lost.outcomes, '{}', '{}', '{}', '{}', _lost.retention_ms, _lost.kept, '{}', true);
  end loop;
  return _returned;
end
$$;
