-- Settled attempts that a search finds, and how far it came: see migrations/0019-search.sql. One row without an attempt when it
-- finds none. Served by history_job, and by what the walk goes by.
with walk as materialized (
  select *
    from :"schema".search_history(
      $1, $2, $3, $4::boolean, $5, $6::timestamptz, $7::timestamptz, $8::json,
      $9::timestamptz, $10::uuid, $11::integer, $12, $13::integer, $14::double precision)
)
select to_char(walk.next_finished_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as next_finished_at,
       walk.next_id::text, walk.next_attempt, walk.next_queue, walk.is_cut, walk.examined,
       attempts.id::text, attempts.queue, attempts.task, attempts.attempt, attempts.outcome, attempts.final,
       attempts.worker_id::text, attempts.correlation_id, attempts.replay_of::text,
       attempts.error::text,
       case when octet_length(attempts.output::text) <= $15::integer then attempts.output::text end as output,
       (extract(epoch from attempts.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from attempts.started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from attempts.finished_at) * 1000)::double precision as finished_at_ms
  from walk
  left join lateral (
    select attempt.*
      from unnest(walk.finished_ats, walk.ids, walk.attempts, walk.queues)
           with ordinality as found (finished_at, id, attempt, queue, place)
     cross join lateral (
       select *
         from :"schema".history
        where history.queue = found.queue
          and history.id = found.id
          and history.attempt = found.attempt
          and history.finished_at = found.finished_at
       offset 0
     ) as attempt
     order by found.place
  ) as attempts on true
