-- The workers that have not ended, how many jobs each holds, and the $1 that it has held longest. Reads the claims of all workers;
-- for each job named, the primary key.
with held as materialized (
  select taken.worker_id, taken.queue, taken.id, taken.claimed_at,
         row_number() over (partition by taken.worker_id order by taken.claimed_at, taken.queue, taken.id) as place
    from :"schema".held_jobs(null) as taken
), counted as materialized (
  select held.worker_id, count(*)::integer as count from held group by held.worker_id
), named as materialized (
  select held.worker_id,
         json_agg(json_build_object('queue', held.queue, 'id', held.id, 'task', job.task,
           'sinceMs', extract(epoch from held.claimed_at) * 1000) order by held.place)::text as running
    from held
   cross join lateral (
     select jobs.task
       from :"schema".jobs
      where jobs.queue = held.queue
        and jobs.id = held.id
     offset 0
   ) as job
   where held.place <= $1::integer
   group by held.worker_id
)
select workers.id::text, workers.name, workers.host, workers.pid, workers.version, workers.concurrency, workers.lease_ms,
       array_to_json(workers.queues)::text as queues,
       array_to_json(workers.tasks)::text as tasks,
       (extract(epoch from workers.started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from :"schema".now() - workers.heartbeat_at) * 1000)::double precision as silent_ms,
       coalesce(counted.count, 0) as held,
       named.running
  from :"schema".workers
  left join counted on counted.worker_id = workers.id
  left join named on named.worker_id = workers.id
 where workers.ended_at is null
 order by workers.name, workers.started_at, workers.id
 limit 1000
