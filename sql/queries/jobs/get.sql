-- One live job. Served by the primary key.
select id::text, queue, task, state, priority, attempt, failures, max_attempts, crashes, worker_id::text, replay_of::text,
       correlation_id, concurrency_key, cancel_reason, last_error, partial_results::text, payload::text,
       array_to_json(flags)::text as flags,
       (extract(epoch from run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from claimed_at) * 1000)::double precision as claimed_at_ms
  from :"schema".jobs
 where queue = $1
   and id = $2::uuid
