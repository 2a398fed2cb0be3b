-- Live jobs that a search finds, and how far it came: see migrations/0019-search.sql. One row without a job when it finds none.
-- Served by the primary key, and by what the walk goes by.
with walk as materialized (
  select *
    from :"schema".search_jobs($1, $2, $3, $4, $5, $6::json, $7, $8::uuid, $9::integer, $10::double precision)
)
select walk.next_queue, walk.next_id::text, walk.is_cut, walk.examined,
       jobs.id::text, jobs.queue, jobs.task, jobs.state, jobs.priority, jobs.attempt, jobs.failures, jobs.max_attempts,
       jobs.worker_id::text, jobs.correlation_id, jobs.concurrency_key, jobs.rate_limit_key, jobs.last_error,
       array_to_json(jobs.flags)::text as flags,
       (extract(epoch from jobs.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from jobs.created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from jobs.claimed_at) * 1000)::double precision as claimed_at_ms
  from walk
  left join lateral (
    select job.*
      from unnest(walk.queues, walk.ids) with ordinality as found (queue, id, place)
     cross join lateral (
       select *
         from :"schema".jobs
        where jobs.queue = found.queue
          and jobs.id = found.id
       offset 0
     ) as job
     order by found.place
  ) as jobs on true
