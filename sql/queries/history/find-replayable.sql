-- Last attempts of ended jobs, oldest first, from just after a position: at most $11 of them, and about $12 bytes of payload.
-- A job that was made live again, or has been since, is left out. Served by history_finished and history_job.
with matching as (
  select history.*, octet_length(history.payload::text) as bytes
    from :"schema".history
   where (history.finished_at, history.id, history.attempt, history.queue)
         > ($1::timestamptz, $2::uuid, $3::integer, $4::text)
     and history.finished_at >= $5::timestamptz
     and history.finished_at < $6::timestamptz
     and history.expires_at >= $5::timestamptz
     and history.final
     and history.payload is not null
     and history.outcome = any (($7::text)::text[])
     and ($8::text is null or history.task = $8)
     and ($9::text is null or history.queue = $9)
     and ($10::text is null or history.id = any (($10::text)::uuid[]))
     and not exists (select from :"schema".jobs where jobs.queue = history.queue and jobs.id = history.id)
     and not exists (
       select from :"schema".history as later
        where later.queue = history.queue and later.id = history.id and later.attempt > history.attempt)
   order by history.finished_at, history.id, history.attempt, history.queue
   limit $11::integer
), measured as (
  select matching.*,
         sum(matching.bytes) over (order by matching.finished_at, matching.id, matching.attempt, matching.queue)
           - matching.bytes as bytes_before
    from matching
)
select id::text, queue, task, attempt, outcome, final, worker_id::text, correlation_id, replay_of::text,
       error::text, output::text, payload::text,
       (extract(epoch from created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from finished_at) * 1000)::double precision as finished_at_ms,
       (extract(epoch from expires_at) * 1000)::double precision as expires_at_ms,
       to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as finished_at
  from measured
 where bytes_before < $12::double precision
 order by measured.finished_at, measured.id, measured.attempt, measured.queue
