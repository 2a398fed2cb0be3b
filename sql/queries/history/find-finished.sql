-- Which of these jobs have run? Asked on another connection when the caller's transaction cannot see. Served by history_job.
select named.queue, named.id::text
  from unnest(($1::text)::text[], ($2::text)::uuid[]) as named (queue, id)
 where exists (select from :"schema".history where history.queue = named.queue and history.id = named.id)
