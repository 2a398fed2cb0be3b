-- A page of live jobs. Served by the primary key: ordered by the columns, not by the texts that come out.
select id::text, queue, task, state, priority, attempt, failures, max_attempts, crashes, worker_id::text, replay_of::text,
       correlation_id, concurrency_key, cancel_reason, last_error, partial_results::text,
       array_to_json(flags)::text as flags,
       (extract(epoch from run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from claimed_at) * 1000)::double precision as claimed_at_ms
  from :"schema".jobs
 where ($1::text is null or queue = $1)
   and ($2::text is null or task = $2)
   and ($3::text is null or state = $3)
   and ($4::text is null or correlation_id = $4)
   and ($5::text is null or concurrency_key = $5)
   and ($6::text is null or (queue, id) > ($6, $7::uuid))
 order by jobs.queue, jobs.id
 limit $8::integer
