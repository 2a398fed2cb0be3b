-- Every queue that has live jobs, or of which something is known; in each state at most $1 jobs are counted, the most urgent
-- ones. Served by a skip scan over the primary key, and the indexes of the states.
select coalesce(queues.name, live.queue) as name,
       coalesce(queues.paused, false) as paused,
       (select count(*)
          from (select from :"schema".jobs
                 where jobs.queue = coalesce(queues.name, live.queue) and jobs.indexed_as = 'scheduled'
                 limit $1::bigint) as counted)::integer as scheduled,
       ready.count as ready,
       (select count(*)
          from (select from :"schema".jobs
                 where jobs.queue = coalesce(queues.name, live.queue) and jobs.indexed_as = 'blocked'
                 limit $1::bigint) as counted)::integer as blocked,
       least(coalesce(running.count, 0), $1::bigint)::integer as running,
       (extract(epoch from ready.oldest) * 1000)::double precision as oldest_ready_ms
  from :"schema".queues
  full join :"schema".live_queues() as live on live.queue = queues.name
  left join (
    select held.queue, count(*) as count
      from :"schema".held_jobs(null) as held
     group by held.queue
  ) as running on running.queue = coalesce(queues.name, live.queue)
 cross join lateral (
    select least(count(*), $1::bigint)::integer as count, min(counted.run_at) as oldest
      from ((select jobs.run_at
               from :"schema".jobs
              where jobs.queue = coalesce(queues.name, live.queue)
                and jobs.indexed_as = 'ready' and jobs.rate_limit_key is null and jobs.worker_id is null
              order by jobs.priority, jobs.run_at, jobs.id
              limit $1::bigint)
             union all
            (select jobs.run_at
               from :"schema".jobs
              where jobs.queue = coalesce(queues.name, live.queue)
                and jobs.indexed_as = 'ready' and jobs.rate_limit_key is not null and jobs.worker_id is null
              limit $1::bigint)) as counted
  ) as ready
 order by coalesce(queues.name, live.queue)
