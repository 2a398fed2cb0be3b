-- Fails ready jobs whose task no worker of the queue has known for the grace period; returns how many.
-- breaking: no
create function :"schema".fail_unhandled_jobs(
  _queue text, _grace_ms double precision, _limit integer
) returns integer
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
as $$
#variable_conflict use_column
declare
  _cutoff timestamptz := :"schema".now() - _grace_ms * interval '1 millisecond';
  _known text[];
  _failed integer;
begin
  -- Null when a worker takes any task: then none is unhandled.
  select case when not coalesce(bool_or(workers.tasks is null), false)
              then coalesce(array_agg(distinct known.task) filter (where known.task is not null), '{}') end
    into _known
    from :"schema".workers
    left join lateral unnest(workers.tasks) as known (task) on true
   where (workers.ended_at is null or workers.ended_at > _cutoff)
     and (workers.queues is null or _queue = any (workers.queues));
  with unhandled as materialized (
    select jobs.id
      from :"schema".jobs
     where jobs.queue = _queue
       and jobs.indexed_as = 'ready'
       and jobs.rate_limit_key is null
       and jobs.worker_id is null
       and jobs.run_at < _cutoff
       and jobs.task <> all (_known)
     order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
     limit _limit
       for update skip locked
  ), limited as materialized (
    select jobs.id
      from :"schema".jobs
     where jobs.queue = _queue
       and jobs.indexed_as = 'ready'
       and jobs.rate_limit_key is not null
       and jobs.run_at < _cutoff
       and jobs.task <> all (_known)
     order by jobs.queue, jobs.rate_limit_key, jobs.priority, jobs.run_at, jobs.id
     limit _limit
       for update skip locked
  ), done as (
    delete from :"schema".jobs
     where jobs.queue = _queue
       and jobs.id = any (array(select unhandled.id from unhandled union all select limited.id from limited))
    returning jobs.*
  ), arrived as (
    insert into :"schema".arrivals (queue, concurrency_key)
    select distinct done.queue, done.concurrency_key from done where done.concurrency_key is not null
  ), recorded as (
    insert into :"schema".history (
      id, created_at, run_at, finished_at, expires_at, replay_of, attempt, final, queue, task, outcome, correlation_id, error,
      payload)
    select done.id, done.created_at, done.run_at, :"schema".now(),
           :"schema".now() + :"schema".history_retention(done.task), done.replay_of, done.attempt + 1, true, done.queue,
           done.task, 'failed', done.correlation_id,
           json_build_object('name', 'TaskError', 'code', 'PAWL_TASK_UNHANDLED', 'message', format(
             'no worker on queue "%s" has a handler for the task "%s"; start a worker that has, then enqueue the job again',
             done.queue, done.task)),
           done.payload
      from done
     where :"schema".is_history_kept(done.task, 'failed')
  )
  select count(*) into _failed from done;
  return _failed;
end
$$;
