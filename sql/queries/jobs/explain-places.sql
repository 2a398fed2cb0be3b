-- How many places the living workers have that take a job of a queue ($1), a task ($2) and flags ($3), and how many jobs those
-- hold in their newest claims, up to their places. Served by claims_of_worker and the primary key.
with taking as materialized (
  select workers.id, workers.concurrency
    from :"schema".workers
   where workers.ended_at is null
     and workers.heartbeat_at >= :"schema".now() - workers.lease_ms * interval '1 millisecond'
     and (workers.queues is null or $1 = any (workers.queues))
     and (workers.tasks is null or $2 = any (workers.tasks))
     and not coalesce(workers.forbidden_flags && ($3::text)::text[], false)
   limit 200
)
select count(*)::integer as workers,
       coalesce(sum(taking.concurrency), 0)::integer as places,
       coalesce(sum(held.jobs), 0)::integer as held
  from taking
 cross join lateral (
   select count(*)::integer as jobs
     from (
       select jobs.id
         from (
           select claims.queue, claims.ids, claims.claim_number
             from :"schema".claims
            where claims.worker_id = taking.id
            order by claims.worker_id desc, claims.claim_number desc
            limit greatest(10, taking.concurrency)
         ) as newest
        cross join lateral (
          select jobs.id
            from :"schema".jobs
           where jobs.queue = newest.queue
             and jobs.id = any (newest.ids)
             and jobs.worker_id = taking.id
             and jobs.claim_number = newest.claim_number
          offset 0
        ) as jobs
        limit taking.concurrency
     ) as jobs
 ) as held
