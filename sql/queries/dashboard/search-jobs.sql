-- Looks for live jobs for a time: see migrations/0019-search.sql. The last row says how far that went. Served by the primary key, by
-- the indexes of the states, or by that of a searchable path.
select found.is_found, found.is_end, found.is_cut, found.examined, found.queue, found.id::text,
       job.task, job.state, job.priority, job.attempt, job.failures, job.max_attempts, job.worker_id::text, job.correlation_id,
       job.concurrency_key, job.rate_limit_key, job.last_error,
       array_to_json(job.flags)::text as flags,
       (extract(epoch from job.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from job.created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from job.claimed_at) * 1000)::double precision as claimed_at_ms
  from :"schema".search_jobs($1, $2, $3, $4, $5, $6::json, $7, $8::uuid, $9::integer, $10::double precision) as found
  left join lateral (
    select jobs.*
      from :"schema".jobs
     where jobs.queue = found.queue
       and jobs.id = found.id
    offset 0
  ) as job on found.is_found
 where job.id is not null
    or not found.is_found
