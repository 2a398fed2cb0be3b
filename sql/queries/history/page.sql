-- Settled attempts, newest first, from just after a position. Served by history_finished; the look at expires_at leaves out
-- partitions in which everything expired before $5.
select id::text, queue, task, attempt, outcome, final, worker_id::text, correlation_id, replay_of::text,
       error::text, output::text, payload::text,
       (extract(epoch from created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from finished_at) * 1000)::double precision as finished_at_ms,
       (extract(epoch from expires_at) * 1000)::double precision as expires_at_ms,
       to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as finished_at
  from :"schema".history
 where (history.finished_at, history.id, history.attempt, history.queue)
       < ($1::timestamptz, $2::uuid, $3::integer, $4::text)
   and history.finished_at >= $5::timestamptz
   and history.finished_at < $6::timestamptz
   and history.expires_at >= $5::timestamptz
   and ($7::text is null or task = $7)
   and ($8::text is null or queue = $8)
   and ($9::text is null or outcome = any (($9::text)::text[]))
   and ($10::boolean is null or final = $10)
   and ($11::text is null or correlation_id = $11)
   and ($12::uuid is null or id = $12)
 order by history.finished_at desc, history.id desc, history.attempt desc, history.queue desc
 limit $13::integer
