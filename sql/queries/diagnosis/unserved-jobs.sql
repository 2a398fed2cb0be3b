-- Waiting jobs that no living worker takes, by queue and task. Looks at the first hundred of each kind that wait in each of the
-- first thousand queues. Served by the primary key, jobs_ready, jobs_limited, jobs_blocked and jobs_scheduled.
with moment as materialized (
  select :"schema".now() as now
), living as materialized (
  select workers.queues, workers.tasks
    from :"schema".workers
   where workers.ended_at is null
     and workers.heartbeat_at >= :"schema".now() - workers.lease_ms * interval '1 millisecond'
), waiting as materialized (
  select live.queue, first.task, count(*)::integer as jobs, min(first.run_at) as oldest
    from (
      select queues.queue from :"schema".live_queues() as queues limit 1000
    ) as live
   cross join moment
   cross join lateral (
     (select jobs.task, jobs.run_at
        from :"schema".jobs
       where jobs.queue = live.queue
         and jobs.indexed_as = 'ready'
         and jobs.rate_limit_key is null
         and jobs.worker_id is null
       order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
       limit 100)
      union all
     (select jobs.task, jobs.run_at
        from :"schema".jobs
       where jobs.queue = live.queue
         and jobs.indexed_as = 'ready'
         and jobs.rate_limit_key is not null
       limit 100)
      union all
     (select jobs.task, jobs.run_at
        from :"schema".jobs
       where jobs.queue = live.queue
         and jobs.indexed_as = 'blocked'
       limit 100)
      union all
     (select jobs.task, jobs.run_at
        from :"schema".jobs
       where jobs.queue = live.queue
         and jobs.indexed_as = 'scheduled'
         and jobs.run_at <= moment.now
       order by jobs.queue, jobs.run_at, jobs.id
       limit 100)
   ) as first
   group by live.queue, first.task
)
select waiting.queue, waiting.task, waiting.jobs,
       (extract(epoch from :"schema".now() - waiting.oldest) * 1000)::double precision as "waitedMs",
       exists (
         select from living where living.queues is null or waiting.queue = any (living.queues)) as "isQueueServed"
  from waiting
 where not exists (
   select from living
    where (living.queues is null or waiting.queue = any (living.queues))
      and (living.tasks is null or waiting.task = any (living.tasks)))
 order by waiting.oldest, waiting.queue, waiting.task
 limit $1::integer
