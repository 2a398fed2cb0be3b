-- The last rows of the named jobs, where they have ended; a queue of null means every queue. Served by history_job.
with recursive known as (
  (select history.queue from :"schema".history where array_position(($1::text)::text[], null) is not null
    order by history.queue, history.id
    limit 1)
  union all
  select (select history.queue
            from :"schema".history
           where history.queue > known.queue
           order by history.queue, history.id
           limit 1)
    from known
   where known.queue is not null
), named as (
  select given.queue, given.id
    from unnest(($1::text)::text[], ($2::text)::uuid[]) as given (queue, id)
   where given.queue is not null
   union
  select known.queue, given.id
    from known
   cross join unnest(($1::text)::text[], ($2::text)::uuid[]) as given (queue, id)
   where given.queue is null
     and known.queue is not null
)
select last.id::text, last.queue, last.task, last.attempt, last.outcome, last.final, last.worker_id::text,
       last.replay_of::text,
       last.correlation_id, last.error::text, last.output::text, last.payload::text,
       (extract(epoch from last.created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from last.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from last.started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from last.finished_at) * 1000)::double precision as finished_at_ms,
       (extract(epoch from last.expires_at) * 1000)::double precision as expires_at_ms
  from named
 cross join lateral (
   select history.*
     from :"schema".history
    where history.queue = named.queue
      and history.id = named.id
      and history.final
    order by history.attempt desc
    limit 1
 ) as last
