-- Everything of one live job, with the name of the worker that has it. Served by the primary keys.
select jobs.task, jobs.state, jobs.priority, jobs.max_attempts, jobs.failures, jobs.crashes, jobs.correlation_id,
       jobs.concurrency_key, jobs.rate_limit_key, jobs.unique_key, jobs.cancel_reason, jobs.replay_of::text, jobs.worker_id::text,
       workers.name as worker_name,
       jobs.payload::text as payload,
       jobs.partial_results::text as partial_results,
       array_to_json(jobs.flags)::text as flags,
       (extract(epoch from jobs.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from jobs.created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from jobs.claimed_at) * 1000)::double precision as claimed_at_ms
  from :"schema".jobs
  left join :"schema".workers on workers.id = jobs.worker_id
 where jobs.queue = $1
   and jobs.id = $2::uuid
