-- What jobs are now: live, or as their last attempt left them. Served by the primary key and by history_job.
select named.queue, named.id::text,
       coalesce(jobs.task, ended.task) as task,
       coalesce(jobs.state, case when ended.task is not null then 'finished' end) as state,
       (extract(epoch from coalesce(jobs.run_at, ended.run_at)) * 1000)::double precision as run_at_ms,
       coalesce(jobs.correlation_id, ended.correlation_id) as correlation_id
  from unnest(($1::text)::text[], ($2::text)::uuid[]) as named (queue, id)
  left join :"schema".jobs
    on jobs.queue = named.queue
   and jobs.id = named.id
  left join lateral (
    select history.task, history.run_at, history.correlation_id
      from :"schema".history
     where history.queue = named.queue
       and history.id = named.id
     order by history.attempt desc
     limit 1
  ) as ended on true
