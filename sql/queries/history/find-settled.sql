-- Which of these attempts has this worker settled already? Asked when a settle's reply was lost. Served by history_job.
select history.id::text, history.outcome
  from unnest(($3::text)::uuid[], ($4::text)::integer[]) as attempt (id, number)
  join :"schema".history
    on history.queue = $1
   and history.id = attempt.id
   and history.attempt = attempt.number
   and history.worker_id = $2::uuid
