-- Which of these attempts has this worker settled already, under these claims? Asked when a settle's reply was lost. A
-- rescue writes no claim number. Served by history_job.
select history.id::text, history.outcome, history.final
  from unnest(($3::text)::uuid[], ($4::text)::integer[], ($5::text)::bigint[]) as attempt (id, number, claim_number)
  join :"schema".history
    on history.queue = $1
   and history.id = attempt.id
   and history.attempt = attempt.number
   and history.worker_id = $2::uuid
   and history.claim_number = attempt.claim_number
