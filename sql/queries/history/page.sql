-- Settled attempts, newest first, from just after a position: see migrations/0003-history.sql. Served by history_finished.
select id::text, queue, task, attempt, outcome, final, worker_id::text, correlation_id, replay_of::text,
       error::text, output::text, payload::text,
       (extract(epoch from created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from finished_at) * 1000)::double precision as finished_at_ms,
       (extract(epoch from expires_at) * 1000)::double precision as expires_at_ms,
       to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as finished_at
  from :"schema".list_history(
    $1::timestamptz, $2::uuid, $3::integer, $4, $5::timestamptz, $6::timestamptz, $7, $8, ($9::text)::text[],
    $10::boolean, $11, $12::uuid, $13::integer)
