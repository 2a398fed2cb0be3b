-- What can be said of one live job from its own row, from those of its queue and its task, and from its worker's. Never its
-- payload. Served by the primary keys.
select jobs.id::text, jobs.queue, jobs.task, jobs.state, jobs.attempt, jobs.failures, jobs.last_error, jobs.cancel_reason,
       jobs.concurrency_key, jobs.concurrency_limit, jobs.rate_limit_key, jobs.rate_limit_weight,
       array_to_json(jobs.flags)::text as flags,
       (extract(epoch from jobs.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from jobs.claimed_at) * 1000)::double precision as claimed_at_ms,
       (extract(epoch from :"schema".now()) * 1000)::double precision as now_ms,
       exists (select from :"schema".queues where queues.name = jobs.queue and queues.paused) as queue_paused,
       exists (select from :"schema".tasks where tasks.name = jobs.task and tasks.paused) as task_paused,
       jobs.worker_id::text, workers.name as worker_name, workers.host as worker_host, workers.lease_ms,
       workers.ended_at is not null as worker_ended,
       (extract(epoch from workers.heartbeat_at) * 1000)::double precision as heartbeat_at_ms
  from :"schema".jobs
  left join :"schema".workers on workers.id = jobs.worker_id
 where jobs.queue = $1
   and jobs.id = $2::uuid
