-- The workers that have not ended, and how many jobs each holds. One whose heartbeat is older than its lease is not alive. Reads
-- the claims of all workers.
select workers.id::text, workers.name, workers.host, workers.pid, workers.version, workers.concurrency, workers.lease_ms,
       array_to_json(workers.queues)::text as queues,
       array_to_json(workers.tasks)::text as tasks,
       (extract(epoch from workers.started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from workers.heartbeat_at) * 1000)::double precision as heartbeat_at_ms,
       (extract(epoch from :"schema".now() - workers.heartbeat_at) * 1000)::double precision as silent_ms,
       coalesce(held.count, 0)::integer as held
  from :"schema".workers
  left join (
    select taken.worker_id, count(*) as count
      from :"schema".held_jobs(null) as taken
     group by taken.worker_id
  ) as held on held.worker_id = workers.id
 where workers.ended_at is null
 order by workers.name, workers.started_at, workers.id
