-- Enqueues finished jobs anew, each under a new id. Served by history_job; the caller names each job once.
with moment as materialized (
  select case when pg_current_xact_id() is not null then :"schema".now() end as now
), renewed as (
  insert into :"schema".jobs
    (id, run_at, created_at, replay_of, max_attempts, priority, queue, task, state, correlation_id, payload)
  select named.new_id, moment.now, moment.now, last.id, named.max_attempts, named.priority, last.queue, last.task, 'ready',
         last.correlation_id, last.payload
    from moment
   cross join unnest(
     ($1::text)::text[], ($2::text)::uuid[], ($3::text)::uuid[], ($4::text)::integer[], ($5::text)::smallint[]
   ) as named (queue, id, new_id, max_attempts, priority)
   cross join lateral (
     select history.*
       from :"schema".history
      where history.queue = named.queue
        and history.id = named.id
        and history.final
        and history.outcome in ('failed', 'cancelled')
      order by history.attempt desc
      limit 1
   ) as last
  returning jobs.queue, jobs.replay_of, jobs.id
), woken as (
  select :"schema".wake_workers()
)
select renewed.queue, renewed.replay_of::text as replay_of, renewed.id::text
  from renewed
  left join woken on true
