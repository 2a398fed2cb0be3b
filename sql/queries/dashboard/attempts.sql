-- The newest $3 attempts of one job, the newest first, with the payload of the newest one that has it. Served by history_job.
select history.queue, history.id::text, history.task, history.attempt, history.outcome, history.final, history.worker_id::text,
       history.correlation_id, history.replay_of::text,
       history.error::text as error,
       history.output::text as output,
       case when history.payload is not null
             and row_number() over (order by history.payload is null, history.attempt desc, history.finished_at desc) = 1
            then history.payload::text end as payload,
       (extract(epoch from history.created_at) * 1000)::double precision as created_at_ms,
       (extract(epoch from history.run_at) * 1000)::double precision as run_at_ms,
       (extract(epoch from history.started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from history.finished_at) * 1000)::double precision as finished_at_ms
  from :"schema".history
 where history.queue = $1
   and history.id = $2::uuid
 order by history.attempt desc, history.finished_at desc
 limit $3::integer
