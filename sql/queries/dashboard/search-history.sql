-- Looks into the history for a time, the newest first: see migrations/0019-search.sql. The last row says how far that went. Served by
-- history_finished or by the index of a searchable path, and for each row by history_job.
select found.is_found, found.is_end, found.is_cut, found.examined, found.queue, found.id::text, found.attempt,
       to_char(found.finished_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as finished_at,
       (extract(epoch from found.finished_at) * 1000)::double precision as finished_at_ms,
       settled.task, settled.outcome, settled.final, settled.worker_id::text, settled.correlation_id, settled.replay_of::text,
       settled.error::text as error,
       case when octet_length(settled.output::text) <= 16384 then settled.output::text end as output,
       (extract(epoch from settled.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from settled.started_at) * 1000)::double precision as started_at_ms
  from :"schema".search_history(
    $1, $2::boolean, $3, $4, $5, $6::timestamptz, $7::timestamptz, $8::json, $9::timestamptz, $10::uuid, $11::integer, $12,
    $13::integer, $14::double precision) as found
  left join lateral (
    select history.*
      from :"schema".history
     where history.queue = found.queue
       and history.id = found.id
       and history.attempt = found.attempt
       and history.finished_at = found.finished_at
       and history.expires_at = found.expires_at
     limit 1
  ) as settled on found.is_found
 where settled.id is not null
    or not found.is_found
