-- Which of these jobs does the worker no longer hold under their claim numbers, and which are to be cancelled? Served by
-- the primary key; the limit keeps the look-ups one by one, whatever the statistics.
select held.queue, held.id::text, held.claim_number::text, found.id is null as lost, found.cancel_reason
  from unnest(($2::text)::text[], ($3::text)::uuid[], ($4::text)::bigint[]) as held (queue, id, claim_number)
  left join lateral (
    select jobs.id, jobs.cancel_reason
      from :"schema".jobs
     where jobs.queue = held.queue
       and jobs.id = held.id
       and jobs.worker_id = $1::uuid
       and jobs.claim_number = held.claim_number
     limit 1
  ) as found on true
 where found.id is null
    or found.cancel_reason is not null
