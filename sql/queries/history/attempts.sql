-- The attempts of one job, in order. Served by history_job.
select id::text, queue, task, attempt, outcome, final, worker_id::text, correlation_id, replay_of::text,
       error::text, output::text, payload::text,
       (extract(epoch from created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from finished_at) * 1000)::double precision as finished_at_ms,
       (extract(epoch from expires_at) * 1000)::double precision as expires_at_ms
  from :"schema".history
 where queue = $1
   and id = $2::uuid
 order by attempt, finished_at
