-- What people may do by hand to jobs, and how workers hear of it.
-- breaking: no
--
-- Every command first locks the rows of its jobs, in the one lock order, so that nobody moves them in between. The lock is
-- "for no key update": a transactional handler holds its job's row "for key share" (see queries/jobs/hold.sql), and the two
-- do not wait for each other. What takes a running job from its worker, or asks the worker to end it, leaves a notice for
-- the worker, and a notification so that it looks at once; both count when the command's transaction commits.

-- Tells a worker that a command has touched jobs it holds. Append-only, so that no command holds up a heartbeat; the worker
-- removes what it has heeded.
create table :"schema".notices (
  number bigint generated always as identity primary key,
  worker_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index notices_of_worker on :"schema".notices (worker_id);

-- Serves the look of every worker at what is paused.
create index queues_paused on :"schema".queues (name) where paused;
create index tasks_paused on :"schema".tasks (name) where paused;
-- Serves the worker that frees its holds, and the rescue of a dead one.
create index concurrency_holds_of_worker on :"schema".concurrency_holds (worker_id, claim_number);

-- Leaves a notice for each of these workers that lives.
create function :"schema".notify_workers(_worker_ids uuid[]) returns void
language sql
as $$
  insert into :"schema".notices (worker_id)
  select workers.id
    from :"schema".workers
   where workers.id = any (_worker_ids)
     and workers.ended_at is null;
  select pg_notify(:'schema', '');
$$;

-- Every queue that has a live job: a skip scan over the primary key.
create function :"schema".live_queues() returns table (queue text)
language sql
stable
as $$
  with recursive named as (
    (select jobs.queue from :"schema".jobs order by jobs.queue, jobs.id limit 1)
    union all
    select (select jobs.queue
              from :"schema".jobs
             where jobs.queue > named.queue
             order by jobs.queue, jobs.id
             limit 1)
      from named
     where named.queue is not null
  )
  select named.queue from named where named.queue is not null
$$;

-- The jobs that a command names, each once; a queue of null means every queue that has a live job of this id.
create function :"schema".named_jobs(_queues text[], _ids uuid[]) returns table (queue text, id uuid)
language sql
stable
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  select named.queue, named.id
    from unnest(_queues, _ids) as named (queue, id)
   where named.queue is not null
   union
  select jobs.queue, jobs.id
    from (select live.queue from :"schema".live_queues() as live where array_position(_queues, null) is not null) as live
    join :"schema".jobs
      on jobs.queue = live.queue
     and jobs.id = any (array(
           select named.id from unnest(_queues, _ids) as named (queue, id) where named.queue is null))
$$;

-- Locks the live ones of the named jobs, and says where each stands from here on.
create function :"schema".lock_jobs(_queues text[], _ids uuid[])
returns table (queue text, id uuid, state text, worker_id uuid)
language sql
volatile
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  select jobs.queue, jobs.id, jobs.state, jobs.worker_id
    from :"schema".named_jobs(_queues, _ids) as named
    join :"schema".jobs on jobs.queue = named.queue and jobs.id = named.id
   order by jobs.queue, jobs.id
     for no key update of jobs
$$;

-- Makes the history partitions that attempts of these tasks will need, if they are missing: in a caller's transaction it is
-- too late after the insert has failed. The setting ends with the function.
create function :"schema".make_partitions_of_tasks(_tasks text[]) returns void
language sql
set lock_timeout = '5s'
as $$
  select :"schema".make_history_partition(expiry.day)
    from (select distinct ((:"schema".now() at time zone 'UTC') + :"schema".history_retention(task))::date as day
            from unnest(_tasks) as task) as expiry
$$;

-- The lanes of running jobs stay taken while the worker from which they are taken lives: its handler may still run.
create function :"schema".hold_lanes(_queues text[], _ids uuid[]) returns void
language sql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  insert into :"schema".concurrency_holds (queue, key, lane, worker_id, claim_number, id)
  select jobs.queue, jobs.concurrency_key, jobs.concurrency_lane, jobs.worker_id, jobs.claim_number, jobs.id
    from unnest(_queues, _ids) as locked (queue, id)
    join :"schema".jobs on jobs.queue = locked.queue and jobs.id = locked.id
    join :"schema".workers on workers.id = jobs.worker_id and workers.ended_at is null
   where jobs.state = 'running'
     and jobs.concurrency_lane is not null
      on conflict do nothing
$$;

-- Ends the sessions in which transactional handlers hold these rows, which cannot be deleted before. Its pid is known by the
-- advisory lock that jobs/hold.sql takes.
create function :"schema".end_handler_sessions(_queues text[], _ids uuid[]) returns void
language plpgsql
as $$
begin
  perform pg_terminate_backend(locks.pid)
     from (select hashtextextended(:'schema' || ' ' || locked.id || ' ' || locked.queue, 0) as key
             from unnest(_queues, _ids) as locked (queue, id)) as locked
     join pg_locks as locks
       on locks.locktype = 'advisory'
      and locks.database = (select oid from pg_database where datname = current_database())
      and (locks.classid::bigint << 32) | locks.objid::bigint = locked.key
      and locks.objsubid = 1
    where locks.pid <> pg_backend_pid();
exception when insufficient_privilege then
  null; -- A session of another role: the command waits until its handler has ended.
end
$$;

-- Ends jobs whose rows the caller has locked: waiting ones, and running ones, which are taken from their workers.
create function :"schema".end_jobs(_queues text[], _ids uuid[], _outcome text, _error json) returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  perform :"schema".make_partitions_of_tasks(array(
    select distinct jobs.task
      from unnest(_queues, _ids) as locked (queue, id)
      join :"schema".jobs on jobs.queue = locked.queue and jobs.id = locked.id));
  perform :"schema".hold_lanes(_queues, _ids);
  with ended as (
    delete from :"schema".jobs
     using unnest(_queues, _ids) as locked (queue, id)
     where jobs.queue = locked.queue and jobs.id = locked.id
    returning jobs.*
  ), freed as (
    -- A lane that a hold keeps is free when the worker says so.
    insert into :"schema".arrivals (queue, concurrency_key)
    select distinct ended.queue, ended.concurrency_key
      from ended
     where ended.concurrency_lane is not null
       and not (ended.state = 'running' and exists (
         select from :"schema".workers where workers.id = ended.worker_id and workers.ended_at is null))
  )
  insert into :"schema".history (
    id, created_at, run_at, started_at, finished_at, expires_at, worker_id, replay_of, attempt, final, queue, task, outcome,
    correlation_id, error, payload)
  select ended.id, ended.created_at, ended.run_at, ended.claimed_at, moment.now,
         moment.now + :"schema".history_retention(ended.task), ended.worker_id, ended.replay_of,
         -- A waiting job's newest attempt has its row already.
         ended.attempt + (ended.state <> 'running')::integer, true, ended.queue, ended.task, _outcome,
         ended.correlation_id, _error, ended.payload
    from ended
   cross join (select :"schema".now() as now offset 0) as moment
   where :"schema".is_history_kept(ended.task, _outcome);
end
$$;

-- Ends waiting jobs at once, and asks the workers of running ones to end them. Returns the live jobs.
create function :"schema".cancel_jobs(_queues text[], _ids uuid[], _reason text)
returns table (queue text, id uuid, outcome text)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _locked_queues text[];
  _locked_ids uuid[];
  _states text[];
  _workers uuid[];
begin
  select array_agg(locked.queue), array_agg(locked.id), array_agg(locked.state)
    into _locked_queues, _locked_ids, _states
    from :"schema".lock_jobs(_queues, _ids) as locked;
  if _locked_ids is null then
    return;
  end if;
  with told as (
    update :"schema".jobs
       set cancel_reason = coalesce(jobs.cancel_reason, _reason)
      from unnest(_locked_queues, _locked_ids, _states) as locked (queue, id, state)
     where locked.state = 'running' and jobs.queue = locked.queue and jobs.id = locked.id
    returning jobs.worker_id
  )
  select array_agg(distinct told.worker_id) into _workers from told;
  perform :"schema".end_jobs(
            array_agg(locked.queue), array_agg(locked.id), 'cancelled',
            json_build_object('name', 'CancelledError', 'code', 'PAWL_JOB_CANCELLED', 'message', _reason))
     from unnest(_locked_queues, _locked_ids, _states) as locked (queue, id, state)
    where locked.state <> 'running'
   having count(*) > 0;
  perform :"schema".notify_workers(coalesce(_workers, '{}'));
  return query
    select locked.queue, locked.id, case locked.state when 'running' then 'cancelling' else 'cancelled' end
      from unnest(_locked_queues, _locked_ids, _states) as locked (queue, id, state);
end
$$;

-- Ends jobs as failed, wherever they stand. Returns the live jobs.
create function :"schema".fail_jobs(_queues text[], _ids uuid[], _reason text)
returns table (queue text, id uuid, outcome text)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _locked_queues text[];
  _locked_ids uuid[];
  _workers uuid[];
begin
  select array_agg(locked.queue), array_agg(locked.id), array_agg(distinct locked.worker_id)
    into _locked_queues, _locked_ids, _workers
    from :"schema".lock_jobs(_queues, _ids) as locked;
  if _locked_ids is null then
    return;
  end if;
  perform :"schema".end_handler_sessions(_locked_queues, _locked_ids);
  perform :"schema".end_jobs(
    _locked_queues, _locked_ids, 'failed',
    json_build_object('name', 'FailedByHandError', 'code', 'PAWL_JOB_FAILED_BY_HAND', 'message', _reason));
  perform :"schema".notify_workers(_workers);
  return query
    select locked.queue, locked.id, 'failed'::text
      from unnest(_locked_queues, _locked_ids) as locked (queue, id);
end
$$;

-- Changes when waiting jobs run, how urgent they are, or how often they may fail; what is null stays. Returns the live jobs.
--
-- A ready job whose time or priority changes gets a fresh position, in front of every cursor: the present, drawn after the
-- transaction's id, which the row locks have drawn. A job with a concurrency key keeps its lane when it is ready, or waits
-- for a retry and holds it; else it joins its line when it is due.
create function :"schema".reschedule_jobs(
  _queues text[], _ids uuid[], _run_at timestamptz, _delay_ms double precision, _priority smallint, _max_attempts integer
) returns table (queue text, id uuid, outcome text)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _locked_queues text[];
  _locked_ids uuid[];
  _states text[];
  _now timestamptz;
  _due timestamptz;
begin
  select array_agg(locked.queue), array_agg(locked.id), array_agg(locked.state)
    into _locked_queues, _locked_ids, _states
    from :"schema".lock_jobs(_queues, _ids) as locked;
  if _locked_ids is null then
    return;
  end if;
  _now := :"schema".now();
  _due := coalesce(_run_at, _now + _delay_ms * interval '1 millisecond');
  with planned as materialized (
    select jobs.queue, jobs.id, jobs.state as old_state, jobs.concurrency_lane as old_lane,
           case
             when _due is null then jobs.state
             when _due > _now then 'scheduled'
             when jobs.concurrency_key is null or jobs.concurrency_lane is not null then 'ready'
             else 'blocked'
           end as state
      from unnest(_locked_queues, _locked_ids, _states) as locked (queue, id, state)
      join :"schema".jobs on jobs.queue = locked.queue and jobs.id = locked.id
     where locked.state <> 'running'
  ), moved as (
    update :"schema".jobs
       set indexed_as = planned.state,
           run_at = case
             when _due > _now then _due
             when _due is not null or (_priority is not null and planned.state = 'ready') then :"schema".now()
             else jobs.run_at
           end,
           priority = coalesce(_priority, jobs.priority),
           max_attempts = coalesce(_max_attempts, jobs.max_attempts),
           concurrency_order = case
             when planned.state = 'scheduled' and planned.old_state <> 'scheduled' then null
             when planned.state = 'blocked' then coalesce(
               jobs.concurrency_order, nextval(format('%I.concurrency_order', :'schema')::regclass))
             else jobs.concurrency_order
           end,
           concurrency_lane = case
             when planned.state = 'scheduled' and planned.old_state <> 'scheduled' then null
             else jobs.concurrency_lane
           end
      from planned
     where jobs.queue = planned.queue and jobs.id = planned.id
    returning jobs.queue, jobs.concurrency_key, jobs.rate_limit_key, jobs.state, jobs.concurrency_lane,
      planned.old_state, planned.old_lane
  )
  insert into :"schema".arrivals (queue, concurrency_key, rate_limit_key)
  select distinct moved.queue, moved.concurrency_key, moved.rate_limit_key
    from moved
   where moved.old_lane is distinct from moved.concurrency_lane
      or (moved.state = 'blocked' and moved.old_state <> 'blocked')
      or (moved.state = 'ready' and moved.rate_limit_key is not null);
  perform pg_notify(:'schema', '');
  return query
    select locked.queue, locked.id, case locked.state when 'running' then 'running' else 'rescheduled' end
      from unnest(_locked_queues, _locked_ids, _states) as locked (queue, id, state);
end
$$;

-- Makes scheduled jobs run now, and says of the others where they stand. Returns the live jobs.
create function :"schema".retry_jobs(_queues text[], _ids uuid[]) returns table (queue text, id uuid, outcome text)
language plpgsql
as $$
#variable_conflict use_column
declare
  _locked_queues text[];
  _locked_ids uuid[];
  _states text[];
begin
  select array_agg(locked.queue), array_agg(locked.id), array_agg(locked.state)
    into _locked_queues, _locked_ids, _states
    from :"schema".lock_jobs(_queues, _ids) as locked;
  perform :"schema".reschedule_jobs(array_agg(locked.queue), array_agg(locked.id), null, 0, null, null)
     from unnest(_locked_queues, _locked_ids, _states) as locked (queue, id, state)
    where locked.state = 'scheduled'
   having count(*) > 0;
  return query
    select locked.queue, locked.id,
           case locked.state when 'scheduled' then 'retried' when 'running' then 'running' else 'waiting' end
      from unnest(_locked_queues, _locked_ids, _states) as locked (queue, id, state);
end
$$;

-- Takes running jobs from their workers: they go back to where they stood, and nothing counts as a failure. Returns how many.
--
-- Their claim numbers are turned into ones that no worker has, so that the old holder's settle is refused, and the history
-- row not taken for its own. _worker_ids: of these workers only, whoever holds the jobs by now; null: of any.
create function :"schema".unlock_jobs(_queues text[], _ids uuid[], _worker_ids uuid[]) returns integer
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _locked_queues text[];
  _locked_ids uuid[];
  _workers uuid[];
  _group record;
  _unlocked integer := 0;
begin
  select array_agg(locked.queue), array_agg(locked.id)
    into _locked_queues, _locked_ids
    from :"schema".lock_jobs(_queues, _ids) as locked
   where locked.state = 'running'
     and (_worker_ids is null or locked.worker_id = any (_worker_ids));
  if _locked_ids is null then
    return 0;
  end if;
  perform :"schema".make_partitions_of_tasks(array(
    select distinct jobs.task
      from unnest(_locked_queues, _locked_ids) as locked (queue, id)
      join :"schema".jobs on jobs.queue = locked.queue and jobs.id = locked.id));
  perform :"schema".hold_lanes(_locked_queues, _locked_ids);
  with taken as (
    update :"schema".jobs
       set claim_number = -jobs.claim_number
      from unnest(_locked_queues, _locked_ids) as locked (queue, id)
     where jobs.queue = locked.queue and jobs.id = locked.id
    returning jobs.worker_id
  )
  select array_agg(distinct taken.worker_id) into _workers from taken;
  for _group in
    select jobs.queue, jobs.worker_id,
           array_agg(extract(epoch from :"schema".history_retention(jobs.task)) * 1000 order by jobs.id) as retention_ms,
           array_agg(:"schema".is_history_kept(jobs.task, 'released') order by jobs.id) as kept,
           array_agg(jobs.id order by jobs.id) as ids,
           array_agg(jobs.claim_number order by jobs.id) as claim_numbers,
           array_agg('released'::text) as outcomes
      from unnest(_locked_queues, _locked_ids) as locked (queue, id)
      join :"schema".jobs on jobs.queue = locked.queue and jobs.id = locked.id
     group by jobs.queue, jobs.worker_id
     order by jobs.queue, jobs.worker_id
  loop
    _unlocked := _unlocked + :"schema".return_jobs(_group.queue, _group.worker_id, _group.ids, _group.claim_numbers, '{}',
      _group.outcomes, '{}', '{}', '{}', '{}', _group.retention_ms, _group.kept, '{}', false);
  end loop;
  perform :"schema".notify_workers(_workers);
  return _unlocked;
end
$$;

-- Takes all running jobs, or those of these workers (names or ids), from their workers. Returns how many.
create function :"schema".unlock_workers(_workers text[]) returns integer
language sql
as $$
  select :"schema".unlock_jobs(
           array_agg(held.queue), array_agg(held.id),
           case when _workers is not null then array_agg(distinct held.worker_id) end)
    from :"schema".held_jobs(case when _workers is not null then array(
           select workers.id
             from :"schema".workers
            where workers.name = any (_workers) or workers.id::text = any (_workers)) end) as held
$$;

-- The same for the running jobs of concurrency keys; null: of all; a queue of null: in every queue.
create function :"schema".unlock_keys(_queues text[], _keys text[]) returns integer
language sql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  select :"schema".unlock_jobs(array_agg(found.queue), array_agg(found.id), null)
    from (
      select jobs.queue, jobs.id
        from :"schema".jobs
       where _keys is null and jobs.concurrency_lane is not null and jobs.state = 'running'
       union
      select jobs.queue, jobs.id
        from (
          select named.queue, named.key from unnest(_queues, _keys) as named (queue, key) where named.queue is not null
           union
          select live.queue, named.key
            from unnest(_queues, _keys) as named (queue, key)
           cross join :"schema".live_queues() as live
           where named.queue is null
        ) as named
        join :"schema".jobs
          on jobs.queue = named.queue and jobs.concurrency_key = named.key
         and jobs.concurrency_lane is not null and jobs.state = 'running'
    ) as found
$$;

-- Frees the lanes of jobs that were taken from a worker, when their handlers have returned.
create function :"schema".release_holds(_worker_id uuid, _queues text[], _ids uuid[], _claim_numbers bigint[])
returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  with released as (
    delete from :"schema".concurrency_holds as holds
     using unnest(_queues, _ids, _claim_numbers) as returned (queue, id, claim_number)
     where holds.worker_id = _worker_id
       and holds.claim_number = returned.claim_number
       and holds.queue = returned.queue
       and holds.id = returned.id
    returning holds.queue, holds.key
  )
  insert into :"schema".arrivals (queue, concurrency_key)
  select distinct released.queue, released.key from released;
  if found then
    perform :"schema".wake_workers();
  end if;
end
$$;
