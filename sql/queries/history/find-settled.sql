-- Which of these attempts has this worker settled already, under these claims? Asked when a settle's reply was lost. A
-- rescue writes no claim number. Served by history_job; the limit keeps the look-ups one by one, whatever the statistics.
select settled.id::text, settled.claim_number::text, settled.outcome, settled.final
  from unnest(($3::text)::uuid[], ($4::text)::integer[], ($5::text)::bigint[]) as attempt (id, number, claim_number)
 cross join lateral (
   select history.id, history.claim_number, history.outcome, history.final
     from :"schema".history
    where history.queue = $1
      and history.id = attempt.id
      and history.attempt = attempt.number
      and history.worker_id = $2::uuid
      and history.claim_number = attempt.claim_number
    limit 1
 ) as settled
