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

-- Rescues the jobs of a silent or ended worker that can be locked at once; returns how many went back or failed.
--
-- A silent worker is ended first, judged by its row as it is now, so that a late heartbeat wins.
--
-- Which of its jobs had started? Jobs start in claim order, at most `concurrency` at a time, and transactional ones get
-- their connection in that order too, so the first of the remaining ones are taken to have started; the rest were buffered
-- or waited for a connection, and are not blamed. One inaccuracy is left: outcomes
-- that the worker had not yet written. So the others are marked as suspected; the next worker writes every outcome before
-- it starts a suspected job, which makes the rule exact. A job seen in all crashes but the last runs alone, with every
-- outcome written: if it is the first of the remaining ones, it alone had started, and else neither it nor any after it. A
-- job that could not be locked on the first pass was locked by its own transactional handler, so it had started too.
create function :"schema".rescue_jobs(
  _worker_id uuid, _quarantine_after integer, _retention_ms double precision
) returns integer
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  _worker record;
  _first_pass boolean;
  _queue text;
  _queues text[];
  _rescued integer;
begin
  update :"schema".workers
     set ended_at = :"schema".now(), crashed = true, idle = false
   where id = _worker_id
     and ended_at is null
     and heartbeat_at < :"schema".now() - lease_ms * interval '1 millisecond';
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
    select jobs.queue, jobs.id, jobs.claimed_at, jobs.crashes + jobs.suspected::integer as seen,
           row_number() over (order by jobs.claim_number, jobs.priority, jobs.run_at, jobs.id) as place,
           jobs.task = any (_worker.transactional) as transactional,
           row_number() over (
             partition by jobs.task = any (_worker.transactional)
             order by jobs.claim_number, jobs.priority, jobs.run_at, jobs.id) as place_among_its_kind
      from :"schema".jobs
     where jobs.worker_id = _worker_id
       and jobs.state = 'running'
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
    select jobs.queue, jobs.id, jobs.created_at, jobs.run_at, jobs.claimed_at, jobs.attempt, jobs.task,
           jobs.correlation_id, jobs.payload, ranked.started, ranked.uncertain,
           ranked.started and jobs.crashes + jobs.suspected::integer + 1 >= _quarantine_after as quarantined,
           ranked.started and jobs.failures + 1 >= jobs.max_attempts as exhausted
      from ranked
      join :"schema".jobs on jobs.queue = ranked.queue and jobs.id = ranked.id
     where jobs.worker_id = _worker_id
       and jobs.state = 'running'
     order by jobs.queue, jobs.id
       for update of jobs skip locked
  ), failed as (
    delete from :"schema".jobs
     using held
     where jobs.queue = held.queue and jobs.id = held.id and (held.quarantined or held.exhausted)
  ), returned as (
    update :"schema".jobs
       set state = 'ready', worker_id = null, claim_number = null, claimed_at = null,
           failures = jobs.failures + held.started::integer,
           crashes = jobs.crashes + held.started::integer,
           suspected = jobs.suspected or (held.uncertain and not held.started),
           last_error = case when held.started then 'the worker that ran this job ended without settling it'
                             else jobs.last_error end
      from held
     where jobs.queue = held.queue and jobs.id = held.id and not (held.quarantined or held.exhausted)
  ), recorded as (
    insert into :"schema".history (
      id, created_at, run_at, started_at, finished_at, expires_at, worker_id, attempt, final, queue, task, outcome,
      correlation_id, error, payload)
    select held.id, held.created_at, held.run_at, case when held.started then held.claimed_at end, :"schema".now(),
           :"schema".now() + _retention_ms * interval '1 millisecond',
           _worker_id, held.attempt, held.quarantined or held.exhausted, held.queue, held.task,
           case when held.quarantined then 'failed' when held.started then 'crashed' else 'released' end,
           held.correlation_id,
           case
             when held.quarantined then json_build_object('name', 'QuarantinedError', 'code', 'PAWL_JOB_QUARANTINED',
               'message', format('this job was running, or may have been, in %s workers that ended without settling it, so it is not run again; '
                 'find out what it does to the process, then enqueue it anew', _quarantine_after))
             when held.started then json_build_object('name', 'WorkerCrashedError', 'code', 'PAWL_WORKER_CRASHED',
               'message', 'the worker that ran this job ended without settling it')
           end,
           case when held.quarantined or held.exhausted then held.payload end
      from held
  )
  select count(*), array_agg(distinct held.queue) into _rescued, _queues from held;

  foreach _queue in array coalesce(_queues, '{}') loop
    perform :"schema".rewind_queue(_queue);
  end loop;
  -- No claim made before the end can still be under way after a minute, so there is nothing more to look for.
  if _rescued = 0 and _worker.ended_at < :"schema".now() - interval '1 minute' then
    update :"schema".workers
       set swept = true
     where id = _worker_id
       and not exists (select from :"schema".jobs where jobs.worker_id = _worker_id and jobs.state = 'running');
  end if;
  return _rescued;
end
$$;

-- Gives back the jobs under a worker's id that it does not hold: a claim was committed and its reply lost.
-- Looks only at the claim numbers from _from to _to, so that a long-lived worker pays for its newest claims alone.
create function :"schema".reconcile_jobs(
  _worker_id uuid, _from bigint, _to bigint, _held_queues text[], _held_ids uuid[], _retention_ms double precision
) returns integer
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  _lost record;
  _returned integer := 0;
begin
  for _lost in
    select jobs.queue, array_agg(jobs.id order by jobs.id) as ids,
           array_agg(jobs.claim_number order by jobs.id) as claim_numbers,
           array_agg('released'::text) as outcomes
      from :"schema".jobs
     where jobs.worker_id = _worker_id
       and jobs.state = 'running'
       and jobs.claim_number between _from and _to
       and (jobs.queue, jobs.id) not in (select held.queue, held.id from unnest(_held_queues, _held_ids) as held (queue, id))
     group by jobs.queue
     order by jobs.queue
  loop
    _returned := _returned + :"schema".return_jobs(_lost.queue, _worker_id, _lost.ids, _lost.claim_numbers, '{}',
      _lost.outcomes, '{}', '{}', '{}', '{}', _retention_ms);
  end loop;
  return _returned;
end
$$;
