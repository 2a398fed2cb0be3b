-- Every queue that has live jobs, or of which something is known. Reads every live job.
select coalesce(queues.name, counted.queue) as name,
       coalesce(queues.paused, false) as paused,
       coalesce(counted.scheduled, 0) as scheduled,
       coalesce(counted.ready, 0) as ready,
       coalesce(counted.blocked, 0) as blocked,
       coalesce(counted.running, 0) as running,
       (extract(epoch from counted.oldest) * 1000)::double precision as oldest_ready_ms
  from :"schema".queues
  full join (
    select jobs.queue,
           count(*) filter (where jobs.state = 'scheduled')::integer as scheduled,
           count(*) filter (where jobs.state = 'ready')::integer as ready,
           count(*) filter (where jobs.state = 'blocked')::integer as blocked,
           count(*) filter (where jobs.state = 'running')::integer as running,
           min(jobs.run_at) filter (where jobs.state = 'ready') as oldest
      from :"schema".jobs
     group by jobs.queue
  ) as counted on counted.queue = queues.name
 order by coalesce(queues.name, counted.queue)
